"""A project with gold and raters whose answers a test chooses."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User
from django.utils import timezone

from annotation.models import Choice, GoldPair, Label, Rater, Slot
from annotation.queue.tasks_shown import on_screen
from annotation.services import Judgement, claim_next_slot, set_policy, submit_label
from corpus.models import Project
from tests.builders import make_pair, make_project


def make_gold(project: Project, count: int, *, start: int = 1000) -> list[GoldPair]:
    """Settled gold pairs whose answers go through the four choices in turn."""
    choices = list(Choice.values)
    return [
        GoldPair.objects.create(
            pair=make_pair(project, start + number),
            project=project,
            state=GoldPair.State.SETTLED,
            choice=choices[number % 4],
            note=f"because {number}",
            shuffle=number + 1,
            settled_at=timezone.now(),
        )
        for number in range(count)
    ]


def make_bank(gold: int = 60, *, production: int = 0, **policy: object) -> Project:
    """A project with a policy for few labels, gold pairs and production pairs."""
    project = make_project()
    small = {"calibration_pairs": 8, "min_labels": 8, "window_labels": 12}
    set_policy(project=project, changes=small | policy)
    make_gold(project, gold)
    for number in range(production):
        make_pair(project, number, slots=1)
    return project


def make_user_rater(project: Project, name: str, status: str = Rater.Status.ACTIVE) -> Rater:
    """A rater with an account, as the scheduled looks want it."""
    user = User.objects.create_user(name)
    return Rater.objects.create(
        project=project, kind=Rater.Kind.HUMAN, name=name, user=user, status=status
    )


def answer(rater: Rater, slot: Slot, choice: str, now: dt.datetime | None = None) -> Label:
    """Submit `choice`, against the pair's own order, for a slot the rater holds."""
    assert slot.lease is not None
    pressed = on_screen(choice, first_is_left=bool(slot.first_is_left))
    return submit_label(
        slot_id=slot.pk,
        rater=rater,
        lease=slot.lease,
        judgement=Judgement(pressed=pressed, seconds=9.0),
        now=now,
    )


def truth(slot: Slot) -> str:
    """The gold answer of a slot's pair; first where there is none."""
    gold = GoldPair.objects.filter(pair=slot.pair_id).first()
    return gold.choice if gold is not None else Choice.FIRST


def wrong(slot: Slot) -> str:
    """An answer that is not the gold one, of all kinds in the long run."""
    choices = list(Choice.values)
    return choices[(choices.index(truth(slot)) + 1 + slot.pk % 3) % 4]


def work(
    rater: Rater, tasks: int, *, right: bool = True, now: dt.datetime | None = None
) -> list[Slot]:
    """Let the rater do `tasks` tasks, all right or all wrong by gold; those they got."""
    done = []
    for _ in range(tasks):
        rater.refresh_from_db()
        if rater.status == Rater.Status.SUSPENDED:
            break
        slot = claim_next_slot(rater=rater, now=now)
        if slot is None:
            break
        answer(rater, slot, truth(slot) if right else wrong(slot), now)
        done.append(slot)
    rater.refresh_from_db()
    return done
