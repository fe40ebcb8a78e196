"""The engine for servers that speak OpenAI's protocol; made for `vllm serve`.

faults       what can go wrong with one call, and whether another try makes sense
pool         the servers: which is least busy, which is dead, which is back
client       one call: deadline, retries, the answer as checked JSON
wire_tokens  payloads and answers where this side has the tokenizer (vLLM)
wire_chat    payloads and answers where the server renders the conversation (any server)
adapters     LoRA adapters, loaded into the servers by name and taken out again
metrics      what a vLLM server says of itself: queue, tokens, prefix cache
engine       the engine itself
"""
