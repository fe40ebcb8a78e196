"""What the server engine's client costs by itself: memory and time for many queued requests.

    python -m benchmarks.server_client [--requests 100000] [--bundle 32]

The requests go, as one list, to a scripted server in another process, which answers by hashes: no
model is in the way. The memory is what this process grew by from the engine's opening to the last
answer, the list of requests and the list of answers included. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from inference.engine import Message, Request
from inference.registry import open_engine

SERVER = """
import sys, time
from inference.scripted_server import ScriptedServer
server = ScriptedServer(counting=False)
print(server.url, flush=True)
sys.stdin.read()
"""

OPTIONS = ("A", "B")
WORDS = "The quick brown fox jumps over the lazy dog near the river bank. " * 8


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server_client")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--bundle", type=int, default=32)
    asked = parser.parse_args()
    from tests.inference.tiny_model import build_tiny_model

    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if server.stdout is None:
            raise SystemExit("the server has no output")
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = str(build_tiny_model(Path(folder) / "tiny"))
            print(json.dumps(measure(url, tokenizer, asked.requests, asked.bundle)))
    finally:
        server.terminate()
        server.wait()


def measure(url: str, tokenizer: str, count: int, bundle: int) -> dict[str, float | int]:
    settings = {"tokenizer": tokenizer, "bundle": bundle}
    with open_engine("server", "scripted", servers=[url], **settings) as engine:
        # What the first call of all imports is no cost of the hundred thousandth.
        engine.choose([ask(0)], OPTIONS)
        before = psutil.Process().memory_info().rss
        start = time.perf_counter()
        answers = engine.choose([ask(number) for number in range(count)], OPTIONS)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "requests": len(answers),
        "bundle": bundle,
        "seconds": round(seconds, 2),
        "requests_per_second": round(count / seconds),
        "milliseconds_each": round(1000 * seconds / count, 3),
        "grown_megabytes": round((peak - before) / 1e6, 1),
    }


def ask(number: int) -> Request:
    return Request((Message("user", f"Question {number}: {WORDS} A or B?"),))


if __name__ == "__main__":
    main()
