"""How fast pairs go into the database, against a bare pass of json.loads over the same file.

    python -m benchmarks.import_pairs [--pairs 5000]

Runs in a scratch home of its own; prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_pairs")
    parser.add_argument("--pairs", type=int, default=5_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONCORD_HOME"] = home
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        print(json.dumps(measure(Path(home), args.pairs)))


def measure(home: Path, pairs: int) -> dict[str, float | int]:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from corpus.services import import_file
    from judging.management.commands.import_pairs import SINKS

    path = home / "pairs.jsonl"
    with path.open("w") as file:
        for number in range(pairs):
            file.write(json.dumps(made_up(number)) + "\n")
    started = time.perf_counter()
    with path.open() as file:
        read = sum(1 for line in file if json.loads(line))
    bare = time.perf_counter() - started
    started = time.perf_counter()
    report = import_file(slug="bench", path=path, sinks=SINKS)
    seconds = time.perf_counter() - started
    if not report.pairs_added == read == pairs:
        raise RuntimeError(f"{report.pairs_added} of {pairs} pairs went in")
    return {
        "pairs": pairs,
        "seconds": round(seconds, 3),
        "pairs_per_second": round(pairs / seconds, 1),
        "times_json_loads": round(seconds / bare, 1),
    }


def made_up(number: int) -> dict[str, object]:
    words = " ".join(f"word{(number * 7 + i) % 1000}" for i in range(120))
    return {
        "prompt": f"Question {number}? {words[:200]}",
        "response_a": f"{words} a{number}",
        "response_b": f"{words} b{number}",
        "labels": [{"rater": f"r{number % 5}", "choice": "a" if number % 3 else "b"}],
    }


if __name__ == "__main__":
    main()
