"""Suspension and reinstatement: labels kept, pairs wanted again, nothing counted twice."""

from __future__ import annotations

import pytest

from accounts.errors import NotARaterError
from accounts.models import Membership, Role
from accounts.services import add_member, remove_member
from annotation.errors import StatusError
from annotation.models import Label, Rater, Slot, StatusChange
from annotation.services import (
    Judgement,
    claim_next_slot,
    reinstate_rater,
    send_to_calibration,
    submit_label,
    suspend_rater,
)
from tests.annotation.workshop import make_bank, make_user_rater, work
from tests.builders import make_user

pytestmark = pytest.mark.django_db

State = Slot.State


def wanted() -> list[str]:
    """The states of the slots that ask for production, void ones left out."""
    slots = Slot.objects.filter(purpose__in=Slot.SHARED).exclude(state=State.VOID)
    return sorted(slots.values_list("state", flat=True))


def test_pairs_of_a_suspended_rater_are_wanted_again_and_their_labels_kept() -> None:
    project = make_bank(0, production=5)
    ann, ben = make_user_rater(project, "ann"), make_user_rater(project, "ben")
    work(ann, 3)
    assert suspend_rater(rater=ann, reason="Sold the account.") == 3
    assert Label.objects.effective().filter(rater=ann).count() == 3
    assert wanted() == ["open"] * 5
    assert len(work(ben, 10)) == 5, "each pair is wanted of somebody else, once"
    assert wanted() == ["done"] * 5
    change = StatusChange.objects.get()
    assert (change.before, change.after, change.reason) == (
        "active",
        "suspended",
        "Sold the account.",
    )


def test_what_a_suspended_rater_holds_goes_back_and_a_late_submit_is_refused() -> None:
    project = make_bank(0, production=1)
    ann = make_user_rater(project, "ann")
    held = claim_next_slot(rater=ann)
    assert held is not None
    assert held.lease is not None
    suspend_rater(rater=ann, reason="Away.")
    with pytest.raises(NotARaterError, match=r"suspended.*Away\."):
        submit_label(
            slot_id=held.pk, rater=ann, lease=held.lease, judgement=Judgement(pressed="left")
        )
    with pytest.raises(NotARaterError):
        claim_next_slot(rater=ann)
    assert not Label.objects.exists()
    assert wanted() == ["open"]


def test_reinstatement_takes_back_what_nobody_took_up() -> None:
    project = make_bank(0, production=4)
    ann, ben = make_user_rater(project, "ann"), make_user_rater(project, "ben")
    carol = make_user("carol")
    work(ann, 4)
    suspend_rater(rater=ann, reason="A mistake.")
    work(ben, 1)
    assert reinstate_rater(rater=ann, reason="It was not them.", actor=carol) == 3
    assert wanted() == ["done"] * 4
    ann.refresh_from_db()
    assert ann.status == Rater.Status.ACTIVE
    assert suspend_rater(rater=ann, reason="It was.") == 3, "it can be done again"
    assert wanted() == ["done"] + ["open"] * 3


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_status_changes_with_a_reason_of_sensible_length(reason: str) -> None:
    rater = make_user_rater(make_bank(0, production=1), "ann")
    work(rater, 1)
    with pytest.raises(StatusError, match="reason"):
        suspend_rater(rater=rater, reason=reason)
    rater.refresh_from_db()
    assert rater.status == Rater.Status.ACTIVE
    assert wanted() == ["done"], "nothing was put back"


def test_what_cannot_be_is_said() -> None:
    rater = make_user_rater(make_bank(0), "ann")
    carol = make_user("carol")
    with pytest.raises(StatusError, match="not suspended"):
        reinstate_rater(rater=rater, reason="Why not.", actor=carol)
    suspend_rater(rater=rater, reason="Away.")
    with pytest.raises(StatusError, match="already suspended: Away"):
        suspend_rater(rater=rater, reason="Again.")
    with pytest.raises(StatusError, match="reinstate them first"):
        send_to_calibration(rater=rater, reason="Try again.")


def test_a_rater_sent_to_calibration_loses_what_they_held() -> None:
    project = make_bank(20, production=2)
    rater = make_user_rater(project, "ann")
    claim_next_slot(rater=rater)
    send_to_calibration(rater=rater, reason="A talk was had.", actor=make_user("carol"))
    assert "leased" not in wanted()
    assert {slot.purpose for slot in work(rater, 8)} == {Slot.Purpose.CALIBRATION}
    assert rater.status == Rater.Status.ACTIVE


def test_a_member_removed_in_mid_task_loses_the_task_and_no_label() -> None:
    project = make_bank(0, production=2)
    user = make_user("ann")
    membership = add_member(user=user, project=project, role=Role.RATER)
    rater = Rater.objects.get(user=user)
    work(rater, 1)
    assert claim_next_slot(rater=rater) is not None
    remove_member(membership=membership)
    assert wanted() == ["done", "open"]
    assert Label.objects.count() == 1
    assert not Membership.objects.exists()
