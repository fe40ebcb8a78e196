"""Slots: made, handed out under a lease, extended, skipped, opened again."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Iterable

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotation.errors import AlreadyLabelledError, LeaseError, LeaseExpiredError
from annotation.models import Rater, Skip, Slot, SlotQuerySet
from corpus.models import Pair


@transaction.atomic
def open_slots(
    *,
    pairs: Iterable[Pair],
    wanted: int = 1,
    purpose: Slot.Purpose = Slot.Purpose.PRODUCTION,
    rng: random.Random,
) -> int:
    """Ask for `wanted` labels of each pair; the number of slots made.

    Sides are drawn by `rng`, and balanced within a pair: every second slot of it is the mirror
    image of the one before.
    """
    slots: list[Slot] = []
    for pair in pairs:
        first_is_left = rng.random() < 0.5
        slots.extend(
            Slot(
                pair=pair,
                project_id=pair.project_id,
                purpose=purpose,
                priority=pair.priority,
                first_is_left=first_is_left ^ bool(copy % 2),
            )
            for copy in range(wanted)
        )
    Slot.objects.bulk_create(slots, batch_size=1000)
    return len(slots)


@transaction.atomic
def claim_next_slot(*, rater: Rater) -> Slot | None:
    """The rater's next task under a fresh lease, or None when there is none for them.

    A rater who already holds a task gets that one again (a reload loses nothing). Otherwise the
    open slot of highest priority whose pair they have neither had nor skipped. On PostgreSQL rows
    that another claim is looking at are skipped; on SQLite the transaction is immediate, so one
    claim runs at a time.
    """
    now = timezone.now()
    lock_rater(rater)
    slot = _held_by(rater) or _first_for(rater, Slot.objects.filter(state=Slot.State.OPEN))
    if slot is None:
        ran_out = Slot.objects.filter(state=Slot.State.LEASED, lease_expires_at__lt=now)
        slot = _first_for(rater, ran_out)
    if slot is None:
        return None
    still_held = (
        slot.rater_id == rater.pk
        and slot.lease_expires_at is not None
        and slot.lease_expires_at >= now
    )
    if not still_held:
        slot.lease = uuid.uuid4()
    slot.state, slot.rater = Slot.State.LEASED, rater
    slot.lease_expires_at = now + lease_duration()
    slot.save(update_fields=["state", "rater", "lease", "lease_expires_at"])
    return with_texts(slot)


def lock_rater(rater: Rater) -> None:
    """Let the requests of one rater (a page and its prefetch, two tabs) wait for each other.

    So they cannot both be given a slot of the same pair. The key is left free: a label that is
    being stored in another transaction refers to the rater while it holds the slot, and the two
    would wait for each other for ever.
    """
    Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)


def _held_by(rater: Rater) -> Slot | None:
    """What the rater holds, even under a lease that ran out while nobody else took the task."""
    held = Slot.objects.filter(state=Slot.State.LEASED, rater=rater).order_by("id")
    return held.select_for_update().first()


def _first_for(rater: Rater, slots: SlotQuerySet) -> Slot | None:
    wanted = slots.new_to(rater)
    if connection.features.has_select_for_update_skip_locked:
        wanted = wanted.select_for_update(skip_locked=True)
    return wanted.first()


def with_texts(slot: Slot) -> Slot:
    """The slot, its pair loaded with prompt and completions.

    Apart from the claim: joined into it, four more tables double the time that PostgreSQL needs
    to plan the query.
    """
    slot.pair = Pair.objects.select_related("prompt", "first", "second").get(pk=slot.pair_id)
    return slot


def lease_duration() -> dt.timedelta:
    return dt.timedelta(seconds=settings.SLOT_LEASE_SECONDS)


def locked_slot(*, slot_id: int, rater: Rater, lease: uuid.UUID) -> Slot:
    """The slot, locked, if this rater holds it under this very lease; else the LeaseError that
    says why not. Call inside a transaction."""
    slot = Slot.objects.select_for_update().filter(pk=slot_id, project=rater.project_id).first()
    if slot is None:
        raise LeaseError(f"There is no task {slot_id} for you in this project.")
    if slot.state == Slot.State.DONE and slot.rater_id == rater.pk:
        raise AlreadyLabelledError("You have submitted this task before; nothing was changed.")
    if slot.rater_id != rater.pk or slot.lease != lease:
        raise LeaseError("This task is not yours (any more): it went back to the others.")
    if slot.lease_expires_at is None or slot.lease_expires_at < timezone.now():
        raise LeaseExpiredError("The lease on this task has run out. Please take the next one.")
    return slot


@transaction.atomic
def extend_lease(*, slot_id: int, rater: Rater, lease: uuid.UUID) -> dt.datetime:
    """Keep a task for an open page; when the new lease runs out."""
    slot = locked_slot(slot_id=slot_id, rater=rater, lease=lease)
    slot.lease_expires_at = timezone.now() + lease_duration()
    slot.save(update_fields=["lease_expires_at"])
    return slot.lease_expires_at


@transaction.atomic
def skip_slot(*, slot_id: int, rater: Rater, lease: uuid.UUID, reason: Skip.Reason) -> None:
    """Put the task back for others; this rater does not get the pair again."""
    slot = locked_slot(slot_id=slot_id, rater=rater, lease=lease)
    Skip.objects.update_or_create(rater=rater, pair_id=slot.pair_id, defaults={"reason": reason})
    open_again(Slot.objects.filter(pk=slot.pk))


@transaction.atomic
def release_expired_slots(*, now: dt.datetime) -> int:
    """Open the slots whose lease ran out; how many."""
    return open_again(Slot.objects.filter(state=Slot.State.LEASED, lease_expires_at__lt=now))


def open_again(slots: QuerySet[Slot]) -> int:
    return slots.update(state=Slot.State.OPEN, rater=None, lease=None, lease_expires_at=None)
