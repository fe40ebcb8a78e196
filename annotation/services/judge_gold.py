"""Gold for judges: the same pairs, the same slots and the same rules as for human raters.

A human is handed one task at a time; a judge takes many. Slots that wait for it say which gold it
is to answer and for what, and survive whatever kills its run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db import transaction
from django.db.models import Q, QuerySet

from annotation.models import GoldPair, QualityPolicy, Rater, RaterCheck, Slot
from annotation.models.queue import not_had_by
from annotation.queue.draws import uniform
from annotation.services.calibration import free, settle_try
from annotation.services.claims import GOLD_PLACES
from annotation.services.policy import policy_of

CALIBRATION = Slot.Purpose.CALIBRATION


def waiting_gold(rater: Rater, purpose: Slot.Purpose) -> QuerySet[Slot]:
    """Gold that the judge has been given and has not answered yet."""
    return Slot.objects.filter(rater=rater, purpose=purpose, state=Slot.State.WAITING)


@transaction.atomic
def give_gold(*, rater: Rater, purpose: Slot.Purpose, count: int, now: dt.datetime) -> list[int]:
    """Up to `count` gold pairs that this judge has not had, from its place in the round on; the
    pairs' ids. They wait for its answers."""
    policy = policy_of(rater.project_id)
    place = int(uniform(policy.seed, "gold", rater.pk) * (GOLD_PLACES - 1))
    bank = _bank(rater).order_by("shuffle").values_list("pair_id", flat=True)
    pairs = list(bank.filter(shuffle__gt=place)[:count])
    pairs += list(bank.filter(shuffle__lte=place)[: count - len(pairs)])
    _wait(rater, purpose, pairs, now)
    return pairs


@transaction.atomic
def give_gold_among(
    *, rater: Rater, purpose: Slot.Purpose, pairs: Collection[int], now: dt.datetime
) -> list[int]:
    """Those of the pairs that are gold and that this judge has not had: they count as such."""
    found = list(_bank(rater).filter(pair__in=pairs).values_list("pair_id", flat=True))
    _wait(rater, purpose, found, now)
    return found


@transaction.atomic
def begin_calibration(*, rater: Rater, now: dt.datetime) -> int:
    """Give the judge what its present try of calibration lacks; how many pairs it lacks that
    there are none of. 0: it can go on. Where the policy wants no calibration (any more), the judge
    is in production by this."""
    rater = Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)
    policy = policy_of(rater.project_id)
    if policy.calibration_pairs == 0:
        free(rater, reason="This project's policy has no calibration.", now=now)
        return 0
    done = Slot.objects.filter(
        rater=rater, purpose=CALIBRATION, state=Slot.State.DONE, pk__gt=rater.calibration_after
    ).count()
    wanted = policy.calibration_pairs - done - waiting_gold(rater, CALIBRATION).count()
    given = give_gold(rater=rater, purpose=CALIBRATION, count=max(0, wanted), now=now)
    return max(0, wanted - len(given))


@transaction.atomic
def settle_calibration(*, rater: Rater, now: dt.datetime) -> RaterCheck | None:
    """Decide on a try that is complete, by the rules for humans; None before that."""
    locked = Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)
    return settle_try(rater=locked, policy=policy_of(rater.project_id), now=now)


def gold_to_ride(policy: QualityPolicy, pairs: int) -> int:
    """How many gold pairs ride among so many others, for the policy's share of the stream."""
    share = min(policy.gold_share, 0.9)
    return round(pairs * share / (1 - share))


def _bank(rater: Rater) -> QuerySet[GoldPair]:
    return GoldPair.objects.filter(
        Q(project=rater.project_id, state=GoldPair.State.SETTLED) & not_had_by(rater)
    )


def _wait(rater: Rater, purpose: Slot.Purpose, pairs: Collection[int], now: dt.datetime) -> None:
    Slot.objects.bulk_create(
        [
            Slot(
                pair_id=pair,
                project_id=rater.project_id,
                purpose=purpose,
                state=Slot.State.WAITING,
                rater=rater,
                due_at=now,
            )
            for pair in pairs
        ],
        batch_size=1_000,
    )
