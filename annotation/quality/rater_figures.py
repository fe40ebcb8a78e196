"""What a project's raters do, one row a rater, from counts grouped in the database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Round

from annotation.agreement import Coefficient, cohen_kappa
from annotation.models import Choice, Label, LabelQuerySet, QualityPolicy, Rater, RaterCheck
from annotation.quality.windows import Habits, flags
from annotation.services.policy import policy_of
from corpus.models import Project

CHOICES = tuple(Choice.values)
TREND_CHECKS = 30
"""So many of the newest looks make the trend."""


@dataclass(frozen=True, slots=True)
class RaterFigures:
    """One rater. `gold` is κ against all settled gold they answered; `trend` are the κ of the
    looks at their window, oldest first."""

    rater: Rater
    labels: int
    gold: Coefficient
    gold_correct: int
    habits: Habits
    flags: list[str]
    trend: list[float]

    @property
    def gold_accuracy(self) -> float | None:
        return self.gold_correct / self.gold.n if self.gold.n else None

    @property
    def self_consistency(self) -> float | None:
        """The share of repeats answered as before."""
        repeats = self.habits.repeats
        return 1 - self.habits.flips / repeats if repeats else None

    @property
    def left_share(self) -> float | None:
        """Of the labels that prefer one, those that prefer what stood on the left."""
        decided = self.habits.left + self.habits.right
        return self.habits.left / decided if decided else None

    @property
    def shares(self) -> list[tuple[str, float]]:
        """One better, equal and both bad as shares of all labels, also of those whose sides are
        not known: a judge has seen both orders, an imported label does not say."""
        habits = self.habits
        counts = (self.labels - habits.equal - habits.both_bad, habits.equal, habits.both_bad)
        total = self.labels
        if not total:
            return []
        names = ("one better", "equal", "both bad")
        return [(name, count / total) for name, count in zip(names, counts, strict=True)]

    @property
    def sparkline(self) -> str:
        """The trend as points of an SVG line, 100 wide and 20 high; κ 1 is at the top, 0 below."""
        if len(self.trend) < 2:
            return ""
        step = 100 / (len(self.trend) - 1)
        return " ".join(
            f"{place * step:.1f},{19 - 18 * min(1.0, max(0.0, kappa)):.1f}"
            for place, kappa in enumerate(self.trend)
        )


def rater_figures(project: Project, raters: list[Rater] | None = None) -> list[RaterFigures]:
    """The figures of the raters named, else of all of a project, humans first."""
    if raters is None:
        raters = list(Rater.objects.filter(project=project).order_by("kind", "name"))
    labels = Label.objects.effective().filter(project=project, kind__in=WORK)
    if len(raters) == 1:
        labels = labels.filter(rater=raters[0])
    judged = labels.filter(kind=Label.Kind.JUDGEMENT)
    pressed = _pressed(judged)
    medians = _median_seconds(judged)
    gold = _against_gold(judged)
    repeats = _repeats(labels.filter(kind=Label.Kind.REPEAT))
    trends = _trends(raters)
    policy = policy_of(project.pk)
    return [
        _figures(
            rater,
            pressed[rater.pk],
            medians.get(rater.pk),
            gold[rater.pk],
            repeats.get(rater.pk, (0, 0)),
            trends[rater.pk],
            policy,
        )
        for rater in raters
    ]


WORK = (Label.Kind.JUDGEMENT, Label.Kind.REPEAT)


def _figures(
    rater: Rater,
    pressed: dict[str, int],
    median_seconds: float | None,
    gold: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    repeats: tuple[int, int],
    trend: list[float],
    policy: QualityPolicy,
) -> RaterFigures:
    habits = Habits(
        left=pressed["left"],
        right=pressed["right"],
        equal=pressed[Choice.EQUAL],
        both_bad=pressed[Choice.BOTH_BAD],
        median_seconds=median_seconds,
        repeats=repeats[0],
        flips=repeats[1],
    )
    return RaterFigures(
        rater=rater,
        labels=sum(pressed.values()),
        gold=cohen_kappa(gold),
        gold_correct=int(np.trace(gold)),
        habits=habits,
        flags=flags(
            habits,
            min_labels=policy.min_labels,
            min_seconds=policy.min_seconds,
            max_flips=policy.max_flip_share,
        )
        if rater.kind == Rater.Kind.HUMAN
        else [],
        trend=trend,
    )


def _pressed(labels: LabelQuerySet) -> dict[int, dict[str, int]]:
    """How often each rater pressed left, right, equal and both bad; sides unknown count apart."""
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    grouped = labels.order_by().values_list("rater_id", "choice", "first_was_left")
    for rater, choice, first_was_left, count in grouped.annotate(Count("id")):
        if choice in (Choice.FIRST, Choice.SECOND):
            if first_was_left is None:
                counts[rater]["unknown"] += count
                continue
            side = "left" if (choice == Choice.FIRST) == first_was_left else "right"
            counts[rater][side] += count
        else:
            counts[rater][choice] += count
    return counts


def _median_seconds(labels: LabelQuerySet) -> dict[int, float]:
    """The median time on task, to a tenth of a second, from counts of tenths."""
    tenths = labels.filter(seconds__isnull=False).annotate(tenth=Round("seconds", 1))
    grouped = tenths.order_by("rater_id", "tenth").values_list("rater_id", "tenth")
    counts: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for rater, tenth, count in grouped.annotate(Count("id")):
        counts[rater].append((tenth, count))
    medians = {}
    for rater, rows in counts.items():
        half = sum(count for _, count in rows) / 2
        seen = 0
        for tenth, count in rows:
            seen += count
            if seen >= half:
                medians[rater] = float(tenth)
                break
    return medians


def _against_gold(
    labels: LabelQuerySet,
) -> dict[int, np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """Each rater's table (4, 4): own choice in rows, gold in columns."""
    tables: dict[int, np.ndarray[tuple[int, int], np.dtype[np.int64]]] = defaultdict(
        lambda: np.zeros((len(CHOICES), len(CHOICES)), dtype=np.int64)
    )
    known = labels.filter(pair__gold__choice__in=CHOICES)
    grouped = known.order_by().values_list("rater_id", "choice", "pair__gold__choice")
    for rater, choice, gold, count in grouped.annotate(Count("id")):
        tables[rater][CHOICES.index(choice), CHOICES.index(gold)] += count
    return tables


def _repeats(labels: LabelQuerySet) -> dict[int, tuple[int, int]]:
    """How many repeats each rater answered, and how many of them otherwise than before."""
    before = (
        Label.objects.effective()
        .filter(rater=OuterRef("rater"), pair=OuterRef("pair"), kind=Label.Kind.JUDGEMENT)
        .order_by("id")
        .values("choice")[:1]
    )
    grouped = labels.annotate(before=Subquery(before)).filter(before__isnull=False)
    return {
        rater: (repeats, flips)
        for rater, repeats, flips in grouped.order_by()
        .values_list("rater_id")
        .annotate(repeats=Count("id"), flips=Count("id", filter=~Q(choice=F("before"))))
    }


def _trends(raters: list[Rater]) -> dict[int, list[float]]:
    checks = (
        RaterCheck.objects.filter(rater__in=raters, kappa__isnull=False)
        .order_by("rater_id", "-id")
        .values_list("rater_id", "kappa")
    )
    trends: dict[int, list[float]] = defaultdict(list)
    for rater, kappa in checks:
        if kappa is not None and len(trends[rater]) < TREND_CHECKS:
            trends[rater].insert(0, kappa)
    return trends
