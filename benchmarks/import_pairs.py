"""How fast pairs go into the database, from a file of JSON lines to pairs with slots in the queue.

    python -m benchmarks.import_pairs [--pairs 100000]

On a scratch database beside the configured one (SQLite, or PostgreSQL with DATABASE_URL). The
reference of the same run is the file's lines alone: read with json.loads, and on PostgreSQL stored
as they are in one table without index by COPY. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from annotation.models import Slot  # noqa: E402
from benchmarks.scratch import scratch_database  # noqa: E402
from corpus.imports.services import import_file  # noqa: E402

PROMPT_WORDS = 50
RESPONSE_WORDS = 200


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_pairs")
    parser.add_argument("--pairs", type=int, default=20_000)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as folder, scratch_database():
        print(json.dumps(measure(Path(folder) / "pairs.jsonl", pairs)))


def measure(path: Path, pairs: int) -> dict[str, float | int | str]:
    with path.open("w") as file:
        file.writelines(json.dumps(made_up(number)) + "\n" for number in range(pairs))
    loads = seconds(lambda: read(path))
    reference = loads + (seconds(lambda: copy_lines(path)) if is_postgres() else 0.0)
    first = seconds(lambda: bring(path, pairs))
    again = seconds(lambda: bring(path, 0))
    return {
        "database": connection.vendor,
        "pairs": pairs,
        "slots": Slot.objects.count(),
        "seconds": round(first, 3),
        "pairs_per_second": round(pairs / first),
        "reference_seconds": round(reference, 3),
        "ratio": round(first / reference, 1),
        "again_seconds": round(again, 3),
    }


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def read(path: Path) -> None:
    with path.open() as file:
        for line in file:
            json.loads(line)


def copy_lines(path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (line text)")
        with path.open() as file, cursor.copy("COPY bare FROM STDIN") as copy:
            for line in file:
                copy.write_row((line,))
        cursor.execute("DROP TABLE bare")


def bring(path: Path, new: int) -> None:
    report = import_file(slug="bench", path=path)
    if report.pairs_added != new:
        raise RuntimeError(f"{report.pairs_added} pairs went in, not {new}")


def made_up(number: int) -> dict[str, object]:
    def words(count: int, salt: int) -> str:
        drawn = (f"w{(number * 7919 + salt * 104729 + i * i) % 9973}" for i in range(count))
        return f"{number} " + " ".join(drawn)

    return {
        "id": str(number),
        "prompt": words(PROMPT_WORDS, 0),
        "response_a": words(RESPONSE_WORDS, 1),
        "response_b": words(RESPONSE_WORDS, 2),
        "domain": f"domain {number % 8}",
    }


if __name__ == "__main__":
    main()
