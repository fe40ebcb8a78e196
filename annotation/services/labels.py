"""Labels: submitted once, corrected by rows that supersede."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotation.errors import InvalidLabelError, NothingToUndoError
from annotation.models import Choice, Guideline, Label, Rater, Slot
from annotation.services.slots import (
    lease_duration,
    lock_rater,
    locked_slot,
    open_again,
    with_texts,
)

ON_SCREEN = ("left", "right", "equal", "both_bad")
"""What a rater can press."""

MAX_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rater submits. `pressed` speaks of the screen: left, right, equal or both_bad."""

    pressed: str
    seconds: float | None = None
    comment: str = ""
    strength: int | None = None


def choice_of(pressed: str, *, first_is_left: bool) -> Choice:
    """The choice against the pair's own order."""
    if pressed not in ON_SCREEN:
        raise InvalidLabelError(f"choice is {pressed!r}; it must be one of {', '.join(ON_SCREEN)}.")
    if pressed in ("equal", "both_bad"):
        return Choice(pressed)
    return Choice.FIRST if (pressed == "left") == first_is_left else Choice.SECOND


@transaction.atomic
def submit_label(*, slot_id: int, rater: Rater, lease: uuid.UUID, judgement: Judgement) -> Label:
    """Store the judgement and close the slot. LeaseError when the task is not theirs now."""
    slot = locked_slot(slot_id=slot_id, rater=rater, lease=lease)
    _check(judgement)
    earlier = Label.objects.filter(slot=slot, superseded_by__isnull=True)
    label = Label.objects.create(
        project_id=slot.project_id,
        pair_id=slot.pair_id,
        rater=rater,
        slot=slot,
        choice=choice_of(judgement.pressed, first_is_left=slot.first_is_left),
        strength=judgement.strength,
        comment=judgement.comment.strip(),
        first_was_left=slot.first_is_left,
        seconds=judgement.seconds,
        guideline_id=_guideline_id(slot.project_id),
        # What they took back before, if this is a correction. Picked here: asked for the rater too,
        # a database may look through all their labels.
        supersedes=next((row for row in earlier if row.rater_id == rater.pk), None),
        created_at=timezone.now(),
    )
    slot.state, slot.lease, slot.lease_expires_at = Slot.State.DONE, None, None
    slot.save(update_fields=["state", "lease", "lease_expires_at"])
    return label


def _guideline_id(project_id: int) -> int | None:
    """The newest guideline; its text, which may be long, stays where it is."""
    newest = Guideline.objects.filter(project=project_id).order_by("-number")
    return newest.values_list("pk", flat=True).first()


def _check(judgement: Judgement) -> None:
    seconds = judgement.seconds
    if seconds is not None and not (math.isfinite(seconds) and 0 <= seconds <= MAX_SECONDS):
        raise InvalidLabelError(f"seconds is {seconds}; it must be from 0 to {MAX_SECONDS:.0f}.")
    if judgement.strength is not None and judgement.strength not in (1, 2, 3):
        raise InvalidLabelError(f"strength is {judgement.strength}; it must be 1, 2 or 3.")
    if len(judgement.comment) > settings.MAX_COMMENT_CHARACTERS:
        raise InvalidLabelError(
            f"The comment has {len(judgement.comment)} characters; "
            f"{settings.MAX_COMMENT_CHARACTERS} is the limit."
        )
    if any(mark == "\x00" or "\ud800" <= mark <= "\udfff" for mark in judgement.comment):
        raise InvalidLabelError(
            "The comment contains a NUL or half of a surrogate pair, which cannot be stored."
        )


@transaction.atomic
def undo_last_label(*, rater: Rater) -> Slot:
    """Take back the rater's newest label: a withdrawal supersedes it, and they hold its task again.

    The task they held meanwhile, if any, goes back to the queue. NothingToUndoError when there is
    no label.
    """
    lock_rater(rater)
    last = (
        Label.objects.effective()
        .select_related("slot")
        .filter(rater=rater, slot__isnull=False, slot__state=Slot.State.DONE)
        .order_by("-id")
        .first()
    )
    if last is None or last.slot is None:
        raise NothingToUndoError("You have no label that could be taken back.")
    now = timezone.now()
    open_again(Slot.objects.filter(state=Slot.State.LEASED, rater=rater))
    Label.objects.create(
        project_id=last.project_id,
        pair_id=last.pair_id,
        rater=rater,
        slot=last.slot,
        choice=last.choice,
        first_was_left=last.first_was_left,
        supersedes=last,
        withdrawn=True,
        created_at=now,
    )
    slot = last.slot
    slot.state, slot.lease = Slot.State.LEASED, uuid.uuid4()
    slot.lease_expires_at = now + lease_duration()
    slot.save(update_fields=["state", "lease", "lease_expires_at"])
    return with_texts(slot)
