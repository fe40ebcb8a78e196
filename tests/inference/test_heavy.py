"""Threads of a worker may be the first to need transformers, all at once."""

from __future__ import annotations

import subprocess
import sys

AT_ONCE = """
import threading
from inference.engine import Message, Request, Sampling
from inference.inspection import inspect_model
from inference.sandbox import MODEL_PATH
from inference.sources import load_tokenizer
from inference.transformers_engine import TransformersEngine

HERE = str(MODEL_PATH)
start = threading.Barrier(4)
done = []

def tried(name, work):
    start.wait()
    work()
    done.append(name)

def answer():
    engine = TransformersEngine(HERE, device="cpu", threads=1)
    asked = Request(messages=(Message("user", "Hi"),), seed=1)
    assert engine.generate([asked], Sampling(max_tokens=2))[0].completion_tokens

works = {
    "tokenizer": lambda: load_tokenizer(HERE),
    "inspection": lambda: inspect_model(HERE),
    "engine": lambda: TransformersEngine(HERE, device="cpu", threads=1),
    "answer": answer,
}
threads = [threading.Thread(target=tried, args=one) for one in works.items()]
for one in threads:
    one.start()
for one in threads:
    one.join()
assert sorted(done) == sorted(works), done
"""


def test_four_threads_may_need_transformers_first() -> None:
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
