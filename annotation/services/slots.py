"""Slots: made, kept, passed on, opened again. `claims` hands them out."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.utils import timezone

from accounts.errors import NotARaterError
from annotation.errors import (
    AlreadyLabelledError,
    InvalidLabelError,
    LeaseError,
    LeaseExpiredError,
)
from annotation.models import QualityPolicy, Rater, Skip, Slot
from annotation.services.policy import policy_of, wanted_labels
from corpus.bulk import insert_rows
from corpus.models import Pair, Project

SLOTS_AT_ONCE = 1000
MOST_LABELS = 20
OPEN = Slot.State.OPEN.value


class Queued(Protocol):
    """What a slot needs to know of a pair: an instance has it, and a row just stored."""

    @property
    def pk(self) -> int: ...
    @property
    def project_id(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def priority(self) -> int: ...


@transaction.atomic
def open_slots(*, pairs: Iterable[Queued], wanted: int | None = None) -> int:
    """Ask for `wanted` labels of each pair, or for as many as the policy wants of it; the number
    of slots made. The first of a pair is production, the others are overlap.
    """
    policies: dict[int, QualityPolicy] = {}
    slots: list[tuple[Queued, Slot.Purpose]] = []
    for pair in pairs:
        if pair.project_id not in policies:
            policies[pair.project_id] = policy_of(pair.project_id)
        labels = wanted
        if labels is None:
            labels = wanted_labels(pair.sha256, policies[pair.project_id])
        slots += [
            (pair, Slot.Purpose.OVERLAP if copy else Slot.Purpose.PRODUCTION)
            for copy in range(labels)
        ]
    _insert(slots)
    return len(slots)


def _insert(slots: Iterable[tuple[Queued, Slot.Purpose]]) -> None:
    now = timezone.now()
    insert_rows(
        Slot,
        ("pair_id", "project_id", "purpose", "priority", "state", "created_at"),
        (
            (pair.pk, pair.project_id, purpose.value, pair.priority, OPEN, now)
            for pair, purpose in slots
        ),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking for more labels: `labels` more are wanted now, of `pairs`. The others
    wait for as many already, or are held back."""

    pairs: int
    labels: int
    waiting: int
    held_back: int


@transaction.atomic
def ask_for_labels(*, project: Project, pairs: Collection[int], more: int) -> Asked:
    """Have each of the project's pairs, by id, wait for `more` labels beyond those it has.

    A pair that waits for some already is asked for the rest alone, so that asking twice, or two at
    once, is asking once. Raters who have had a pair are not offered it again; one that is held
    back is not asked for at all. InvalidLabelError for a number that is none to ask for.
    """
    if not 1 <= more <= MOST_LABELS:
        raise InvalidLabelError(f"more is {more}; it must be from 1 to {MOST_LABELS}.")
    wanted = sorted(set(pairs))
    asked = labels = waiting = held_back = 0
    for start in range(0, len(wanted), SLOTS_AT_ONCE):
        chunk = list(
            Pair.objects.select_for_update(no_key=True)
            .filter(project=project, pk__in=wanted[start : start + SLOTS_AT_ONCE])
            .order_by("pk")
        )
        in_use = [pair for pair in chunk if not pair.held_back]
        held_back += len(chunk) - len(in_use)
        live = (Slot.State.OPEN, Slot.State.LEASED)
        shared = Slot.objects.filter(pair__in=in_use, purpose__in=Slot.SHARED).order_by()
        there = dict(shared.filter(state__in=live).values_list("pair_id").annotate(Count("id")))
        known = set(shared.values_list("pair_id", flat=True).distinct())
        slots: list[tuple[Queued, Slot.Purpose]] = []
        for pair in in_use:
            lacking = max(0, more - there.get(pair.pk, 0))
            first = Slot.Purpose.OVERLAP if pair.pk in known else Slot.Purpose.PRODUCTION
            slots += [(pair, Slot.Purpose.OVERLAP if n else first) for n in range(lacking)]
            asked += lacking > 0
            waiting += lacking == 0
        _insert(slots)
        labels += len(slots)
    return Asked(pairs=asked, labels=labels, waiting=waiting, held_back=held_back)


def put_back(pairs: Collection[int]) -> None:
    """Ask again for what was asked of pairs, by id, when they were taken out of the queue; and for
    as many labels as a pair lacks of what the policy wants, where it was in the queue at all."""
    shared = Slot.objects.filter(pair__in=pairs, purpose__in=Slot.SHARED).order_by()
    # Those that were open: what was made void for a rater's sake has that rater.
    shared.filter(state=Slot.State.VOID, rater__isnull=True).update(state=Slot.State.OPEN)
    there = dict(shared.exclude(state=Slot.State.VOID).values_list("pair_id").annotate(Count("id")))
    known = set(shared.values_list("pair_id", flat=True).distinct())
    policies: dict[int, QualityPolicy] = {}
    slots: list[tuple[Queued, Slot.Purpose]] = []
    for pair in Pair.objects.filter(pk__in=known).order_by("pk"):
        if pair.project_id not in policies:
            policies[pair.project_id] = policy_of(pair.project_id)
        wanted = wanted_labels(pair.sha256, policies[pair.project_id])
        lacking = max(0, wanted - there.get(pair.pk, 0))
        first = Slot.Purpose.OVERLAP if there.get(pair.pk) else Slot.Purpose.PRODUCTION
        slots += [(pair, Slot.Purpose.OVERLAP if n else first) for n in range(lacking)]
    _insert(slots)


def lock_rater(rater: Rater) -> Rater:
    """The rater as they stand now; the other requests of the same rater wait.

    So a page and its prefetch, or two tabs, cannot both be given a slot of the same pair. The key
    is left free: a label that is being stored in another transaction refers to the rater while it
    holds the slot, and the two would wait for each other for ever.

    NotARaterError for one who is suspended.
    """
    locked = Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)
    refuse_suspended(locked)
    return locked


def refuse_suspended(rater: Rater) -> None:
    if rater.status == Rater.Status.SUSPENDED:
        because = f" Reason: {rater.status_reason}" if rater.status_reason else ""
        raise NotARaterError(f"You are suspended from labelling in this project.{because}")


def with_texts(slot: Slot) -> Slot:
    """The slot, its pair loaded with prompt and completions.

    Apart from the claim: joined into it, four more tables double the time that PostgreSQL needs
    to plan the query.
    """
    slot.pair = Pair.objects.select_related("prompt", "first", "second").get(pk=slot.pair_id)
    return slot


def lease_duration(policy: QualityPolicy) -> dt.timedelta:
    return dt.timedelta(minutes=policy.lease_minutes)


def locked_slot(
    *, slot_id: int, rater: Rater, lease: uuid.UUID, now: dt.datetime | None = None
) -> Slot:
    """The slot, locked, if this rater holds it under this very lease; else the LeaseError that
    says why not. Call inside a transaction."""
    slot = Slot.objects.select_for_update().filter(pk=slot_id, project=rater.project_id).first()
    if slot is None:
        raise LeaseError("There is no such task for you in this project.")
    if slot.state == Slot.State.DONE and slot.rater_id == rater.pk:
        raise AlreadyLabelledError("You have already submitted this task; nothing was changed.")
    if slot.rater_id != rater.pk or slot.lease != lease:
        raise LeaseError("This task is no longer yours: it is back in the queue.")
    if slot.lease_expires_at is None or slot.lease_expires_at < (now or timezone.now()):
        raise LeaseExpiredError("Your time on this task has run out. Please take the next one.")
    return slot


@transaction.atomic
def extend_lease(*, slot_id: int, rater: Rater, lease: uuid.UUID) -> dt.datetime:
    """Keep a task for an open page; when the new lease runs out."""
    slot = locked_slot(slot_id=slot_id, rater=rater, lease=lease)
    slot.lease_expires_at = timezone.now() + lease_duration(policy_of(slot.project_id))
    slot.save(update_fields=["lease_expires_at"])
    return slot.lease_expires_at


@transaction.atomic
def skip_slot(*, slot_id: int, rater: Rater, lease: uuid.UUID, reason: Skip.Reason) -> None:
    """Put the task back for others; this rater does not get the pair again.

    A task that was made for this rater alone is void.
    """
    rater = lock_rater(rater)
    slot = locked_slot(slot_id=slot_id, rater=rater, lease=lease)
    Skip.objects.update_or_create(rater=rater, pair_id=slot.pair_id, defaults={"reason": reason})
    here = Slot.objects.filter(pk=slot.pk)
    if slot.purpose in Slot.SHARED:
        let_go(here)
    else:
        void(here)


@transaction.atomic
def release_held(*, rater: Rater) -> int:
    """Give back what a rater holds (they pause, leave or are sent away); how many."""
    return let_go(Slot.objects.filter(state=Slot.State.LEASED, rater=rater))


@transaction.atomic
def release_expired_slots(*, now: dt.datetime) -> int:
    """Give back what is held under leases that ran out; how many."""
    return let_go(Slot.objects.filter(state=Slot.State.LEASED, lease_expires_at__lt=now))


def let_go(held: QuerySet[Slot]) -> int:
    """Held slots go back: those for anybody to the queue, the others wait for their rater."""
    free = {"lease": None, "lease_expires_at": None, "place": None}
    own = held.exclude(purpose__in=Slot.SHARED)
    kept = own.update(state=Slot.State.WAITING, due_at=F("claimed_at"), **free)
    return kept + held.filter(purpose__in=Slot.SHARED).update(
        state=Slot.State.OPEN, rater=None, **free
    )


def void(slots: QuerySet[Slot]) -> int:
    """Slots that ask for nothing any more; how many."""
    return slots.update(state=Slot.State.VOID, lease=None, lease_expires_at=None, place=None)
