"""Labels: submitted once, corrected by rows that supersede."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotation.errors import InvalidLabelError, NothingToUndoError
from annotation.models import Choice, Guideline, Label, QualityPolicy, Rater, Slot
from annotation.queue.draws import uniform
from annotation.services.calibration import settle_try
from annotation.services.edits import store_edit
from annotation.services.policy import policy_of
from annotation.services.slots import (
    lease_duration,
    let_go,
    lock_rater,
    locked_slot,
    with_texts,
)
from corpus.storable import unstorable

ON_SCREEN = ("left", "right", "equal", "both_bad")
"""What a rater can press."""

MAX_SECONDS = 86_400.0

UNDO_WITHIN = dt.timedelta(hours=12)
"""A session of work: an older label stands, and an adjudication is the way to correct it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rater submits. `pressed` speaks of the screen: left, right, equal or both_bad; so do
    the values of `criteria`, whose keys are the project's axes. `edited` is the better response as
    the rater would have it, empty when they left it alone."""

    pressed: str
    seconds: float | None = None
    comment: str = ""
    strength: int | None = None
    criteria: Mapping[str, str] = field(default_factory=dict)
    edited: str = ""


def choice_of(pressed: str, *, first_is_left: bool) -> Choice:
    """The choice against the pair's own order."""
    if pressed not in ON_SCREEN:
        raise InvalidLabelError(f"choice is {pressed!r}; it must be one of {', '.join(ON_SCREEN)}.")
    if pressed in ("equal", "both_bad"):
        return Choice(pressed)
    return Choice.FIRST if (pressed == "left") == first_is_left else Choice.SECOND


@transaction.atomic
def submit_label(
    *,
    slot_id: int,
    rater: Rater,
    lease: uuid.UUID,
    judgement: Judgement,
    now: dt.datetime | None = None,
) -> Label:
    """Store the judgement and close the slot. LeaseError when the task is not theirs now.

    A share of production comes back to the same rater later; the answer that ends a try of
    calibration decides at once whether they are admitted.
    """
    now = now or timezone.now()
    rater = lock_rater(rater)
    slot = locked_slot(slot_id=slot_id, rater=rater, lease=lease, now=now)
    policy = policy_of(slot.project_id)
    check_judgement(judgement, policy)
    first_is_left = bool(slot.first_is_left)
    earlier = Label.objects.filter(slot=slot, superseded_by__isnull=True)
    label = Label.objects.create(
        project_id=slot.project_id,
        pair_id=slot.pair_id,
        rater=rater,
        slot=slot,
        kind=Label.Kind.REPEAT
        if slot.purpose == Slot.Purpose.REPEAT
        else Label.Kind.ADJUDICATION
        if slot.purpose == Slot.Purpose.ADJUDICATION
        else Label.Kind.JUDGEMENT,
        choice=choice_of(judgement.pressed, first_is_left=first_is_left),
        strength=judgement.strength if judgement.pressed in ("left", "right") else None,
        criteria={
            key: choice_of(pressed, first_is_left=first_is_left).value
            for key, pressed in judgement.criteria.items()
        },
        comment=judgement.comment.strip(),
        first_was_left=slot.first_is_left,
        seconds=judgement.seconds,
        guideline_id=newest_guideline_id(slot.project_id),
        # What they took back before, if this is a correction. Picked here: asked for the rater too,
        # a database may look through all their labels.
        supersedes=next((row for row in earlier if row.rater_id == rater.pk), None),
        created_at=now,
    )
    slot.state, slot.lease, slot.lease_expires_at = Slot.State.DONE, None, None
    slot.place = None
    slot.save(update_fields=["state", "lease", "lease_expires_at", "place"])
    if judgement.edited.strip():
        store_edit(label=label, text=judgement.edited)
    if slot.purpose in Slot.SHARED:
        _plan_repeat(slot, rater, policy, now)
    if slot.purpose == Slot.Purpose.CALIBRATION:
        settle_try(rater=rater, policy=policy, now=now)
    return label


def _plan_repeat(slot: Slot, rater: Rater, policy: QualityPolicy, now: dt.datetime) -> None:
    """Let a drawn share of a rater's own pairs come back to them."""
    if uniform(policy.seed, "repeat", rater.pk, slot.pair_id) >= policy.repeat_share:
        return
    if Slot.objects.filter(rater=rater, pair=slot.pair_id, purpose=Slot.Purpose.REPEAT).exists():
        return
    Slot.objects.create(
        pair_id=slot.pair_id,
        project_id=slot.project_id,
        purpose=Slot.Purpose.REPEAT,
        state=Slot.State.WAITING,
        rater=rater,
        due_at=now + dt.timedelta(days=policy.repeat_after_days),
    )


def newest_guideline_id(project_id: int) -> int | None:
    """The newest guideline; its text, which may be long, stays where it is."""
    newest = Guideline.objects.filter(project=project_id).order_by("-number")
    return newest.values_list("pk", flat=True).first()


def check_judgement(judgement: Judgement, policy: QualityPolicy) -> None:
    """InvalidLabelError, naming the value and what would be right."""
    seconds = judgement.seconds
    if seconds is not None and not (math.isfinite(seconds) and 0 <= seconds <= MAX_SECONDS):
        raise InvalidLabelError(f"seconds is {seconds}; it must be from 0 to {MAX_SECONDS:.0f}.")
    decided = judgement.pressed in ("left", "right")
    if judgement.strength is not None and judgement.strength not in (1, 2, 3):
        raise InvalidLabelError(f"strength is {judgement.strength}; it must be 1, 2 or 3.")
    if judgement.strength is None and decided and policy.strength == policy.Strength.REQUIRED:
        raise InvalidLabelError(
            "strength is missing; this project asks for 1 (slightly), 2 (clearly) or 3 (much)."
        )
    for key, pressed in judgement.criteria.items():
        if key not in policy.criterion_keys:
            known = ", ".join(policy.criterion_keys) or "none"
            raise InvalidLabelError(
                f"{key!r} is not a criterion in this project; the criteria are: {known}."
            )
        if pressed not in ON_SCREEN:
            raise InvalidLabelError(
                f"criteria.{key} is {pressed!r}; it must be one of {', '.join(ON_SCREEN)}."
            )
    check_text(judgement.comment, "comment", settings.MAX_COMMENT_CHARACTERS)
    if judgement.edited.strip():
        if not policy.allow_edits:
            raise InvalidLabelError("This project does not allow edited responses.")
        if not decided:
            raise InvalidLabelError(
                "An edited response was sent without a choice of the better one."
            )
        check_text(judgement.edited, "edited response", settings.MAX_EDIT_CHARACTERS)


def check_text(text: str, name: str, limit: int) -> None:
    if len(text) > limit:
        raise InvalidLabelError(f"The {name} has {len(text)} characters; the limit is {limit}.")
    if why := unstorable(text):
        raise InvalidLabelError(f"The {name} contains {why}, which cannot be stored.")


@transaction.atomic
def undo_last_label(*, rater: Rater, now: dt.datetime | None = None) -> Slot:
    """Take back the rater's newest label: a withdrawal supersedes it, and they hold its task again.

    The tasks they held meanwhile go back. NothingToUndoError when there is no label, when it is
    older than a session, or when it was calibration, whose right answer they have seen.
    """
    now = now or timezone.now()
    rater = lock_rater(rater)
    last = (
        Label.objects.effective()
        .select_related("slot")
        .filter(rater=rater, slot__isnull=False, slot__state=Slot.State.DONE)
        .order_by("-id")
        .first()
    )
    if last is None or last.slot is None:
        raise NothingToUndoError("You have no label to undo.")
    if last.slot.purpose == Slot.Purpose.CALIBRATION:
        raise NothingToUndoError(
            "A calibration answer cannot be undone: you have seen the correct one."
        )
    if last.created_at < now - UNDO_WITHIN:
        hours = UNDO_WITHIN.total_seconds() / 3600
        raise NothingToUndoError(
            f"Your last label is more than {hours:.0f} hours old and can no longer be undone."
        )
    let_go(Slot.objects.filter(state=Slot.State.LEASED, rater=rater))
    _withdraw(last, now)
    for derived in last.derived.filter(superseded_by__isnull=True):
        _withdraw(derived, now)
    # A repeat that has not come back yet has nothing to repeat.
    Slot.objects.filter(
        rater=rater, pair=last.pair_id, purpose=Slot.Purpose.REPEAT, state=Slot.State.WAITING
    ).delete()
    slot = last.slot
    slot.state, slot.lease, slot.place = Slot.State.LEASED, uuid.uuid4(), 0
    slot.claimed_at, slot.lease_expires_at = now, now + lease_duration(policy_of(slot.project_id))
    slot.save(update_fields=["state", "lease", "place", "claimed_at", "lease_expires_at"])
    return with_texts(slot)


def _withdraw(label: Label, now: dt.datetime) -> None:
    Label.objects.create(
        project_id=label.project_id,
        pair_id=label.pair_id,
        rater_id=label.rater_id,
        slot=label.slot,
        kind=label.kind,
        choice=label.choice,
        first_was_left=label.first_was_left,
        supersedes=label,
        withdrawn=True,
        created_at=now,
    )
