"""What a claim and a submit cost through the service layer, in small and large projects.

Makes a scratch database beside the configured one (SQLite, or PostgreSQL with DATABASE_URL), and
removes it at the end. Run from the repository root: `python -m benchmarks.labelling`. Prints one
JSON object: medians in milliseconds at each number of pairs, and the ratio of the largest to the
smallest, which stays near 1 as long as nothing scans the queue.

`claim_far_ahead` is a claim of a rater who has labelled AHEAD pairs that still wait for a second
rater: those stand first in the queue and must be passed over, so this one does grow, with AHEAD.
`progress` is the count for the bar above a task; `report` is the whole agreement report.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from annotation.models import Rater, Slot  # noqa: E402
from annotation.selectors import agreement_report, rater_progress  # noqa: E402
from annotation.services import (  # noqa: E402
    Judgement,
    claim_next_slot,
    open_slots,
    submit_label,
)
from annotation.services.labels import ON_SCREEN  # noqa: E402
from benchmarks.scratch import scratch_database  # noqa: E402
from corpus.hashing import sha256_of  # noqa: E402
from corpus.models import Completion, Pair, Project, Prompt  # noqa: E402

SIZES = (1_000, 100_000)
RATERS = 8
AHEAD = 500
WARM_UP = 20
BATCH = 2_000


def fill(project: Project, pairs: int, rng: random.Random) -> None:
    """`pairs` pairs of about 200 words an answer, each wanting two labels."""
    words = ["".join(rng.choices("abcdefgh", k=5)) for _ in range(500)]
    for start in range(0, pairs, BATCH):
        numbers = range(start, min(start + BATCH, pairs))
        prompts = Prompt.objects.bulk_create(
            Prompt(
                project=project,
                messages=[{"role": "user", "content": " ".join(rng.choices(words, k=40))}],
                sha256=sha256_of([project.slug, number]),
            )
            for number in numbers
        )
        answers = Completion.objects.bulk_create(
            Completion(
                prompt=prompt,
                text=" ".join(rng.choices(words, k=200)),
                sha256=sha256_of([prompt.sha256, side]),
            )
            for prompt in prompts
            for side in ("first", "second")
        )
        made = Pair.objects.bulk_create(
            Pair(
                project=project,
                prompt=prompt,
                first=answers[2 * place],
                second=answers[2 * place + 1],
                sha256=sha256_of([prompt.sha256, "pair"]),
                origin=Pair.Origin.IMPORT,
            )
            for place, prompt in enumerate(prompts)
        )
        open_slots(pairs=made, wanted=2)


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def cycle(rater: Rater, rng: random.Random) -> tuple[float, float]:
    """One claim and one submit, in milliseconds each."""
    held: list[Slot | None] = []
    claim = milliseconds(lambda: held.append(claim_next_slot(rater=rater)))
    slot = held[0]
    if slot is None or slot.lease is None:
        raise SystemExit(f"{rater} found no task: too few pairs for so many cycles")
    lease, judgement = slot.lease, Judgement(pressed=rng.choice(ON_SCREEN), seconds=5.0)
    submit = milliseconds(
        lambda: submit_label(slot_id=slot.pk, rater=rater, lease=lease, judgement=judgement)
    )
    return claim, submit


def measure(pairs: int, cycles: int, rng: random.Random) -> dict[str, float]:
    project = Project.objects.create(slug=f"pairs-{pairs}", name=f"{pairs} pairs")
    fill(project, pairs, rng)
    raters = [
        Rater.objects.create(project=project, name=f"rater {n}", kind=Rater.Kind.HUMAN)
        for n in range(RATERS + 1)
    ]
    ahead = raters.pop()
    times = [cycle(raters[n % RATERS], rng) for n in range(cycles + WARM_UP)][WARM_UP:]
    for _ in range(AHEAD):
        cycle(ahead, rng)
    far_ahead = [cycle(ahead, rng)[0] for _ in range(50)]
    progress = [milliseconds(lambda: rater_progress(raters[0])) for _ in range(10)]
    report = [milliseconds(lambda: agreement_report(project)) for _ in range(3)]
    return {
        "claim": statistics.median(claim for claim, _ in times),
        "submit": statistics.median(submit for _, submit in times),
        "claim_far_ahead": statistics.median(far_ahead),
        "progress": statistics.median(progress),
        "report": statistics.median(report),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="Pairs.")
    parser.add_argument("--cycles", type=int, default=400, help="Measured claims a size.")
    options = parser.parse_args()
    with scratch_database():
        rng = random.Random(1)
        rows = {size: measure(size, options.cycles, rng) for size in sorted(set(options.sizes))}
    small, large = rows[min(rows)], rows[max(rows)]
    result = {
        "database": connection.vendor,
        "cycles": options.cycles,
        "ahead": AHEAD,
        "p50_ms": {
            str(size): {key: round(value, 2) for key, value in row.items()}
            for size, row in rows.items()
        },
        "ratio": {key: round(large[key] / small[key], 2) for key in small},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
