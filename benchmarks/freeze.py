"""How fast labels become a dataset version, and how much memory that takes.

    python -m benchmarks.freeze [--pairs 20000]

Runs in a scratch home of its own; prints one JSON object. `peak_growth_mib` is how much the
process's peak memory grew while freezing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.import_pairs import made_up


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.freeze")
    parser.add_argument("--pairs", type=int, default=20_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONCORD_HOME"] = home
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        print(json.dumps(measure(Path(home), args.pairs)))


def measure(home: Path, pairs: int) -> dict[str, float | int | str]:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from corpus.imports.services import import_file
    from corpus.models import Project
    from exports.services import freeze
    from exports.verifying import verify

    path = home / "pairs.jsonl"
    with path.open("w") as file:
        for number in range(pairs):
            file.write(json.dumps(made_up(number)) + "\n")
    import_file(slug="bench", path=path)
    project = Project.objects.get(slug="bench")
    before = peak_mib()
    started = time.perf_counter()
    dataset = freeze(project=project, name="bench")
    seconds = time.perf_counter() - started
    if not verify(dataset.sha256).ok:
        raise RuntimeError("the dataset does not verify")
    return {
        "pairs": pairs,
        "seconds": round(seconds, 3),
        "rows_per_second": round(pairs / seconds, 1),
        "peak_growth_mib": round(peak_mib() - before, 1),
    }


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
