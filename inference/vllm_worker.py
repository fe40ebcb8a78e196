"""The process that holds a model for the vLLM engine: `python -m inference.vllm_worker`.

Reads one JSON message after another from stdin, each with its length before it, and answers each
on what was stdout when it started: vLLM's own chatter goes to stderr. It ends when stdin does, so
it never outlives whoever started it.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import Any, BinaryIO

_LENGTH = struct.Struct("<Q")


def send(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Write one message."""
    body = json.dumps(message).encode()
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message; None where the stream ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    if len(body) < length:
        return None
    message: dict[str, Any] = json.loads(body)
    return message


class Model:
    """A `vllm.LLM`, with a LoRA adapter where one is given."""

    def __init__(self, model: str, adapter: str | None, adapter_rank: int, **options: Any) -> None:
        from vllm import LLM
        from vllm.lora.request import LoRARequest

        if adapter is not None:
            options |= {"enable_lora": True, "max_lora_rank": adapter_rank}
        self._llm: Any = LLM(model=model, disable_log_stats=True, **options)
        self._adapter = None if adapter is None else LoRARequest("adapter", 1, adapter)
        self.context_tokens = int(self._llm.llm_engine.model_config.max_model_len)

    def generate(
        self, prompts: list[list[int]], seeds: list[int | None], sampling: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Text, token log-probabilities and finish reason of each answer."""
        from vllm import SamplingParams

        params = [SamplingParams(logprobs=0, seed=seed, top_k=0, **sampling) for seed in seeds]
        return [
            {
                "text": one.text,
                "finish_reason": one.finish_reason,
                "token_logprobs": [
                    told[token].logprob
                    for told, token in zip(one.logprobs, one.token_ids, strict=True)
                ],
            }
            for one in self._run(prompts, params)
        ]

    def next_tokens(self, rows: list[list[int]], tokens: list[int]) -> list[list[float]]:
        """After each row, the log-probability (nats) of each of the tokens."""
        from vllm import SamplingParams

        params = SamplingParams(max_tokens=1, temperature=0, logprob_token_ids=tokens)
        return [
            [one.logprobs[0][token].logprob for token in tokens] for one in self._run(rows, params)
        ]

    def _run(self, prompts: list[list[int]], params: Any) -> list[Any]:
        inputs = [{"prompt_token_ids": ids} for ids in prompts]
        outputs = self._llm.generate(inputs, params, lora_request=self._adapter, use_tqdm=False)
        return [output.outputs[0] for output in outputs]


def main() -> None:
    """Load what the first message asks for, then answer until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    questions = sys.stdin.buffer
    opening = receive(questions)
    if opening is None:
        return
    try:
        model = Model(**opening)
    except ModuleNotFoundError as error:
        send(answers, {"error": f"{error}; install it with `make install-vllm`"})
        return
    except Exception as error:  # noqa: BLE001 -- whatever vLLM raises is the answer
        send(answers, {"error": f"{type(error).__name__}: {error}"})
        return
    send(answers, {"context_tokens": model.context_tokens})
    while (question := receive(questions)) is not None:
        operation = question.pop("operation")
        work = model.generate if operation == "generate" else model.next_tokens
        try:
            send(answers, {"results": work(**question)})
        except ValueError as error:
            send(answers, {"error": str(error)})


if __name__ == "__main__":
    main()
