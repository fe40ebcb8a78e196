"""Many raters at once, with real threads and real transactions, on whichever database is set."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from contextlib import suppress
from functools import partial

import pytest
from django.utils import timezone

from accounts.errors import NotARaterError
from annotation.errors import AlreadyLabelledError, LeaseError
from annotation.models import Label, Rater, Slot
from annotation.services import (
    Judgement,
    claim_next_slot,
    submit_label,
    suspend_rater,
    undo_last_label,
)
from annotation.services.labels import ON_SCREEN
from tests.builders import make_pair, make_project, make_rater
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def label_all(rater: Rater, seed: int) -> int:
    """Label until nothing is left for this rater; how many labels went in."""
    rng = random.Random(seed)
    labelled = 0
    while (slot := claim_next_slot(rater=rater)) is not None:
        assert slot.lease is not None
        judgement = Judgement(pressed=rng.choice(ON_SCREEN))
        submit_label(slot_id=slot.pk, rater=rater, lease=slot.lease, judgement=judgement)
        labelled += 1
    return labelled


def test_many_raters_label_every_slot_once_and_no_pair_twice() -> None:
    project = make_project()
    raters = [make_rater(project, f"rater {number}") for number in range(8)]
    for number in range(20):
        make_pair(project, number, slots=3)
    counts = at_once(
        *(
            lambda rater=rater, seed=seed: label_all(rater, seed)
            for seed, rater in enumerate(raters)
        )
    )
    assert sum(counts) == 60
    labels = list(Label.objects.values_list("slot", "rater", "pair"))
    assert len({slot for slot, _, _ in labels}) == len(labels) == 60
    assert max(Counter((rater, pair) for _, rater, pair in labels).values()) == 1
    wanted = Slot.objects.filter(purpose__in=Slot.SHARED)
    assert set(wanted.values_list("state", flat=True)) == {Slot.State.DONE}
    assert Label.objects.effective().count() == 60


def test_two_tabs_of_one_rater_neither_block_nor_double() -> None:
    project = make_project()
    rater = make_rater(project, "alice")
    for number in range(25):
        make_pair(project, number, slots=2)

    def tab() -> int:
        refused = 0
        while (slot := claim_next_slot(rater=rater)) is not None:
            assert slot.lease is not None
            try:
                submit_label(
                    slot_id=slot.pk, rater=rater, lease=slot.lease, judgement=Judgement("left")
                )
            except AlreadyLabelledError:
                refused += 1
        return refused

    at_once(tab, tab, tab)
    pairs = Label.objects.values_list("pair", flat=True)
    assert len(pairs) == len(set(pairs)) == 25


def test_a_double_click_stores_one_label() -> None:
    project = make_project()
    rater = make_rater(project, "alice")

    def click(slot: Slot) -> str:
        assert slot.lease is not None
        judgement = Judgement("right")
        try:
            submit_label(slot_id=slot.pk, rater=rater, lease=slot.lease, judgement=judgement)
        except LeaseError as error:
            return error.code
        return "stored"

    for number in range(10):
        make_pair(project, number, slots=1)
        slot = claim_next_slot(rater=rater)
        assert slot is not None
        clicks = at_once(partial(click, slot), partial(click, slot))
        assert sorted(clicks) == ["already_labelled", "stored"]
    assert Label.objects.count() == 10


def test_a_task_whose_lease_ran_out_is_taken_by_one_alone() -> None:
    project = make_project()
    make_pair(project, 0, slots=1)
    assert claim_next_slot(rater=make_rater(project, "gone")) is not None
    Slot.objects.update(lease_expires_at=timezone.now() - dt.timedelta(seconds=1))
    raters = [make_rater(project, f"rater {number}") for number in range(6)]
    slots = at_once(*(lambda rater=rater: claim_next_slot(rater=rater) for rater in raters))
    assert sum(slot is not None for slot in slots) == 1


def test_undo_in_one_tab_and_labelling_in_another_leave_one_effective_label_a_pair() -> None:
    project = make_project()
    rater = make_rater(project, "alice")
    for number in range(12):
        make_pair(project, number, slots=1)
    label_all(rater, 0)

    def undo() -> None:
        for _ in range(6):
            undo_last_label(rater=rater)

    def relabel() -> None:
        for _ in range(12):
            slot = claim_next_slot(rater=rater)
            if slot is None or slot.lease is None:
                continue
            try:
                submit_label(
                    slot_id=slot.pk, rater=rater, lease=slot.lease, judgement=Judgement("equal")
                )
            except LeaseError:
                # Undo put the task back meanwhile: the fencing token did its work.
                continue

    at_once(undo, relabel)
    label_all(rater, 1)
    pairs = Label.objects.effective().values_list("pair", flat=True)
    assert len(pairs) == len(set(pairs)) == 12


def test_a_suspension_amid_the_work_leaves_each_pair_wanted_as_often_as_before() -> None:
    project = make_project()
    raters = [make_rater(project, f"rater {number}") for number in range(5)]
    for number in range(24):
        make_pair(project, number, slots=2)
    first = raters[0]
    for _ in range(6):
        slot = claim_next_slot(rater=first)
        assert slot is not None
        assert slot.lease is not None
        submit_label(slot_id=slot.pk, rater=first, lease=slot.lease, judgement=Judgement("equal"))

    def work(rater: Rater, seed: int) -> None:
        with suppress(NotARaterError):
            label_all(rater, seed)

    at_once(
        *(lambda rater=rater, seed=seed: work(rater, seed) for seed, rater in enumerate(raters)),
        lambda: suspend_rater(rater=raters[0], reason="In the middle of it."),
    )

    shared = Slot.objects.filter(purpose__in=Slot.SHARED)
    wanted = Counter(shared.exclude(state="void").values_list("pair", flat=True))
    assert set(wanted.values()) == {2}, "in flight plus done plus open is what was wanted"
    assert not shared.filter(rater=raters[0]).exclude(state="void").exists()
    done = shared.filter(state="done").values_list("pair", "rater")
    assert len(done) == len(set(done))
    for rater in raters[1:]:
        label_all(rater, 9)
    assert set(shared.exclude(state="void").values_list("state", flat=True)) == {"done"}
    labels = Label.objects.effective().exclude(rater=raters[0])
    assert Counter(labels.values_list("pair", flat=True)).most_common(1)[0][1] == 2
