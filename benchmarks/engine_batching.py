"""How much batching gains: requests per second of one batched call over a loop of single calls.

    python -m benchmarks.engine_batching [MODEL_FOLDER] [--prompts N] [--max-tokens N] [--rounds N]

Without a folder a tiny random model is built. Both ways answer the same greedy requests in one
run, taking turns; the median round of each counts, and the answers must agree. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from inference.engine import Engine, Generation, Message, Request, Sampling
from inference.registry import open_engine


def conversations(count: int) -> list[Request]:
    """Questions of varied lengths, one user turn each."""
    return [
        Request((Message("user", f"Question {n}: " + "which answer is better? " * (n % 7 + 1)),))
        for n in range(count)
    ]


def timed(work: Callable[[], list[Generation]]) -> tuple[float, list[Generation]]:
    """Seconds the work took, and its answers."""
    start = time.perf_counter()
    answers = work()
    return time.perf_counter() - start, answers


def measure(
    engine: Engine, requests: list[Request], sampling: Sampling, rounds: int
) -> dict[str, float]:
    """Median requests per second of both ways and their ratio."""
    engine.generate(requests[:2], sampling)
    batched_seconds, single_seconds, differing = [], [], 0
    for _ in range(rounds):
        seconds, together = timed(lambda: engine.generate(requests, sampling))
        batched_seconds.append(seconds)
        seconds, alone = timed(
            lambda: [engine.generate([request], sampling)[0] for request in requests]
        )
        single_seconds.append(seconds)
        differing += sum(a.text != b.text for a, b in zip(together, alone, strict=True))
    batched = len(requests) / statistics.median(batched_seconds)
    single = len(requests) / statistics.median(single_seconds)
    return {
        "batched_requests_per_second": round(batched, 2),
        "single_requests_per_second": round(single, 2),
        "ratio": round(batched / single, 2),
        "differing_answers": differing,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", help="model folder (default: a tiny random model)")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.model
        if folder is None:
            from tests.inference.tiny_model import build_tiny_model

            folder = str(build_tiny_model(Path(scratch)))
        sampling = Sampling(max_tokens=asked.max_tokens, temperature=0)
        with open_engine("transformers", folder, threads=asked.threads, batch_size=32) as engine:
            figures = measure(engine, conversations(asked.prompts), sampling, asked.rounds)
    settings = {"model": asked.model or "tiny random Llama", "prompts": asked.prompts}
    print(json.dumps({**settings, "max_tokens": asked.max_tokens, **figures}))


if __name__ == "__main__":
    main()
