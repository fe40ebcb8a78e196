"""Builds a tiny random Llama with its tokenizer: real logits in a tenth of a second.

Its answers are noise, and sure enough of themselves that different prompts and seeds differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

CONTEXT_TOKENS = 256

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

_SPECIAL_TOKENS = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")

# Enough to merge common letters into words, so that "A" and " A" are one token each.
_CORPUS = (
    "Which answer is better, A or B? The answer is A. The answer is B. A tie is neither A nor B.",
    "Please write a polite and helpful answer to the question. Thank you for the question.",
    "Yes or no? Yes. No. The better answer is the polite answer, and the other answer is rude.",
)


def build_tiny_model(folder: Path, *, seed: int = 0) -> Path:
    """Write a tiny random Llama (float32 safetensors) and its tokenizer to `folder`; return it.

    Byte-level BPE of 320 tokens with a chat template, pad token and end token apart, a context
    of 256 tokens; about 50,000 parameters. The same seed gives the same weights. Torch's global
    random state is left as it was.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = build_tokenizer()
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT_TOKENS,
        # Larger than usual: near-uniform logits would hide wrong positions and wrong masks.
        initializer_range=0.3,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    make_model: Any = LlamaForCausalLM
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = make_model(config)
    model.save_pretrained(folder)
    return folder


def build_tokenizer() -> Any:
    """A byte-level BPE tokenizer of 320 tokens with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        min_frequency=1,
        special_tokens=list(_SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_CORPUS, trainer)
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(
        tokenizer_object=bpe,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        additional_special_tokens=list(_SPECIAL_TOKENS[2:]),
        model_max_length=CONTEXT_TOKENS,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
