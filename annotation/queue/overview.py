"""What a project's overview tells first: what to do next, and how many labels came of late."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.permissions import SENIORS
from annotation.models import Adjudication, GoldPair, Label, Rater
from corpus.models import Project

SHOWN_DAYS = 28
HIGH = 40
"""Height of the picture of labels a day; a day is 10 wide."""


class Step(NamedTuple):
    """Something that waits for this reader, and the page where it is done."""

    words: str
    action: str
    page: str


def next_steps(project: Project, role: str, *, wanted: int) -> list[Step]:
    """What waits, the most urgent first; only what this role may do. `wanted` labels are still
    to be given. What a project needs once is on its checklist, `accounts.steps`."""
    steps = []
    if role in SENIORS:
        disputes = Adjudication.objects.filter(project=project, state="open").count()
        if disputes:
            steps.append(Step(f"{_pairs(disputes)} to adjudicate.", "Adjudicate", "adjudications"))
        gold = GoldPair.objects.filter(
            project=project, state__in=(GoldPair.State.PROPOSED, GoldPair.State.CONTESTED)
        ).count()
        if gold:
            steps.append(Step(f"{_pairs(gold)} waiting for a gold answer.", "Answer", "gold"))
        humans = Rater.objects.filter(project=project, kind=Rater.Kind.HUMAN)
        stopped = humans.filter(status=Rater.Status.SUSPENDED).count()
        if stopped:
            are = "1 rater is" if stopped == 1 else f"{stopped} raters are"
            steps.append(Step(f"{are} suspended.", "View raters", "raters"))
        if wanted:
            more = "1 more label is" if wanted == 1 else f"{wanted} more labels are"
            steps.append(Step(f"{more} needed from raters.", "Label", "label"))
    return steps


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count} pairs"


class Bar(NamedTuple):
    """A day in the picture; x, y and height in its units."""

    day: dt.date
    labels: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class LabelsByDay:
    """Labels that were given on each of the last SHOWN_DAYS days, the last of them today."""

    bars: list[Bar]

    @property
    def total(self) -> int:
        return sum(bar.labels for bar in self.bars)

    @property
    def busiest(self) -> Bar:
        return max(self.bars, key=lambda bar: bar.labels)


def labels_by_day(project: Project, *, now: dt.datetime) -> LabelsByDay:
    """By the date of the server's time zone, judges included."""
    today = timezone.localdate(now)
    first = today - dt.timedelta(days=SHOWN_DAYS - 1)
    begin = timezone.make_aware(dt.datetime.combine(first, dt.time()))
    by_day = dict(
        Label.objects.given()
        .filter(project=project, created_at__gte=begin)
        .order_by()
        .annotate(day=TruncDate("created_at"))
        .values_list("day")
        .annotate(Count("id"))
    )
    most = max(by_day.values(), default=0) or 1
    bars = []
    for place in range(SHOWN_DAYS):
        day = first + dt.timedelta(days=place)
        labels = by_day.get(day, 0)
        height = round(HIGH * labels / most, 1)
        bars.append(Bar(day, labels, 10 * place, HIGH - height, height))
    return LabelsByDay(bars)
