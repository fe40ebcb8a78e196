"""Which task a rater gets next, and for how long it is theirs."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from annotation.errors import LeaseError, LeaseExpiredError
from annotation.models import Label, Rater, Skip, Slot
from annotation.selectors import rater_progress
from annotation.services import (
    Judgement,
    claim_next_slot,
    extend_lease,
    open_slots,
    release_expired_slots,
    skip_slot,
    submit_label,
)
from tests.builders import make_pair, make_project, make_rater

pytestmark = pytest.mark.django_db

LEFT = Judgement(pressed="left", seconds=2.0)


def claimed(rater: Rater) -> Slot:
    slot = claim_next_slot(rater=rater)
    assert slot is not None
    assert slot.lease is not None
    return slot


def label(slot: Slot, rater: Rater) -> Label:
    assert slot.lease is not None
    return submit_label(slot_id=slot.pk, rater=rater, lease=slot.lease, judgement=LEFT)


def run_out(slot: Slot) -> None:
    Slot.objects.filter(pk=slot.pk).update(
        lease_expires_at=timezone.now() - dt.timedelta(seconds=1)
    )


def test_the_highest_priority_comes_first_and_the_oldest_within_it() -> None:
    project = make_project()
    rater = make_rater(project, "alice")
    plain, also_plain = make_pair(project, 1, slots=1), make_pair(project, 2, slots=1)
    urgent = make_pair(project, 3)
    urgent.priority = 5
    urgent.save()
    open_slots(pairs=[urgent])
    order = []
    while (slot := claim_next_slot(rater=rater)) is not None:
        order.append(slot.pair_id)
        label(slot, rater)
    assert order == [urgent.pk, plain.pk, also_plain.pk]


def test_a_rater_never_gets_a_pair_twice() -> None:
    project = make_project()
    alice, bob = make_rater(project, "alice"), make_rater(project, "bob")
    pairs = [make_pair(project, number, slots=3) for number in range(4)]
    had = []
    while (slot := claim_next_slot(rater=alice)) is not None:
        had.append(slot.pair_id)
        label(slot, alice)
    assert had == [pair.pk for pair in pairs]
    assert claimed(bob).pair_id == pairs[0].pk, "the other slots of a pair are for others"


def test_a_held_task_comes_again_under_the_same_lease() -> None:
    project = make_project()
    rater = make_rater(project, "alice")
    make_pair(project, 1, slots=1)
    make_pair(project, 2, slots=1)
    first, again = claimed(rater), claimed(rater)
    assert (again.pk, again.lease) == (first.pk, first.lease)


def test_a_task_held_by_one_is_not_given_to_another() -> None:
    project = make_project()
    make_pair(project, 1, slots=1)
    claimed(make_rater(project, "alice"))
    assert claim_next_slot(rater=make_rater(project, "bob")) is None


def test_a_task_of_another_project_is_never_given() -> None:
    make_pair(make_project("elsewhere"), 1, slots=1)
    assert claim_next_slot(rater=make_rater(make_project(), "alice")) is None


def test_the_database_refuses_a_second_held_task() -> None:
    project = make_project()
    rater = make_rater(project, "alice")
    make_pair(project, 1, slots=1)
    make_pair(project, 2, slots=1)
    claimed(rater)
    other = Slot.objects.filter(state=Slot.State.OPEN)
    with pytest.raises(IntegrityError), transaction.atomic():
        other.update(state=Slot.State.LEASED, rater=rater, lease=uuid.uuid4())


def test_a_skipped_pair_goes_to_others_and_does_not_come_back() -> None:
    project = make_project()
    alice, bob = make_rater(project, "alice"), make_rater(project, "bob")
    offensive, fine = make_pair(project, 1, slots=2), make_pair(project, 2, slots=1)
    slot = claimed(alice)
    assert slot.pair_id == offensive.pk
    assert slot.lease is not None
    skip_slot(slot_id=slot.pk, rater=alice, lease=slot.lease, reason=Skip.Reason.OFFENSIVE)
    assert claimed(alice).pair_id == fine.pk
    assert claimed(bob).pair_id == offensive.pk
    assert Skip.objects.get().reason == Skip.Reason.OFFENSIVE
    slot.refresh_from_db()
    assert slot.rater_id in (None, bob.pk)


def test_a_task_whose_lease_ran_out_goes_to_another_and_the_late_label_is_refused() -> None:
    project = make_project()
    alice, bob = make_rater(project, "alice"), make_rater(project, "bob")
    make_pair(project, 1, slots=1)
    slot = claimed(alice)
    run_out(slot)
    taken = claimed(bob)
    assert taken.pk == slot.pk
    assert taken.lease != slot.lease
    with pytest.raises(LeaseError) as refused:
        label(slot, alice)
    assert refused.value.code == "not_your_task"
    assert not Label.objects.exists()
    label(taken, bob)
    assert Label.objects.get().rater == bob


def test_a_late_label_is_refused_even_when_nobody_took_the_task() -> None:
    project = make_project()
    rater = make_rater(project, "alice")
    make_pair(project, 1, slots=1)
    slot = claimed(rater)
    run_out(slot)
    with pytest.raises(LeaseExpiredError):
        label(slot, rater)
    again = claimed(rater)
    assert (again.pk, again.lease != slot.lease) == (slot.pk, True)
    label(again, rater)


def test_open_tasks_come_before_those_whose_lease_ran_out() -> None:
    project = make_project()
    alice, bob = make_rater(project, "alice"), make_rater(project, "bob")
    make_pair(project, 1, slots=1)
    untouched = make_pair(project, 2, slots=1)
    run_out(claimed(alice))
    assert claimed(bob).pair_id == untouched.pk


def test_leases_that_ran_out_are_released_and_others_kept() -> None:
    project = make_project()
    alice, bob = make_rater(project, "alice"), make_rater(project, "bob")
    make_pair(project, 1, slots=1)
    make_pair(project, 2, slots=1)
    gone, kept = claimed(alice), claimed(bob)
    run_out(gone)
    assert release_expired_slots(now=timezone.now()) == 1
    gone.refresh_from_db()
    kept.refresh_from_db()
    assert (gone.state, gone.rater, gone.lease) == (Slot.State.OPEN, None, None)
    assert (kept.state, kept.rater) == (Slot.State.LEASED, bob)


def test_an_open_page_keeps_its_task() -> None:
    project = make_project()
    rater = make_rater(project, "alice")
    make_pair(project, 1, slots=1)
    slot = claimed(rater)
    assert slot.lease is not None
    soon = timezone.now() + dt.timedelta(seconds=1)
    Slot.objects.filter(pk=slot.pk).update(lease_expires_at=soon)
    assert extend_lease(slot_id=slot.pk, rater=rater, lease=slot.lease) > soon
    with pytest.raises(LeaseError):
        extend_lease(slot_id=slot.pk, rater=rater, lease=uuid.uuid4())


def test_progress_counts_what_is_done_and_what_could_still_come() -> None:
    project = make_project()
    alice, bob = make_rater(project, "alice"), make_rater(project, "bob")
    for number in range(4):
        make_pair(project, number, slots=2)
    label(claimed(alice), alice)
    skipped = claimed(alice)
    assert skipped.lease is not None
    skip_slot(slot_id=skipped.pk, rater=alice, lease=skipped.lease, reason=Skip.Reason.OTHER)
    claimed(alice)
    progress = rater_progress(alice)
    assert (progress.done, progress.left) == (1, 2)
    assert progress.percent == 33
    assert (rater_progress(bob).done, rater_progress(bob).left) == (0, 4)


def test_progress_looks_only_so_far_into_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.selectors.PROGRESS_SLOTS", 3)
    project = make_project()
    rater = make_rater(project, "alice")
    for number in range(4):
        make_pair(project, number, slots=1)
    assert (rater_progress(rater).left, rater_progress(rater).more) == (3, True)
    label(claimed(rater), rater)
    label(claimed(rater), rater)
    assert (rater_progress(rater).left, rater_progress(rater).more) == (2, False)


def test_a_claim_walks_the_index_of_open_slots() -> None:
    project = make_project()
    rater = make_rater(project, "alice")
    for number in range(50):
        make_pair(project, number, slots=2)
    for _ in range(10):
        label(claimed(rater), rater)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # So small a table is read whole; what matters is that the index serves the query.
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = Slot.objects.filter(state=Slot.State.OPEN).new_to(rater)[:1].explain()
    assert "slot_open" in plan
    assert "slot_of_rater" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
