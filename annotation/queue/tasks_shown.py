"""What a rater may see of a task, and of their calibration answer. Nothing else leaves the server.

Neither purpose, model, gold, other labels nor verdicts are in here, so that no page and no program
can give them away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from annotation.models import Choice, Label, Slot
from annotation.queue.task_names import task_name
from corpus.intake.identity import mask
from corpus.intake.policy import intake_policy
from corpus.models import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPair:
    """What stood on the screen. `prompt` are turns {role, content}; left and right are texts."""

    prompt: list[dict[str, str]]
    left: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTask(ShownPair):
    """A task under its lease."""

    id: UUID
    lease: UUID
    lease_expires_at: datetime


def shown(slot: Slot) -> ShownTask:
    """The task as its rater sees it. The slot is held and its texts are loaded."""
    if slot.lease is None or slot.lease_expires_at is None:
        raise ValueError(f"Slot {slot.pk} is held by nobody.")
    left, right = shown_sides(slot.pair, first_is_left=bool(slot.first_is_left))
    return ShownTask(
        id=task_name(slot.pk),
        lease=slot.lease,
        lease_expires_at=slot.lease_expires_at,
        prompt=slot.pair.prompt.messages,
        left=left,
        right=right,
    )


def as_answered(label: Label) -> ShownPair:
    """The pair of an answer, its sides as they stood when it was given."""
    pair = Pair.objects.select_related("prompt", "first", "second").get(pk=label.pair_id)
    left, right = shown_sides(pair, first_is_left=bool(label.first_was_left))
    return ShownPair(prompt=pair.prompt.messages, left=left, right=right)


def shown_sides(pair: Pair, *, first_is_left: bool) -> tuple[str, str]:
    """The texts of A and B, without what gives their authors away where the project hides it."""
    policy = intake_policy(pair.project_id)
    sides = (pair.first.text, pair.second.text)
    if policy.identity != policy.Identity.OFF:
        sides = (mask(sides[0], policy.terms).text, mask(sides[1], policy.terms).text)
    return sides if first_is_left else sides[::-1]


def on_screen(choice: str, *, first_is_left: bool) -> str:
    """A stored choice as it stood on the screen: left, right, equal or both_bad."""
    if choice in (Choice.EQUAL, Choice.BOTH_BAD):
        return choice
    return "left" if (choice == Choice.FIRST) == first_is_left else "right"


@dataclass(frozen=True, slots=True)
class Feedback:
    """Whether a calibration answer was right, and if not, what is and why."""

    correct: bool
    pressed: str
    right_answer: str
    note: str


def feedback_on(label: Label) -> Feedback | None:
    """Shown after a calibration answer, and after no other: gold in the stream stays unknown."""
    slot = label.slot
    if slot is None or slot.purpose != Slot.Purpose.CALIBRATION:
        return None
    gold = getattr(label.pair, "gold", None)
    if gold is None or not gold.choice:
        return None
    first_is_left = bool(slot.first_is_left)
    return Feedback(
        correct=gold.choice == label.choice,
        pressed=on_screen(label.choice, first_is_left=first_is_left),
        right_answer=on_screen(gold.choice, first_is_left=first_is_left),
        note="" if gold.choice == label.choice else gold.note,
    )
