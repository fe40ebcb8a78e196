"""How far a project is, when it will be done, and how its strata are covered."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Case, Count, Q, TextField, Value, When
from django.db.models.functions import Cast, Length

from annotation.models import Label, Rater, Slot
from corpus.models import Project
from corpus.strata import LONG_CHARACTERS, SHORT_CHARACTERS, sensitivity_stratum

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
    def left(self) -> int:
        return self.wanted - self.done

    @property
    def percent(self) -> int:
        return round(100 * self.done / self.wanted) if self.wanted else 100


def forecast(project: Project, *, now: dt.datetime) -> Forecast:
    """Production and overlap slots done and wanted, and the day on which the pace of the last
    RATE_DAYS days would see the last of them done."""
    states = dict(
        Slot.objects.filter(project=project, purpose__in=Slot.SHARED, pair__held_back="")
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


LENGTH = Case(
    When(characters__lt=SHORT_CHARACTERS, then=Value("short")),
    When(characters__lt=LONG_CHARACTERS, then=Value("medium")),
    default=Value("long"),
)


def labelled_by(project: Project, column: str) -> list[Stratum]:
    """Coverage by a column of the prompt (domain, difficulty, language, sensitive), or by `length`,
    largest first. A prompt's length is that of its conversation as it is stored."""
    pairs = project.pairs.filter(held_back="")
    part = f"prompt__{column}"
    if column == "length":
        stored = Length(Cast("prompt__messages", TextField()))
        pairs, part = pairs.annotate(characters=stored).annotate(length=LENGTH), "length"
    human = Q(
        labels__superseded_by__isnull=True,
        labels__withdrawn=False,
        labels__rater__kind=Rater.Kind.HUMAN,
    )
    rows = (
        pairs.order_by()
        .values(part)
        .annotate(
            pairs=Count("id", distinct=True),
            labelled=Count("id", filter=human, distinct=True),
            made=Count("labels", filter=human, distinct=True),
        )
        .order_by("-pairs")
    )
    return [
        Stratum(
            name=_name(row[part]),
            pairs=row["pairs"],
            labelled=row["labelled"],
            labels=row["made"],
        )
        for row in rows
    ]


def _name(value: str | bool) -> str:
    return sensitivity_stratum(value) if isinstance(value, bool) else value or "not specified"
