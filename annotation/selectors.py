"""Reads of annotation that several places need."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from django.db.models import Count, Max, Min, Sum
from django.db.models.functions import TruncDate

from accounts.permissions import AnyUser
from annotation.agreement.report import AgreementReport, RaterAgreement, agreement_report
from annotation.models import GoldAnswer, GoldPair, Label, Rater, Slot
from annotation.services.calibration import answered_in_try
from annotation.services.policy import policy_of
from corpus.models import Pair, Project

__all__ = [
    "AgreementReport",
    "ProjectCounts",
    "RaterAgreement",
    "RaterProgress",
    "agreement_report",
    "project_counts",
    "rater_progress",
]

PROGRESS_SLOTS = 1000
"""How far into the queue progress is counted: it is asked for with every task."""


KNOWN_GOLD = (GoldPair.State.SETTLED, GoldPair.State.RETIRED)
"""Gold whose answer seniors may see: while it is contested they are to answer by themselves."""


@dataclass(frozen=True, slots=True)
class RaterProgress:
    """How far one rater is. `left` counts the pairs that they could still get among the next
    PROGRESS_SLOTS slots; `more` says that there are others behind."""

    done: int
    left: int
    more: bool = False

    @property
    def percent(self) -> int:
        total = self.done + self.left
        return round(100 * self.done / total) if total else 100

    @property
    def words(self) -> str:
        return f"{self.done} done · {self.left}{'+' if self.more else ''} left"


def rater_progress(rater: Rater) -> RaterProgress:
    """For a rater in calibration: of the pairs of this try; else of all that is to be had."""
    if rater.status in Rater.CALIBRATING:
        answered = answered_in_try(rater)
        wanted = policy_of(rater.project_id).calibration_pairs
        return RaterProgress(done=answered, left=max(0, wanted - answered))
    done = Label.objects.given().filter(rater=rater).count()
    waiting = Slot.objects.filter(state=Slot.State.OPEN).new_to(rater)
    pairs = list(waiting.values_list("pair_id", flat=True)[:PROGRESS_SLOTS])
    held = Slot.objects.filter(rater=rater, state=Slot.State.LEASED).count()
    return RaterProgress(done=done, left=len(set(pairs)) + held, more=len(pairs) == PROGRESS_SLOTS)


@dataclass(frozen=True, slots=True)
class Day:
    """A rater's work of one day."""

    day: dt.date
    labels: int
    seconds: float


OWN_DAYS = 14


def own_days(rater: Rater) -> list[Day]:
    """The last days on which the rater labelled, newest first."""
    rows = (
        Label.objects.given()
        .filter(rater=rater)
        .annotate(day=TruncDate("created_at"))
        .order_by("-day")
        .values_list("day")
        .annotate(Count("id"), Sum("seconds"))[:OWN_DAYS]
    )
    return [Day(day=day, labels=labels, seconds=seconds or 0.0) for day, labels, seconds in rows]


def next_pair_for_gold(
    project: Project, author: AnyUser, *, after: int | None = None
) -> Pair | None:
    """The pair on which this senior's gold answer helps most: those that seniors differ on, then
    those that want another senior, then one without any answer. Never one they have answered.

    `after` is a pair that they leave for now: it comes again when there is no other.
    """
    if after is not None:
        others = _pair_for_gold(project, author, after)
        if others is not None:
            return others
    return _pair_for_gold(project, author, None)


def _pair_for_gold(project: Project, author: AnyUser, after: int | None) -> Pair | None:
    own = GoldAnswer.objects.filter(author=author.pk).values("pair")
    states = [GoldPair.State.CONTESTED, GoldPair.State.PROPOSED]
    left = GoldPair.objects.filter(project=project, pair=after).first() if after else None
    if left is not None and left.state in states:
        states = states[states.index(GoldPair.State(left.state)) :]
    elif after is not None:
        states = []
    for state in states:
        waiting = GoldPair.objects.filter(project=project, state=state).exclude(pair__in=own)
        if left is not None and left.state == state:
            waiting = waiting.filter(pk__gt=left.pk)
        if (row := waiting.select_related("pair").order_by("id").first()) is not None:
            return row.pair
    fresh = project.pairs.filter(held_back="", gold__isnull=True).exclude(origin=Pair.Origin.EDIT)
    if after is not None:
        fresh = fresh.exclude(pk=after)
    ends = fresh.aggregate(low=Min("id"), high=Max("id"))
    if ends["low"] is None:
        return None
    start = random.SystemRandom().randint(ends["low"], ends["high"])
    return fresh.filter(pk__gte=start).order_by("pk").first()


def gold_answers_of(rater: Rater, limit: int) -> list[Label]:
    """A rater's newest answers to settled gold, newest first: what their κ rests on."""
    answers = Label.objects.effective().filter(
        rater=rater, kind=Label.Kind.JUDGEMENT, pair__gold__state__in=KNOWN_GOLD
    )
    answers = answers.exclude(pair__gold__choice="")
    return list(answers.select_related("pair__prompt", "pair__gold").order_by("-id")[:limit])


@dataclass(frozen=True, slots=True)
class ProjectCounts:
    pairs: int
    labels_human: int
    labels_judge: int
    slots_open: int
    slots_done: int
    raters: int


def project_counts(project: Project) -> ProjectCounts:
    labels = Label.objects.given().filter(project=project)
    by_kind = dict(labels.values_list("rater__kind").annotate(Count("id")))
    slots = dict(Slot.objects.filter(project=project).values_list("state").annotate(Count("id")))
    return ProjectCounts(
        pairs=project.pairs.count(),
        labels_human=by_kind.get(Rater.Kind.HUMAN, 0),
        labels_judge=by_kind.get(Rater.Kind.JUDGE, 0),
        slots_open=slots.get(Slot.State.OPEN, 0) + slots.get(Slot.State.LEASED, 0),
        slots_done=slots.get(Slot.State.DONE, 0),
        raters=project.raters.count(),
    )
