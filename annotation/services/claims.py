"""Handing out tasks: which kind comes next, which pair, which side."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import connection, transaction
from django.db.models import Count, Min, Q
from django.utils import timezone

from annotation.models import GoldPair, QualityPolicy, Rater, Slot
from annotation.models.queue import SlotQuerySet, not_had_by
from annotation.queue.draws import uniform
from annotation.queue.policy import Kind, Shares, Situation, first_stands_left, kinds_to_try
from annotation.services.policy import policy_of
from annotation.services.slots import lease_duration, lock_rater, with_texts

HELD_AT_ONCE = 2
"""The task on the screen and the next."""

WEEK = dt.timedelta(days=7)
GOLD_PLACES = 2**62

QUEUE_FIELDS = [
    "tasks_drawn",
    "side_balance",
    "gold_cursor",
    "recalibration_from",
    "recalibration_left",
]
"""What a claim may change of the rater."""

CERTIFIED = (Rater.Status.ACTIVE,)


@transaction.atomic
def claim_next_slot(
    *, rater: Rater, besides: int | None = None, now: dt.datetime | None = None
) -> Slot | None:
    """The rater's next task under a fresh lease, or None when there is none for them.

    A rater who already holds a task gets that one again (a reload loses nothing), unless it is the
    slot `besides`, which a page names to fetch the one after it. What kind a new task is of, the
    policy says (`queue_policy`); production is the open slot of highest priority whose pair the
    rater has neither had nor skipped. On PostgreSQL rows that another claim is looking at are
    skipped; on SQLite the transaction is immediate, so one claim runs at a time.

    NotARaterError for a rater who is suspended.
    """
    now = now or timezone.now()
    rater = lock_rater(rater)
    policy = policy_of(rater.project_id)
    held = list(
        Slot.objects.filter(state=Slot.State.LEASED, rater=rater)
        .order_by("claimed_at", "id")
        .select_for_update()
    )
    others = [slot for slot in held if slot.pk != besides]
    if others:
        return with_texts(_lease(others[0], rater, policy, now, place=others[0].place or 0))
    slot = _draw(rater, policy, now)
    if slot is None:
        return None
    taken = {one.place for one in held}
    place = next(place for place in range(HELD_AT_ONCE) if place not in taken)
    _lease(slot, rater, policy, now, place=place)
    rater.save(update_fields=QUEUE_FIELDS)
    return with_texts(slot)


def _lease(
    slot: Slot, rater: Rater, policy: QualityPolicy, now: dt.datetime, *, place: int
) -> Slot:
    """The slot, held by the rater from now on; the lease they have is kept while it lasts."""
    held = slot.state == Slot.State.LEASED and slot.rater_id == rater.pk
    if not (held and slot.lease_expires_at is not None and slot.lease_expires_at >= now):
        slot.lease, slot.claimed_at = uuid.uuid4(), now
    if slot.first_is_left is None:
        slot.first_is_left = _draw_side(slot, rater, policy)
    slot.state, slot.rater, slot.place = Slot.State.LEASED, rater, place
    slot.lease_expires_at = now + lease_duration(policy)
    slot.save()
    return slot


def _draw_side(slot: Slot, rater: Rater, policy: QualityPolicy) -> bool:
    """Drawn once for a slot. A repeat is drawn without a look at how the pair stood before."""
    pair_balance = 0
    if slot.purpose != Slot.Purpose.REPEAT:
        sides = Slot.objects.filter(pair=slot.pair_id, first_is_left__isnull=False).aggregate(
            left=Count("id", filter=Q(first_is_left=True)), shown=Count("id")
        )
        pair_balance = 2 * sides["left"] - sides["shown"]
    draw = uniform(policy.seed, "side", rater.pk, rater.tasks_drawn, slot.pair_id)
    first_is_left = first_stands_left(pair_balance, rater.side_balance, draw)
    rater.side_balance += 1 if first_is_left else -1
    return first_is_left


def _draw(rater: Rater, policy: QualityPolicy, now: dt.datetime) -> Slot | None:
    """A slot for the next task, locked and not yet leased, or one not yet stored."""
    waiting = _waiting(rater, now)
    returned = next((pk for purpose, pk in waiting.items() if purpose != Slot.Purpose.REPEAT), None)
    if returned is not None:
        return Slot.objects.select_for_update().get(pk=returned)
    _begin_week(rater, policy, now)
    situation = Situation(
        certified=rater.status in CERTIFIED,
        recalibration_left=rater.recalibration_left,
        repeat_due=Slot.Purpose.REPEAT in waiting,
    )
    shares = Shares(gold=policy.gold_share, repeat=policy.repeat_share)
    draw = uniform(policy.seed, "task", rater.pk, rater.tasks_drawn)
    for kind in kinds_to_try(situation, shares, draw):
        slot = _find(kind, rater, situation, policy, now, waiting)
        if slot is not None:
            rater.tasks_drawn += 1
            return slot
    return None


def _waiting(rater: Rater, now: dt.datetime) -> dict[str, int]:
    """The first slot of each purpose that waits for this rater and is due."""
    waiting = Slot.objects.filter(rater=rater, state=Slot.State.WAITING, due_at__lte=now)
    if rater.status not in CERTIFIED:
        waiting = waiting.filter(purpose=Slot.Purpose.CALIBRATION)
    return dict(waiting.order_by().values_list("purpose").annotate(Min("id")))


def _begin_week(rater: Rater, policy: QualityPolicy, now: dt.datetime) -> None:
    """A new week's recalibration falls due seven days after the last began.

    A clock that goes back changes nothing: the week goes on until it is later than ever before.
    """
    begun = rater.recalibration_from
    if begun is None or now >= begun + WEEK:
        rater.recalibration_from = now
        rater.recalibration_left = policy.recalibration_per_week


def _find(
    kind: Kind,
    rater: Rater,
    situation: Situation,
    policy: QualityPolicy,
    now: dt.datetime,
    waiting: dict[str, int],
) -> Slot | None:
    if kind is Kind.PRODUCTION:
        return _production(rater, now)
    if kind is Kind.REPEAT:
        return Slot.objects.select_for_update().get(pk=waiting[Slot.Purpose.REPEAT])
    if kind is Kind.GOLD:
        return _gold(rater, policy, Slot.Purpose.GOLD)
    if not situation.certified:
        return _gold(rater, policy, Slot.Purpose.CALIBRATION)
    slot = _gold(rater, policy, Slot.Purpose.RECALIBRATION)
    if slot is not None:
        rater.recalibration_left -= 1
    return slot


def _production(rater: Rater, now: dt.datetime) -> Slot | None:
    shared = Slot.objects.filter(purpose__in=Slot.SHARED)
    ran_out = shared.filter(state=Slot.State.LEASED, lease_expires_at__lt=now)
    # Whatever is open is for anybody; naming the purposes would hide the index from the planner.
    return _first_for(rater, Slot.objects.filter(state=Slot.State.OPEN)) or _first_for(
        rater, ran_out
    )


def _first_for(rater: Rater, slots: SlotQuerySet) -> Slot | None:
    wanted = slots.new_to(rater)
    if connection.features.has_select_for_update_skip_locked:
        wanted = wanted.select_for_update(skip_locked=True, of=("self",))
    return wanted.first()


def _gold(rater: Rater, policy: QualityPolicy, purpose: Slot.Purpose) -> Slot | None:
    """A slot on the next gold pair in the rater's round that they have not had, not yet stored."""
    if not rater.gold_cursor:
        start = uniform(policy.seed, "gold", rater.pk)
        rater.gold_cursor = 1 + int(start * (GOLD_PLACES - 1))
    bank = GoldPair.objects.filter(
        not_had_by(rater), project=rater.project_id, state=GoldPair.State.SETTLED
    ).order_by("shuffle")
    place = rater.gold_cursor
    gold = bank.filter(shuffle__gt=place).first() or bank.filter(shuffle__lte=place).first()
    if gold is None:
        return None
    rater.gold_cursor = max(1, gold.shuffle)
    return Slot(pair_id=gold.pair_id, project_id=rater.project_id, purpose=purpose)
