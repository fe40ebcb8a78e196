"""Whom the quality policy retrains and suspends, and when: simulated raters of known skill.

Thirty raters label for sixty simulated days through the very services that the pages call, on a
scratch database, under the default policy. Prints one JSON object: by kind of rater, how many were
retrained and suspended, and how many production labels they had made by then.

- good: right in 84 to 96 % of the pairs;
- careless: right in 60 %;
- spammer: any button; left-clicker: always left. Half of these answer calibration as a good rater
  would, and begin afterwards;
- drifting: as good, and from day 20 on worse by 3 points a day.

Run from the repository root: `python -m benchmarks.rater_policy [--seeds N]`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
from dataclasses import dataclass

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from annotation.models import Choice, GoldPair, Label, Rater, Slot, StatusChange  # noqa: E402
from annotation.queue.tasks_shown import on_screen  # noqa: E402
from annotation.services import (  # noqa: E402
    Judgement,
    check_rater,
    claim_next_slot,
    open_slots,
    submit_label,
)
from benchmarks.scratch import scratch_database  # noqa: E402
from corpus.models import Pair, Project  # noqa: E402
from corpus.writing import Answer, NewPair, write_pairs  # noqa: E402

DAYS = 60
TASKS_A_DAY = 20
GOLD_PAIRS = 1_200
CHECK_EVERY = 5
"""The real clock looks every minute; here every so many tasks of a rater."""

CAST = {"good": 16, "careless": 4, "spammer": 4, "left-clicker": 3, "drifting": 3}
TRUTH = {"first": 0.42, "second": 0.42, "equal": 0.1, "both_bad": 0.06}
DRIFT_FROM_DAY = 20
DRIFT_A_DAY = 0.03
MONTHS_AHEAD = 30
"""Simulated days lie ahead of today, so that no lease has run out by the real clock."""


@dataclass(frozen=True, slots=True)
class Skill:
    kind: str
    accuracy: float
    sleeper: bool
    """Answers calibration honestly, and is what they are only afterwards."""

    def press(self, truth: str, slot: Slot, day: int, rng: random.Random) -> str:
        honest = self.sleeper and slot.purpose == Slot.Purpose.CALIBRATION
        if self.kind == "left-clicker" and not honest:
            return "left"
        accuracy = self.accuracy
        if self.kind == "spammer" and not honest:
            accuracy = 0.0
        if self.kind == "drifting":
            accuracy = max(0.25, accuracy - DRIFT_A_DAY * max(0, day - DRIFT_FROM_DAY))
        others = (
            Choice.values
            if self.kind == "spammer"
            else [choice for choice in Choice.values if choice != truth]
        )
        choice = truth if rng.random() < accuracy else rng.choice(others)
        return on_screen(choice, first_is_left=bool(slot.first_is_left))


def make_cast(rng: random.Random) -> list[Skill]:
    cast = []
    for kind, count in CAST.items():
        for number in range(count):
            accuracy = 0.6 if kind == "careless" else rng.uniform(0.84, 0.96)
            sleeper = kind in ("spammer", "left-clicker") and number % 2 == 0
            cast.append(Skill(kind, accuracy, sleeper))
    return cast


def fill(project: Project, rng: random.Random) -> dict[int, str]:
    """Pairs with their truth: gold first, and production enough for all."""
    wanted = GOLD_PAIRS + sum(CAST.values()) * DAYS * TASKS_A_DAY
    truth: dict[int, str] = {}
    for start in range(0, wanted, 500):
        stored = write_pairs(
            project=project,
            pairs=[
                NewPair([{"role": "user", "content": f"Q{n}"}], Answer(f"a{n}"), Answer(f"b{n}"))
                for n in range(start, min(wanted, start + 500))
            ],
            origin=Pair.Origin.IMPORT,
        )
        pairs = [one.pair for one in stored]
        for pair in pairs:
            truth[pair.pk] = rng.choices(list(TRUTH), list(TRUTH.values()))[0]
        if start < GOLD_PAIRS:
            GoldPair.objects.bulk_create(
                GoldPair(
                    pair=pair,
                    project=project,
                    state=GoldPair.State.SETTLED,
                    choice=truth[pair.pk],
                    shuffle=rng.getrandbits(62),
                )
                for pair in pairs
            )
        else:
            open_slots(pairs=pairs)
    return truth


def simulate(seed: int) -> list[dict[str, object]]:
    rng = random.Random(seed)
    project = Project.objects.create(slug=f"simulated-{seed}", name=f"Seed {seed}")
    truth = fill(project, rng)
    cast = make_cast(rng)
    raters = [
        Rater.objects.create(
            project=project,
            kind=Rater.Kind.HUMAN,
            name=f"{skill.kind} {number}",
            status=Rater.Status.ONBOARDING,
        )
        for number, skill in enumerate(cast)
    ]
    begin = timezone.now() + dt.timedelta(days=MONTHS_AHEAD)
    for day in range(DAYS):
        for skill, rater in zip(cast, raters, strict=True):
            work_a_day(rater, skill, truth, day, begin + dt.timedelta(days=day), rng)
    return [outcome(rater, skill, begin) for rater, skill in zip(raters, cast, strict=True)]


def work_a_day(
    rater: Rater,
    skill: Skill,
    truth: dict[int, str],
    day: int,
    morning: dt.datetime,
    rng: random.Random,
) -> None:
    for task in range(TASKS_A_DAY):
        now = morning + dt.timedelta(minutes=task)
        rater.refresh_from_db()
        if rater.status == Rater.Status.SUSPENDED:
            return
        slot = claim_next_slot(rater=rater, now=now)
        if slot is None or slot.lease is None:
            return
        submit_label(
            slot_id=slot.pk,
            rater=rater,
            lease=slot.lease,
            judgement=Judgement(pressed=skill.press(truth[slot.pair_id], slot, day, rng)),
            now=now,
        )
        if task % CHECK_EVERY == 0:
            check_rater(rater=rater, now=now)


def outcome(rater: Rater, skill: Skill, begin: dt.datetime) -> dict[str, object]:
    changes = StatusChange.objects.filter(rater=rater).order_by("id")
    retrained = changes.filter(before="active", after="retraining").first()
    suspended = changes.filter(after="suspended").first()
    production = Label.objects.filter(rater=rater, slot__purpose__in=Slot.SHARED)
    return {
        "kind": skill.kind,
        "sleeper": skill.sleeper,
        "accuracy": round(skill.accuracy, 3),
        "retrained_day": (retrained.created_at - begin).days if retrained else None,
        "suspended_day": (suspended.created_at - begin).days if suspended else None,
        "production_labels": production.count(),
    }


def summary(rows: list[dict[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for kind in CAST:
        mine = [row for row in rows if row["kind"] == kind]
        out = [row for row in mine if row["suspended_day"] is not None]
        labels = [int(str(row["production_labels"])) for row in out]
        days = sorted(int(str(row["suspended_day"])) for row in out)
        found[kind] = {
            "raters": len(mine),
            "retrained": sum(row["retrained_day"] is not None for row in mine),
            "suspended": len(out),
            "suspended_share": round(len(out) / len(mine), 4),
            "suspended_on_day": [days[0], days[-1]] if days else None,
            "most_production_labels_before": max(labels, default=None),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="Runs of thirty raters.")
    parser.add_argument("--raters", action="store_true", help="Also print each rater.")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    with scratch_database():
        for seed in range(options.seeds):
            rows += simulate(seed)
    result: dict[str, object] = {
        "days": DAYS,
        "tasks_a_day": TASKS_A_DAY,
        "seeds": options.seeds,
        "by_kind": summary(rows),
    }
    if options.raters:
        result["raters"] = rows
    print(json.dumps(result))


if __name__ == "__main__":
    main()
