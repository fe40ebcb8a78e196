"""How fast a Parquet file of labelled pairs goes in, command and all, and in how much memory.

    python -m benchmarks.import_parquet [--pairs 100000] [--labels 1] [--pairs-again 1000000]

Runs `manage.py import_pairs` as a process of its own on a scratch database beside the configured
one, so that its start counts. The reference of the same run is the file read by PyArrow as Python
objects and, on PostgreSQL, stored as JSON lines in one table without index by COPY. With
--pairs-again a second, larger file shows whether memory grows with the file. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.scratch import scratch_database  # noqa: E402

BATCH = 10_000
PROMPT_WORDS, RESPONSE_WORDS = 12, 40


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_parquet")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=1, help="Labels of each pair.")
    parser.add_argument("--pairs-again", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, scratch_database():
        found = measure(Path(folder), "first", options.pairs, options.labels)
        if options.pairs_again:
            found["again"] = measure(Path(folder), "again", options.pairs_again, options.labels)
        print(json.dumps(found))


def measure(folder: Path, project: str, pairs: int, labels: int) -> dict[str, object]:
    path = folder / f"{project}.parquet"
    write(path, project, pairs, labels)
    start = time.perf_counter()
    reference(path)
    bare = time.perf_counter() - start
    start = time.perf_counter()
    report = bring(project, path)
    seconds = time.perf_counter() - start
    if (report["pairs_added"], report["labels_added"]) != (pairs, pairs * labels):
        raise RuntimeError(f"not everything went in: {report}")
    return {
        "database": connection.vendor,
        "pairs": pairs,
        "labels": report["labels_added"],
        "seconds": round(seconds, 2),
        "pairs_per_second": round(pairs / seconds),
        "peak_mib": round(int(report["peak_kib"]) / 1024),  # type: ignore[call-overload]
        "reference_seconds": round(bare, 2),
        "ratio": round(seconds / bare, 1),
    }


def bring(project: str, path: Path) -> dict[str, object]:
    """The command's report, with the peak of its resident memory."""
    database = str(connection.settings_dict["NAME"])
    code = (
        "import json, resource, sys\n"
        "from django.core.management import execute_from_command_line as run\n"
        "try:\n"
        f"    run(['manage.py', 'import_pairs', {project!r}, {str(path)!r}, '--json'])\n"
        "finally:\n"
        "    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    print(json.dumps({'peak_kib': peak}), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": scratch_url(database)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    report, peak = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    return {**report, **peak}


def scratch_url(name: str) -> str:
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    before, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    return f"{before}/{name}"


def reference(path: Path) -> None:
    file = pq.ParquetFile(path)
    rows = (row for batch in file.iter_batches(batch_size=1_000) for row in batch.to_pylist())
    if connection.vendor != "postgresql":
        for row in rows:
            json.dumps(row)
        return
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (line text)")
        with cursor.copy("COPY bare FROM STDIN") as copy:
            for row in rows:
                copy.write_row((json.dumps(row),))
        cursor.execute("DROP TABLE bare")


def write(path: Path, project: str, pairs: int, labels: int) -> None:
    writer = None
    for start in range(0, pairs, BATCH):
        rows = [made_up(project, n, labels) for n in range(start, min(start + BATCH, pairs))]
        table = pa.Table.from_pylist(rows)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def made_up(project: str, number: int, labels: int) -> dict[str, object]:
    def words(count: int, salt: int) -> str:
        drawn = (f"w{(number * 7919 + salt * 104729 + i * i) % 9973}" for i in range(count))
        return f"{project} {number} " + " ".join(drawn)

    return {
        "id": str(number),
        "prompt": words(PROMPT_WORDS, 0),
        "response_a": words(RESPONSE_WORDS, 1),
        "response_b": words(RESPONSE_WORDS, 2),
        "domain": f"domain {number % 8}",
        "labels": [
            {"rater": f"rater {(number + n) % 20}", "kind": "human", "choice": "ab"[number % 2]}
            for n in range(labels)
        ],
    }


if __name__ == "__main__":
    main()
