"""What a submit stores, what it refuses, and how a label is taken back and corrected."""

from __future__ import annotations

import math
import uuid

import pytest
from pytest_django import Settings

from annotation.errors import (
    AlreadyLabelledError,
    InvalidLabelError,
    LeaseError,
    NothingToUndoError,
)
from annotation.models import Choice, Guideline, Label, Rater, Slot
from annotation.services import (
    Judgement,
    claim_next_slot,
    open_slots,
    release_held,
    submit_label,
    undo_last_label,
)
from annotation.services.labels import choice_of
from corpus.models import Project
from tests.builders import make_pair, make_project, make_rater

pytestmark = pytest.mark.django_db


def given_task(project: Project, rater: Rater) -> tuple[Slot, uuid.UUID]:
    slot = claim_next_slot(rater=rater)
    assert slot is not None
    assert slot.lease is not None
    return slot, slot.lease


def press(rater: Rater, pressed: str = "left", **fields: object) -> Label:
    slot, lease = given_task(rater.project, rater)
    judgement = Judgement(pressed=pressed, **fields)  # type: ignore[arg-type]
    return submit_label(slot_id=slot.pk, rater=rater, lease=lease, judgement=judgement)


@pytest.fixture
def rater() -> Rater:
    project = make_project()
    for number in range(3):
        make_pair(project, number, slots=1)
    return make_rater(project, "alice")


@pytest.mark.parametrize(
    ("pressed", "first_is_left", "choice"),
    [
        ("left", True, Choice.FIRST),
        ("left", False, Choice.SECOND),
        ("right", True, Choice.SECOND),
        ("right", False, Choice.FIRST),
        ("equal", False, Choice.EQUAL),
        ("both_bad", True, Choice.BOTH_BAD),
    ],
)
def test_the_choice_is_against_the_pairs_own_order(
    pressed: str, first_is_left: bool, choice: Choice
) -> None:
    assert choice_of(pressed, first_is_left=first_is_left) == choice


@pytest.mark.parametrize("first_is_left", [True, False])
def test_a_label_stores_choice_and_shown_order(rater: Rater, first_is_left: bool) -> None:
    Slot.objects.update(first_is_left=first_is_left)
    label = press(rater, "left", seconds=3.5, comment="  shorter ", strength=2)
    label.refresh_from_db()
    assert label.choice == ("first" if first_is_left else "second")
    assert label.first_was_left is first_is_left
    assert (label.seconds, label.comment, label.strength) == (3.5, "shorter", 2)
    assert label.slot is not None
    assert (label.slot.state, label.slot.lease) == (Slot.State.DONE, None)


def test_a_label_names_the_newest_guideline(rater: Rater) -> None:
    for number in (1, 2):
        Guideline.objects.create(
            project=rater.project, number=number, text="Be fair.", sha256=str(number) * 64
        )
    label = press(rater)
    assert label.guideline is not None
    assert label.guideline.number == 2


def test_sides_are_mirrored_within_a_pair_and_balanced_for_each_rater() -> None:
    project = make_project()
    pairs = [make_pair(project, number) for number in range(100)]
    assert open_slots(pairs=pairs, wanted=2) == 200
    raters = [make_rater(project, name) for name in ("ann", "ben")]
    for rater in raters:
        for _ in pairs:
            press(rater)
    by_pair: dict[int, list[bool | None]] = {}
    for pair, side in Slot.objects.filter(state="done").values_list("pair", "first_is_left"):
        by_pair.setdefault(pair, []).append(side)
    assert len(by_pair) == 100
    assert all(set(sides) == {False, True} for sides in by_pair.values())
    for rater in raters:
        shown = Slot.objects.filter(rater=rater, state="done")
        assert abs(shown.filter(first_is_left=True).count() - 50) <= 5


def test_the_side_of_a_slot_is_drawn_once() -> None:
    project = make_project()
    make_pair(project, slots=1)
    drawn = set()
    for number in range(12):
        rater = make_rater(project, f"rater {number}")
        slot = claim_next_slot(rater=rater)
        assert slot is not None
        drawn.add(slot.first_is_left)
        release_held(rater=rater)
    assert len(drawn) == 1


def test_the_second_of_two_tabs_is_refused_and_changes_nothing(rater: Rater) -> None:
    slot, lease = given_task(rater.project, rater)
    first = submit_label(
        slot_id=slot.pk, rater=rater, lease=lease, judgement=Judgement(pressed="left")
    )
    before = list(Label.objects.values())
    with pytest.raises(AlreadyLabelledError) as refused:
        submit_label(
            slot_id=slot.pk, rater=rater, lease=lease, judgement=Judgement(pressed="both_bad")
        )
    assert (refused.value.code, refused.value.status) == ("already_labelled", 409)
    assert list(Label.objects.values()) == before
    assert Label.objects.get() == first


def test_a_strange_lease_or_task_is_refused(rater: Rater) -> None:
    slot, lease = given_task(rater.project, rater)
    stranger = make_rater(make_project("elsewhere"), "charlie")
    for who, task, token in (
        (rater, slot.pk, uuid.uuid4()),
        (rater, 10**9, lease),
        (stranger, slot.pk, lease),
    ):
        with pytest.raises(LeaseError):
            submit_label(slot_id=task, rater=who, lease=token, judgement=Judgement("left"))
    assert not Label.objects.exists()


@pytest.mark.parametrize(
    "judgement",
    [
        Judgement("first"),
        Judgement(""),
        Judgement("left", seconds=-0.1),
        Judgement("left", seconds=math.nan),
        Judgement("left", seconds=math.inf),
        Judgement("left", seconds=86_401.0),
        Judgement("left", strength=0),
        Judgement("left", strength=4),
        Judgement("left", comment="nul \x00"),
        Judgement("left", comment="half a character \ud800"),
        Judgement("left", comment="x" * 5_001),
    ],
    ids=repr,
)
def test_impossible_values_are_refused_and_the_task_stays(
    rater: Rater, judgement: Judgement
) -> None:
    slot, lease = given_task(rater.project, rater)
    with pytest.raises(InvalidLabelError):
        submit_label(slot_id=slot.pk, rater=rater, lease=lease, judgement=judgement)
    assert not Label.objects.exists()
    slot.refresh_from_db()
    assert (slot.state, slot.lease) == (Slot.State.LEASED, lease)


def test_the_limit_of_a_comment_is_the_setting(rater: Rater, settings: Settings) -> None:
    settings.MAX_COMMENT_CHARACTERS = 10
    with pytest.raises(InvalidLabelError, match="11 characters"):
        press(rater, comment="x" * 11)
    assert press(rater, comment="x" * 10).comment == "x" * 10


def test_undo_appends_a_withdrawal_and_the_correction_supersedes_it(rater: Rater) -> None:
    mistaken = press(rater, "left")
    slot = undo_last_label(rater=rater)
    assert slot.pk == mistaken.slot_id
    assert not Label.objects.effective().exists()
    withdrawal = Label.objects.get(supersedes=mistaken)
    assert withdrawal.withdrawn
    corrected = press(rater, "both_bad")
    assert corrected.slot_id == mistaken.slot_id
    assert corrected.supersedes == withdrawal
    assert list(Label.objects.effective()) == [corrected]
    assert Label.objects.count() == 3
    mistaken.refresh_from_db()
    assert not mistaken.withdrawn, "a label is never changed"


def test_undo_gives_back_the_task_held_meanwhile(rater: Rater) -> None:
    done = press(rater)
    held, _ = given_task(rater.project, rater)
    slot = undo_last_label(rater=rater)
    assert slot.pk == done.slot_id
    held.refresh_from_db()
    assert (held.state, held.rater) == (Slot.State.OPEN, None)


def test_undo_goes_back_label_by_label_until_none_is_left(rater: Rater) -> None:
    first, second = press(rater), press(rater)
    assert undo_last_label(rater=rater).pk == second.slot_id
    assert undo_last_label(rater=rater).pk == first.slot_id
    with pytest.raises(NothingToUndoError):
        undo_last_label(rater=rater)
    assert not Label.objects.effective().exists()
    done = [press(rater) for _ in range(3)]
    assert set(Label.objects.effective()) == set(done)


def test_a_task_taken_back_and_left_may_be_labelled_by_another(rater: Rater) -> None:
    press(rater)
    press(rater)
    undo_last_label(rater=rater)
    undo_last_label(rater=rater)
    bob = make_rater(rater.project, "bob")
    labels = [press(bob), press(bob)]
    assert all(label.supersedes is None for label in labels), "nobody corrects another"
    assert Label.objects.effective().filter(rater=bob).count() == 2


def test_nobody_takes_back_the_label_of_another(rater: Rater) -> None:
    press(rater)
    with pytest.raises(NothingToUndoError):
        undo_last_label(rater=make_rater(rater.project, "bob"))
    assert Label.objects.effective().count() == 1
