"""How far a project is, when it will be done, and how its strata are covered."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Q

from annotation.models import Label, Rater, Slot
from corpus.models import Project

RATE_DAYS = 7
"""The forecast goes by the labels of so many last days."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Production labels: `done` of `wanted`, `per_day` lately; `finished_on` None while there is
    no pace to go by."""

    done: int
    wanted: int
    per_day: float
    finished_on: dt.date | None

    @property
    def percent(self) -> int:
        return round(100 * self.done / self.wanted) if self.wanted else 100


def forecast(project: Project, *, now: dt.datetime) -> Forecast:
    """Production and overlap slots done and wanted, and the day on which the pace of the last
    RATE_DAYS days would see the last of them done."""
    states = dict(
        Slot.objects.filter(project=project, purpose__in=Slot.SHARED)
        .order_by()
        .values_list("state")
        .annotate(Count("id"))
    )
    done = states.get(Slot.State.DONE, 0)
    left = states.get(Slot.State.OPEN, 0) + states.get(Slot.State.LEASED, 0)
    lately = Label.objects.effective().filter(
        project=project,
        slot__purpose__in=Slot.SHARED,
        created_at__gt=now - dt.timedelta(days=RATE_DAYS),
    )
    per_day = lately.count() / RATE_DAYS
    finished = None
    if left and per_day:
        finished = (now + dt.timedelta(days=left / per_day)).date()
    return Forecast(done=done, wanted=done + left, per_day=per_day, finished_on=finished)


@dataclass(frozen=True, slots=True)
class Stratum:
    """Pairs of one value of one property of their prompts."""

    name: str
    pairs: int
    labelled: int
    labels: int

    @property
    def share_labelled(self) -> float:
        return self.labelled / self.pairs if self.pairs else 0.0


def labelled_by(project: Project, column: str) -> list[Stratum]:
    """Coverage by a column of the prompt (domain, difficulty, language, …), largest first."""
    human = Q(
        labels__superseded_by__isnull=True,
        labels__withdrawn=False,
        labels__rater__kind=Rater.Kind.HUMAN,
    )
    rows = (
        project.pairs.filter(held_back="")
        .order_by()
        .values(f"prompt__{column}")
        .annotate(
            pairs=Count("id", distinct=True),
            labelled=Count("id", filter=human, distinct=True),
            made=Count("labels", filter=human, distinct=True),
        )
        .order_by("-pairs")
    )
    return [
        Stratum(
            name=str(row[f"prompt__{column}"] or "not given"),
            pairs=row["pairs"],
            labelled=row["labelled"],
            labels=row["made"],
        )
        for row in rows
    ]
