"""Calibration: tries over gold pairs that admit a rater, and what a changed policy does to them."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from annotation.agreement import cohen_kappa
from annotation.models import GoldPair, Label, QualityPolicy, Rater, RaterCheck, Slot
from annotation.models.queue import SlotQuerySet
from annotation.services.checks import choice_table, gold_answers, kappa_words, record_check
from annotation.services.status import begin_try, change_status, newest_label_id, suspend_rater

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


def answered_in_try(rater: Rater) -> int:
    """Calibration pairs that the rater has answered in the present try."""
    return _done(rater).count()


def settle_try(*, rater: Rater, policy: QualityPolicy, now: dt.datetime) -> RaterCheck | None:
    """Decide when a try of calibration is complete; None before that.

    The rater is locked by the caller. κ at or above the policy's admits them; below, they get
    another set of pairs until the tries are used up, and are suspended then. Nobody is judged on
    noise: with an undefined κ (gold of one category), or fewer answers whose gold still holds than
    the policy's least n, nothing is decided, and it is no failed try. Where the policy asks for no
    calibration any more, the rater goes on.
    """
    if policy.calibration_pairs == 0:
        free(rater, reason="This project's policy has no calibration.", now=now)
        return None
    slots = _done(rater)
    if slots.count() < policy.calibration_pairs:
        return None
    answers = gold_answers(Label.objects.filter(slot__in=slots))
    kappa = cohen_kappa(choice_table(answers))
    tries = rater.tries + 1
    if kappa.value is None or kappa.n < policy.min_labels:
        decision = Decision.NONE
        tries = rater.tries
    elif kappa.value >= policy.admission_kappa:
        decision = Decision.ADMIT
    else:
        decision = Decision.RETRY if tries < policy.calibration_tries else Decision.SUSPEND
    check = record_check(rater, RaterCheck.Kind.CALIBRATION, kappa, answers, policy, decision, now)
    rater.tries = 0 if decision == Decision.ADMIT else tries
    begin_try(rater)
    words = (
        f"κ {kappa_words(kappa)} against gold in calibration; {policy.admission_kappa:g} is "
        "required"
    )
    if decision == Decision.ADMIT:
        free(rater, reason=f"Admitted: {words}.", now=now)
    elif decision == Decision.RETRY:
        change_status(rater, Rater.Status.RETRAINING, reason=f"Attempt {tries}: {words}.", now=now)
    elif decision == Decision.SUSPEND:
        plural = "attempt" if tries == 1 else "attempts"
        reason = f"Not admitted after {tries} {plural}: {words}."
        suspend_rater(rater=rater, reason=reason, now=now)
    return check


def free(rater: Rater, *, reason: str, now: dt.datetime) -> None:
    """Into production. Their window of gold answers begins anew. The rater is locked."""
    rater.tries = 0
    rater.certified_after = newest_label_id(rater)
    rater.recalibration_from = None
    rater.save(update_fields=["tries", "certified_after", "recalibration_from"])
    change_status(rater, Rater.Status.ACTIVE, reason=reason, now=now)


@transaction.atomic
def free_whom_policy_lets_through(policy: QualityPolicy) -> list[Rater]:
    """After a change of policy: those in calibration whom it asks for nothing more, or whose tries
    so far are enough by it, go on; who they are.

    A failed try that would pass now admits, recorded as a look of its own. Suspensions stay: an
    admin lifts them.
    """
    now = timezone.now()
    freed = []
    waiting = Rater.objects.select_for_update(no_key=True).filter(
        project=policy.project_id, status__in=Rater.CALIBRATING
    )
    for rater in waiting.order_by("pk"):
        settle_try(rater=rater, policy=policy, now=now)
        if rater.status in Rater.CALIBRATING:
            _admit_by_last_try(rater, policy, now)
        if rater.status == Rater.Status.ACTIVE:
            freed.append(rater)
    return freed


def _admit_by_last_try(rater: Rater, policy: QualityPolicy, now: dt.datetime) -> None:
    last = rater.checks.order_by("-id").first()
    passes = (
        last is not None
        and last.decision == Decision.RETRY
        and last.kappa is not None
        and last.kappa >= policy.admission_kappa
        and last.n >= policy.min_labels
    )
    if last is None or not passes:
        return
    RaterCheck.objects.create(
        rater=rater,
        kind=last.kind,
        kappa=last.kappa,
        n=last.n,
        correct=last.correct,
        low=last.low,
        high=last.high,
        threshold=policy.admission_kappa,
        decision=Decision.ADMIT,
        newest_label=last.newest_label,
        created_at=now,
    )
    begin_try(rater)
    reason = (
        f"Admitted: κ {last.kappa:.2f} in the last attempt; {policy.admission_kappa:g} is now "
        "required."
    )
    free(rater, reason=reason, now=now)


def _done(rater: Rater) -> SlotQuerySet:
    return Slot.objects.filter(
        rater=rater,
        purpose=Slot.Purpose.CALIBRATION,
        state=Slot.State.DONE,
        pk__gt=rater.calibration_after,
    )
