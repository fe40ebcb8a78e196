"""A rater's status: changed by the rules or by an admin, with a reason, never silently."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone

from annotation.errors import StatusError
from annotation.models import Label, Rater, Slot, StatusChange
from annotation.services.slots import SLOTS_AT_ONCE, release_held, void

Status = Rater.Status


@transaction.atomic
def suspend_rater(
    *, rater: Rater, reason: str, actor: User | None = None, now: dt.datetime | None = None
) -> int:
    """Send a rater away; how many of their pairs were put back in the queue.

    What they hold goes back, a late submit is refused. Their labels are kept and, as long as they
    are suspended, marked and left out of new datasets; each pair they labelled in production is
    wanted once more. StatusError when they are suspended already, or without a reason.
    """
    rater = _locked(rater)
    if rater.status == Status.SUSPENDED:
        raise StatusError(f"{rater.name} is already suspended: {rater.status_reason}")
    release_held(rater=rater)
    void(_waiting(rater))
    again = _want_again(rater)
    change_status(rater, Status.SUSPENDED, reason=reason, actor=actor, now=now)
    return again


@transaction.atomic
def reinstate_rater(
    *, rater: Rater, reason: str, actor: User, now: dt.datetime | None = None
) -> int:
    """Let a suspended rater label again; how many of the labels wanted in their stead are not
    wanted any more. Those that others have taken up since are kept: a label too many harms nobody.
    """
    rater = _locked(rater)
    if rater.status != Status.SUSPENDED:
        raise StatusError(f"{rater.name} is {rater.status}, not suspended.")
    unclaimed = Slot.objects.select_for_update().filter(
        replaces__rater=rater, replaces__state=Slot.State.VOID, state=Slot.State.OPEN
    )
    originals = [slot.replaces_id for slot in unclaimed if slot.replaces_id is not None]
    Slot.objects.filter(replaces__in=originals, state=Slot.State.OPEN).delete()
    Slot.objects.filter(pk__in=originals).update(state=Slot.State.DONE)
    rater.certified_after = newest_label_id(rater)
    rater.recalibration_from = None
    rater.save(update_fields=["certified_after", "recalibration_from"])
    change_status(rater, Status.ACTIVE, reason=reason, actor=actor, now=now)
    return len(originals)


@transaction.atomic
def send_to_calibration(
    *,
    rater: Rater,
    reason: str,
    actor: User | None = None,
    now: dt.datetime | None = None,
    status: Rater.Status = Status.RETRAINING,
) -> None:
    """No production tasks until they pass calibration (again). StatusError when suspended."""
    rater = _locked(rater)
    if rater.status == Status.SUSPENDED:
        raise StatusError(f"{rater.name} is suspended; reinstate them first.")
    release_held(rater=rater)
    void(_waiting(rater).exclude(purpose=Slot.Purpose.REPEAT))
    rater.tries = 0
    begin_try(rater)
    change_status(rater, status, reason=reason, actor=actor, now=now)


def begin_try(rater: Rater) -> None:
    """Calibration counts from here on. The rater is locked by the caller."""
    newest = Slot.objects.filter(rater=rater, purpose=Slot.Purpose.CALIBRATION).aggregate(
        newest=Max("id")
    )["newest"]
    rater.calibration_after = newest or 0
    rater.save(update_fields=["calibration_after", "tries"])


def change_status(
    rater: Rater,
    after: Rater.Status,
    *,
    reason: str,
    actor: User | None = None,
    now: dt.datetime | None = None,
) -> StatusChange:
    """Store the new status with its reason, and the change. The rater is locked by the caller."""
    reason = reason.strip()
    if not reason:
        raise StatusError("Please give a reason: the rater and other admins will see it.")
    limit = StatusChange._meta.get_field("reason").max_length or 0
    if len(reason) > limit:
        raise StatusError(f"The reason has {len(reason)} characters; the limit is {limit}.")
    before = rater.status
    rater.status, rater.status_reason = after, reason
    rater.save(update_fields=["status", "status_reason"])
    return StatusChange.objects.create(
        rater=rater,
        before=before,
        after=after,
        reason=reason,
        actor=actor,
        created_at=now or timezone.now(),
    )


def newest_label_id(rater: Rater) -> int:
    newest = Label.objects.filter(rater=rater).order_by("-id").values_list("id", flat=True).first()
    return newest or 0


def _locked(rater: Rater) -> Rater:
    return Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)


def _waiting(rater: Rater) -> models.QuerySet[Slot]:
    return Slot.objects.filter(rater=rater, state=Slot.State.WAITING)


def _want_again(rater: Rater) -> int:
    """Their production slots are void, and each pair is asked for anew in its stead."""
    done = Slot.objects.filter(
        rater=rater, state=Slot.State.DONE, purpose__in=Slot.SHARED
    ).select_for_update()
    old = list(done)
    Slot.objects.filter(pk__in=[slot.pk for slot in old]).update(state=Slot.State.VOID)
    Slot.objects.bulk_create(
        [
            Slot(
                pair_id=slot.pair_id,
                project_id=slot.project_id,
                purpose=slot.purpose,
                priority=slot.priority,
                replaces=slot,
            )
            for slot in old
        ],
        batch_size=SLOTS_AT_ONCE,
    )
    return len(old)
