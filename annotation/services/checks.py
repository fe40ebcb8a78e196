"""Quality control: κ against gold decides who labels. The rules are in QualityPolicy."""

from __future__ import annotations

import datetime as dt

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from annotation.agreement import Coefficient, cohen_kappa
from annotation.models import (
    Choice,
    Label,
    LabelQuerySet,
    QualityPolicy,
    Rater,
    RaterCheck,
    Slot,
)
from annotation.quality.windows import Standing, standing
from annotation.services.policy import policy_of
from annotation.services.status import (
    send_to_calibration,
    suspend_rater,
)

CHOICES = tuple(Choice.values)
STREAM = (Slot.Purpose.GOLD, Slot.Purpose.RECALIBRATION)
"""Gold that a rater could not tell from production."""

Decision = RaterCheck.Decision


@transaction.atomic
def check_rater(*, rater: Rater, now: dt.datetime | None = None) -> RaterCheck | None:
    """Look at the window of a rater's gold answers, and act by the policy.

    None when there is nothing to decide: they are not in production, or no gold answer came since
    the last look, or too few are there yet.
    """
    now = now or timezone.now()
    rater = Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)
    if rater.status != Rater.Status.ACTIVE:
        return None
    policy = policy_of(rater.project_id)
    answers = window_answers(rater, policy)
    seen = rater.checks.filter(kind=RaterCheck.Kind.WINDOW).order_by("-id").first()
    newest = max((label for label, _, _ in answers), default=0)
    if len(answers) < policy.min_labels or (seen is not None and newest <= seen.newest_label):
        return None
    kappa = cohen_kappa(choice_table(answers))
    where = standing(kappa, floor=policy.kappa_floor, min_labels=policy.min_labels)
    decision = {
        Standing.UNKNOWN: Decision.NONE,
        Standing.GOOD: Decision.NONE,
        Standing.DOUBTFUL: Decision.WARN,
        Standing.BELOW: Decision.RETRAIN if rater.retrainings == 0 else Decision.SUSPEND,
    }[where]
    check = record_check(rater, RaterCheck.Kind.WINDOW, kappa, answers, policy, decision, now)
    words = f"κ {kappa_words(kappa)} over the last {len(answers)} gold answers"
    floor = f"the minimum is {policy.kappa_floor:g}"
    if decision == Decision.RETRAIN:
        rater.retrainings += 1
        rater.save(update_fields=["retrainings"])
        send_to_calibration(rater=rater, reason=f"Retraining: {words}; {floor}.", now=now)
    elif decision == Decision.SUSPEND:
        reason = f"Below the minimum a second time: {words}; {floor}."
        suspend_rater(rater=rater, reason=reason, now=now)
    return check


def check_raters(*, now: dt.datetime) -> int:
    """Look at every rater in production; how many looks were recorded."""
    watched = Q(user__isnull=False) | Q(kind=Rater.Kind.JUDGE)
    active = Rater.objects.filter(watched, status=Rater.Status.ACTIVE)
    return sum(check_rater(rater=rater, now=now) is not None for rater in active.iterator())


Answer = tuple[int, int, int]
"""Label id, choice and gold choice by their place in CHOICES."""


def window_answers(rater: Rater, policy: QualityPolicy) -> list[Answer]:
    """The newest gold answers in the stream since the rater was certified, newest first."""
    labels = Label.objects.filter(
        rater=rater, slot__purpose__in=STREAM, pk__gt=rater.certified_after
    ).order_by("-id")
    return gold_answers(labels, policy.window_labels)


def gold_answers(labels: LabelQuerySet, limit: int | None = None) -> list[Answer]:
    known = labels.effective().filter(pair__gold__choice__in=CHOICES)
    rows = known.values_list("pk", "choice", "pair__gold__choice")[:limit]
    return [(pk, CHOICES.index(choice), CHOICES.index(gold)) for pk, choice, gold in rows]


def choice_table(answers: list[Answer]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    table = np.zeros((len(CHOICES), len(CHOICES)), dtype=np.int64)
    for _, choice, gold in answers:
        table[choice, gold] += 1
    return table


def record_check(
    rater: Rater,
    kind: RaterCheck.Kind,
    kappa: Coefficient,
    answers: list[Answer],
    policy: QualityPolicy,
    decision: RaterCheck.Decision,
    now: dt.datetime,
) -> RaterCheck:
    calibration = kind == RaterCheck.Kind.CALIBRATION
    return RaterCheck.objects.create(
        rater=rater,
        kind=kind,
        kappa=kappa.value,
        n=kappa.n,
        correct=sum(choice == gold for _, choice, gold in answers),
        low=kappa.low,
        high=kappa.high,
        reason=kappa.reason[:300],
        threshold=policy.admission_kappa if calibration else policy.kappa_floor,
        decision=decision,
        newest_label=max((label for label, _, _ in answers), default=0),
        created_at=now,
    )


def kappa_words(kappa: Coefficient) -> str:
    if kappa.value is None:
        return "undefined"
    interval = "" if kappa.low is None else f" ({kappa.low:.2f} to {kappa.high:.2f})"
    return f"{kappa.value:.2f}{interval}"
