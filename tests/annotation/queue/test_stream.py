"""What a rater gets: the kinds of task that the policy wants, and never what they must not get."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from django.utils import timezone

from annotation.models import GoldAnswer, GoldPair, Label, Rater, Skip, Slot
from annotation.services import (
    claim_next_slot,
    policy_of,
    release_expired_slots,
    set_policy,
    skip_slot,
    submit_label,
    undo_last_label,
    wanted_labels,
)
from annotation.services.labels import Judgement
from tests.annotation.workshop import answer, make_bank, make_user_rater, work
from tests.builders import make_pair

pytestmark = pytest.mark.django_db

Purpose = Slot.Purpose
DAY = dt.timedelta(days=1)


def purposes(slots: list[Slot]) -> Counter[str]:
    return Counter(slot.purpose for slot in slots)


def test_a_newcomer_gets_calibration_and_nothing_else() -> None:
    project = make_bank(production=20)
    rater = make_user_rater(project, "ann", Rater.Status.ONBOARDING)
    assert purposes(work(rater, 8)) == {Purpose.CALIBRATION: 8}
    assert rater.status == Rater.Status.ACTIVE
    assert Purpose.PRODUCTION in purposes(work(rater, 20))


def test_the_stream_keeps_its_shares_and_shows_no_pair_twice() -> None:
    project = make_bank(60, production=300, recalibration_per_week=0, gold_share=0.15)
    rater = make_user_rater(project, "ann")
    done = work(rater, 200)
    found = purposes(done)
    assert 15 <= found[Purpose.GOLD] <= 46, found
    assert found[Purpose.GOLD] + found[Purpose.PRODUCTION] + found[Purpose.OVERLAP] == 200
    assert len({slot.pair_id for slot in done}) == 200


def test_recalibration_comes_each_week_and_ends_with_its_number() -> None:
    project = make_bank(60, production=200, recalibration_per_week=5, gold_share=0)
    rater = make_user_rater(project, "ann")
    now = timezone.now()
    assert purposes(work(rater, 30, now=now))[Purpose.RECALIBRATION] == 5
    assert purposes(work(rater, 20, now=now + 6 * DAY))[Purpose.RECALIBRATION] == 0
    assert purposes(work(rater, 30, now=now + 7 * DAY))[Purpose.RECALIBRATION] == 5


def test_a_clock_that_goes_back_starts_no_week_and_serves_no_repeat() -> None:
    project = make_bank(60, production=80, recalibration_per_week=4, gold_share=0, repeat_share=1.0)
    rater = make_user_rater(project, "ann")
    now = timezone.now()
    assert purposes(work(rater, 30, now=now))[Purpose.RECALIBRATION] == 4
    assert purposes(work(rater, 10, now=now - 30 * DAY)) == {Purpose.PRODUCTION: 10}
    assert rater.recalibration_left == 0


def test_a_share_of_ones_own_pairs_comes_back_after_the_days_and_once_only() -> None:
    project = make_bank(
        0, production=10, gold_share=0, repeat_share=1.0, overlap_share=0, repeat_after_days=7
    )
    rater = make_user_rater(project, "ann")
    now = timezone.now()
    first = work(rater, 10, now=now)
    assert len(first) == 10
    assert work(rater, 1, now=now + 6.9 * DAY) == []
    again = work(rater, 30, now=now + 7.1 * DAY)
    assert purposes(again) == {Purpose.REPEAT: 10}
    assert {slot.pair_id for slot in again} == {slot.pair_id for slot in first}
    sides = {slot.pair_id: slot.first_is_left for slot in first}
    same = sum(sides[slot.pair_id] == slot.first_is_left for slot in again)
    assert 0 < same < 10, "the sides of a repeat are drawn anew, neither kept nor mirrored"
    assert set(Label.objects.filter(slot__in=again).values_list("kind", flat=True)) == {"repeat"}
    assert work(rater, 1, now=now + 30 * DAY) == []


def test_an_undone_label_leaves_nothing_to_repeat() -> None:
    project = make_bank(0, production=1, gold_share=0, repeat_share=1.0)
    rater = make_user_rater(project, "ann")
    work(rater, 1)
    assert Slot.objects.filter(purpose=Purpose.REPEAT).count() == 1
    undo_last_label(rater=rater)
    assert not Slot.objects.filter(purpose=Purpose.REPEAT).exists()


def test_a_senior_never_gets_their_own_gold_answer() -> None:
    project = make_bank(6, production=2, gold_share=1.0, repeat_share=0, recalibration_per_week=0)
    senior = make_user_rater(project, "bob")
    for gold in GoldPair.objects.all()[:5]:
        GoldAnswer.objects.create(pair=gold.pair, author=senior.user, choice=gold.choice)
    own = Slot.objects.filter(purpose=Purpose.PRODUCTION).first()
    assert own is not None
    GoldAnswer.objects.create(pair=own.pair, author=senior.user, choice="first")
    done = work(senior, 10)
    assert purposes(done) == {Purpose.GOLD: 1, Purpose.PRODUCTION: 1}
    assert own.pair_id not in {slot.pair_id for slot in done}


def test_a_gold_pair_is_spent_for_who_saw_it_and_fresh_for_the_others() -> None:
    project = make_bank(5, gold_share=1.0, repeat_share=0, recalibration_per_week=0)
    for name in ("ann", "ben"):
        seen = work(make_user_rater(project, name), 10)
        assert len({slot.pair_id for slot in seen}) == len(seen) == 5


def test_raters_go_through_the_gold_from_places_of_their_own() -> None:
    project = make_bank(40, gold_share=1.0, repeat_share=0, recalibration_per_week=0)
    for gold in GoldPair.objects.all():
        gold.shuffle = gold.shuffle * 2**62 // 41
        gold.save()
    first = {
        name: [slot.pair_id for slot in work(make_user_rater(project, name), 3)]
        for name in ("ann", "ben", "cat", "dee")
    }
    assert len({tuple(pairs) for pairs in first.values()}) == 4


def test_what_a_page_holds_is_the_task_and_the_next_and_no_more() -> None:
    project = make_bank(0, production=5, gold_share=0)
    rater = make_user_rater(project, "ann")
    shown = claim_next_slot(rater=rater)
    assert shown is not None
    following = claim_next_slot(rater=rater, besides=shown.pk)
    assert following is not None
    assert following.pk != shown.pk
    assert claim_next_slot(rater=rater, besides=shown.pk) == following
    assert claim_next_slot(rater=rater) == shown, "a reload shows the same task"
    answer(rater, shown, "first")
    assert claim_next_slot(rater=rater) == following
    third = claim_next_slot(rater=rater, besides=following.pk)
    assert third is not None
    assert Slot.objects.filter(state=Slot.State.LEASED).count() == 2


def test_gold_whose_lease_ran_out_waits_for_its_rater_alone() -> None:
    project = make_bank(
        3, gold_share=1.0, repeat_share=0, recalibration_per_week=0, lease_minutes=10
    )
    ann, ben = make_user_rater(project, "ann"), make_user_rater(project, "ben")
    now = timezone.now()
    held = claim_next_slot(rater=ann, now=now)
    assert held is not None
    later = now + dt.timedelta(minutes=11)
    assert release_expired_slots(now=later) == 1
    for_ben = claim_next_slot(rater=ben, now=later)
    assert for_ben is not None
    assert for_ben.pk != held.pk
    again = claim_next_slot(rater=ann, now=later)
    assert again is not None
    assert again.pk == held.pk
    assert again.lease != held.lease


def test_skipped_gold_asks_nobody_any_more() -> None:
    project = make_bank(1, gold_share=1.0, repeat_share=0, recalibration_per_week=0)
    rater = make_user_rater(project, "ann")
    slot = claim_next_slot(rater=rater)
    assert slot is not None
    assert slot.lease is not None
    skip_slot(slot_id=slot.pk, rater=rater, lease=slot.lease, reason=Skip.Reason.UNCLEAR)
    slot.refresh_from_db()
    assert slot.state == Slot.State.VOID
    assert claim_next_slot(rater=rater) is None


def test_a_pair_that_is_held_back_is_handed_to_nobody() -> None:
    project = make_bank(0, production=1)
    project.pairs.update(held_back="set_aside")
    assert claim_next_slot(rater=make_user_rater(project, "ann")) is None


def test_the_share_of_overlap_pairs_is_that_of_the_policy_and_the_same_each_time() -> None:
    policy = policy_of(make_bank(0, overlap_share=0.1, overlap_raters=3).pk)
    wanted = [wanted_labels(f"{number:064x}", policy) for number in range(5000)]
    assert set(wanted) == {1, 3}
    assert 400 < wanted.count(3) < 600
    assert wanted == [wanted_labels(f"{number:064x}", policy) for number in range(5000)]


def test_slots_of_new_pairs_follow_the_policy() -> None:
    project = make_bank(0, overlap_share=1.0, overlap_raters=3)
    from annotation.services import open_slots

    open_slots(pairs=[make_pair(project, 1)])
    assert list(Slot.objects.order_by("id").values_list("purpose", flat=True)) == [
        "production",
        "overlap",
        "overlap",
    ]


def test_required_strength_and_criteria_are_checked_by_name() -> None:
    project = make_bank(0, production=1, strength="required")
    set_policy(project=project, changes={"criteria": [{"key": "helpful", "name": "Helpful"}]})
    rater = make_user_rater(project, "ann")
    slot = claim_next_slot(rater=rater)
    assert slot is not None
    assert slot.lease is not None
    base = {"slot_id": slot.pk, "rater": rater, "lease": slot.lease}
    for judgement, words in (
        (Judgement(pressed="left"), "strength is missing"),
        (Judgement(pressed="left", strength=2, criteria={"rude": "left"}), "'rude'.*helpful"),
        (Judgement(pressed="left", strength=2, criteria={"helpful": "up"}), "helpful is 'up'"),
    ):
        with pytest.raises(Exception, match=words):
            submit_label(**base, judgement=judgement)  # type: ignore[arg-type]
    label = submit_label(
        **base,  # type: ignore[arg-type]
        judgement=Judgement(pressed="left", strength=2, criteria={"helpful": "right"}),
    )
    first, second = ("first", "second") if slot.first_is_left else ("second", "first")
    assert (label.choice, label.criteria) == (first, {"helpful": second})
