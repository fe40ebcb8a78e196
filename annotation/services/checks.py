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
    GoldPair,
    Label,
    LabelQuerySet,
    QualityPolicy,
    Rater,
    RaterCheck,
    Slot,
)
from annotation.quality import Standing, standing
from annotation.services.policy import policy_of
from annotation.services.status import (
    begin_try,
    change_status,
    newest_label_id,
    send_to_calibration,
    suspend_rater,
)

CHOICES = tuple(Choice.values)
STREAM = (Slot.Purpose.GOLD, Slot.Purpose.RECALIBRATION)
"""Gold that a rater could not tell from production."""

Decision = RaterCheck.Decision


def first_status(policy: QualityPolicy) -> Rater.Status:
    """How a newcomer begins: with calibration, once the project has gold enough for it.

    Before that there is nothing to measure by, so they label at once, and the pages say so.
    """
    settled = GoldPair.objects.filter(project=policy.project_id, state=GoldPair.State.SETTLED)
    wanted = policy.calibration_pairs
    if wanted == 0 or settled.order_by()[:wanted].count() < wanted:
        return Rater.Status.ACTIVE
    return Rater.Status.ONBOARDING


def settle_try(*, rater: Rater, policy: QualityPolicy, now: dt.datetime) -> RaterCheck | None:
    """Decide when a try of calibration is complete; None before that.

    The rater is locked by the caller. κ at or above the policy's admits them; below, they get
    another set of pairs until the tries are used up, and are suspended then. An undefined κ (gold
    of one category) decides nothing, and is no failed try.
    """
    slots = Slot.objects.filter(
        rater=rater,
        purpose=Slot.Purpose.CALIBRATION,
        state=Slot.State.DONE,
        pk__gt=rater.calibration_after,
    )
    if slots.count() < policy.calibration_pairs:
        return None
    answers = _answers(Label.objects.filter(slot__in=slots))
    kappa = cohen_kappa(_table(answers))
    tries = rater.tries + 1
    if kappa.value is None:
        decision = Decision.NONE
        tries = rater.tries
    elif kappa.value >= policy.admission_kappa:
        decision = Decision.ADMIT
    else:
        decision = Decision.RETRY if tries < policy.calibration_tries else Decision.SUSPEND
    check = _record(rater, RaterCheck.Kind.CALIBRATION, kappa, answers, policy, decision, now)
    rater.tries = 0 if decision == Decision.ADMIT else tries
    begin_try(rater)
    words = f"κ {_words(kappa)} against gold in calibration; {policy.admission_kappa:g} is wanted"
    if decision == Decision.ADMIT:
        rater.certified_after = newest_label_id(rater)
        rater.recalibration_from = None
        rater.save(update_fields=["certified_after", "recalibration_from"])
        change_status(rater, Rater.Status.ACTIVE, reason=f"Admitted: {words}.", now=now)
    elif decision == Decision.RETRY:
        change_status(rater, Rater.Status.RETRAINING, reason=f"Try {tries}: {words}.", now=now)
    elif decision == Decision.SUSPEND:
        suspend_rater(rater=rater, reason=f"Refused after {tries} tries: {words}.", now=now)
    return check


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
    kappa = cohen_kappa(_table(answers))
    where = standing(kappa, floor=policy.kappa_floor, min_labels=policy.min_labels)
    decision = {
        Standing.UNKNOWN: Decision.NONE,
        Standing.GOOD: Decision.NONE,
        Standing.DOUBTFUL: Decision.WARN,
        Standing.BELOW: Decision.RETRAIN if rater.retrainings == 0 else Decision.SUSPEND,
    }[where]
    check = _record(rater, RaterCheck.Kind.WINDOW, kappa, answers, policy, decision, now)
    words = f"κ {_words(kappa)} over the last {len(answers)} gold answers"
    floor = f"the floor is {policy.kappa_floor:g}"
    if decision == Decision.RETRAIN:
        rater.retrainings += 1
        rater.save(update_fields=["retrainings"])
        send_to_calibration(rater=rater, reason=f"Retraining: {words}; {floor}.", now=now)
    elif decision == Decision.SUSPEND:
        reason = f"Below the floor a second time: {words}; {floor}."
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
    return _answers(labels, policy.window_labels)


def _answers(labels: LabelQuerySet, limit: int | None = None) -> list[Answer]:
    known = labels.effective().filter(pair__gold__choice__in=CHOICES)
    rows = known.values_list("pk", "choice", "pair__gold__choice")[:limit]
    return [(pk, CHOICES.index(choice), CHOICES.index(gold)) for pk, choice, gold in rows]


def _table(answers: list[Answer]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    table = np.zeros((len(CHOICES), len(CHOICES)), dtype=np.int64)
    for _, choice, gold in answers:
        table[choice, gold] += 1
    return table


def _record(
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


def _words(kappa: Coefficient) -> str:
    if kappa.value is None:
        return "undefined"
    interval = "" if kappa.low is None else f" ({kappa.low:.2f} to {kappa.high:.2f})"
    return f"{kappa.value:.2f}{interval}"
