"""A judge under the raters' law: gold before its labels count, gold among its pairs, κ watched."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from annotation.models import Rater, Slot
from annotation.services.checks import STREAM, check_rater
from annotation.services.judge_gold import (
    CALIBRATION,
    begin_calibration,
    give_gold,
    give_gold_among,
    gold_to_ride,
    settle_calibration,
    waiting_gold,
)
from annotation.services.policy import policy_of
from corpus.models import Pair
from jobs.errors import PermanentJobError

TO_CERTIFY = Rater.CALIBRATING


def status_of(rater: Rater) -> Rater.Status:
    """As it stands now: an admin may have changed it since the run began."""
    return Rater.Status(Rater.objects.values_list("status", flat=True).get(pk=rater.pk))


def refuse_suspended(rater: Rater) -> None:
    """PermanentJobError, with the reason, for a judge that is suspended."""
    fresh = Rater.objects.get(pk=rater.pk)
    if fresh.status == Rater.Status.SUSPENDED:
        raise PermanentJobError(
            f"{fresh.name} is suspended: {fresh.status_reason} Its labels are kept, and left out "
            "of new datasets. An admin can reinstate it on its rater page."
        )


def calibration_to_answer(rater: Rater) -> list[int]:
    """The gold pairs that the judge answers next, to be admitted; their ids.

    PermanentJobError where there is too little gold that it has not seen.
    """
    lacking = begin_calibration(rater=rater, now=timezone.now())
    if lacking:
        policy = policy_of(rater.project_id)
        raise PermanentJobError(
            f"{rater.name} must pass calibration before its labels count. That takes "
            f"{policy.calibration_pairs} gold pairs that it has not seen, and {lacking} of them "
            f"are missing. Settle more gold, or lower the number of calibration pairs in the "
            f"quality policy."
        )
    return list(waiting_gold(rater, CALIBRATION).values_list("pair_id", flat=True))


def settle(rater: Rater) -> None:
    """Admit the judge, give it another try or suspend it, once its try is complete."""
    settle_calibration(rater=rater, now=timezone.now())


def gold_among(rater: Rater, page: Sequence[Pair]) -> list[int]:
    """Gold that rides among a page of pairs: those of the page that are gold count as such, and
    as many others join as the policy's share lacks. The ids of those that join."""
    now = timezone.now()
    purpose = Slot.Purpose.GOLD
    there = give_gold_among(rater=rater, purpose=purpose, pairs=[pair.pk for pair in page], now=now)
    wanted = gold_to_ride(policy_of(rater.project_id), len(page) - len(there)) - len(there)
    return give_gold(rater=rater, purpose=purpose, count=max(0, wanted), now=now)


def gold_left(rater: Rater) -> list[int]:
    """Gold that was given and not answered before a run was cut off; the pairs' ids."""
    waiting = Slot.objects.filter(rater=rater, state=Slot.State.WAITING, purpose__in=STREAM)
    return list(waiting.values_list("pair_id", flat=True))


def watch(rater: Rater) -> bool:
    """Look at the judge's window of gold answers; whether it is still in production."""
    check_rater(rater=rater)
    return status_of(rater) == Rater.Status.ACTIVE
