"""An edited response is a third completion: edited over chosen over rejected."""

from __future__ import annotations

import pytest

from annotation.errors import InvalidLabelError
from annotation.models import Label, Rater, Slot
from annotation.services import (
    Judgement,
    claim_next_slot,
    set_policy,
    submit_label,
    undo_last_label,
)
from corpus.models import Completion, Pair
from tests.builders import make_pair, make_project, make_rater

pytestmark = pytest.mark.django_db


@pytest.fixture
def rater() -> Rater:
    project = make_project()
    make_pair(project, slots=1)
    return make_rater(project, "ann")


def edit(rater: Rater, text: str, pressed: str = "left") -> tuple[Slot, Label]:
    slot = claim_next_slot(rater=rater)
    assert slot is not None
    assert slot.lease is not None
    label = submit_label(
        slot_id=slot.pk,
        rater=rater,
        lease=slot.lease,
        judgement=Judgement(pressed=pressed, edited=text),
    )
    return slot, label


def test_the_edit_is_preferred_to_the_response_it_was_made_from(rater: Rater) -> None:
    slot, label = edit(rater, "Better by far.\r\nTruly.")
    chosen = slot.pair.first if slot.first_is_left else slot.pair.second
    pair = Pair.objects.get(origin=Pair.Origin.EDIT)
    derived = Label.objects.get(kind=Label.Kind.EDIT)
    preferred = pair.first if derived.choice == "first" else pair.second
    other = pair.second if derived.choice == "first" else pair.first
    assert preferred.text == "Better by far.\nTruly."
    assert preferred.sampling == {"edited_from": chosen.sha256}
    assert preferred.model_version is None
    assert other == chosen
    assert derived.derived_from == label
    assert pair.prompt == slot.pair.prompt
    assert not pair.slots.exists(), "nobody is asked about it"


def test_undo_takes_the_edit_back_too_and_it_can_be_given_again(rater: Rater) -> None:
    edit(rater, "Better.")
    undo_last_label(rater=rater)
    assert not Label.objects.effective().exists()
    edit(rater, "Better.")
    assert Label.objects.effective().count() == 2
    assert Completion.objects.filter(text="Better.").count() == 1


@pytest.mark.parametrize("pressed", ["equal", "both_bad"])
def test_an_edit_needs_a_better_one(rater: Rater, pressed: str) -> None:
    with pytest.raises(InvalidLabelError, match="without a choice of the better one"):
        edit(rater, "Better.", pressed)
    assert not Label.objects.exists()


def test_an_edit_that_changes_nothing_is_said(rater: Rater) -> None:
    slot = claim_next_slot(rater=rater)
    assert slot is not None
    shown = slot.pair.first if slot.first_is_left else slot.pair.second
    with pytest.raises(InvalidLabelError, match="identical to the better one"):
        edit(rater, shown.text)
    assert not Label.objects.exists()


def test_a_project_may_forbid_edits(rater: Rater) -> None:
    set_policy(project=rater.project, changes={"allow_edits": False})
    with pytest.raises(InvalidLabelError, match="does not allow edited responses"):
        edit(rater, "Better.")
