"""Pairs for seniors: found in labels and skips, decided once, by who has not labelled them."""

from __future__ import annotations

import pytest

from annotation.errors import AdjudicationError
from annotation.models import Adjudication, Label, Rater, Skip, Slot
from annotation.services import Judgement, decide, dismiss, find_adjudications, set_aside
from corpus.models import Pair, Project
from tests.annotation.workshop import make_user_rater
from tests.builders import make_label, make_pair, make_project, make_rater

pytestmark = pytest.mark.django_db

State = Adjudication.State


@pytest.fixture
def project() -> Project:
    return make_project()


def labelled(project: Project, number: int, *choices: str) -> Pair:
    pair = make_pair(project, number)
    for name, choice in enumerate(choices):
        rater, _ = Rater.objects.get_or_create(project=project, kind="human", name=f"r{name}")
        make_label(pair, rater, choice)
    return pair


def reasons() -> dict[int, str]:
    return dict(Adjudication.objects.values_list("pair_id", "reason"))


def test_disputes_flags_and_strong_judges_are_found_and_nothing_else(project: Project) -> None:
    disputed = labelled(project, 1, "first", "second", "first")
    agreed = labelled(project, 2, "first", "first")
    judged = labelled(project, 3, "first")
    judge = make_rater(project, "judge", kind="judge")
    make_label(judged, judge, "second", p_first=0.05)
    unsure = labelled(project, 4, "first")
    make_label(unsure, judge, "second", p_first=0.3)
    same = labelled(project, 5, "second")
    make_label(same, judge, "second", p_first=0.02)
    flagged, passed = make_pair(project, 6), make_pair(project, 7)
    ann = make_rater(project, "ann")
    Skip.objects.create(pair=flagged, rater=ann, reason="pii")
    Skip.objects.create(pair=passed, rater=ann, reason="other")

    assert find_adjudications(project=project) == 3

    assert reasons() == {disputed.pk: "disagreement", judged.pk: "judge", flagged.pk: "flag"}
    assert Adjudication.objects.get(pair=disputed).detail == "humans 2 to 1"
    assert agreed.pk not in reasons()


def test_a_look_finds_what_is_new_alone(project: Project) -> None:
    labelled(project, 1, "first", "second")
    assert find_adjudications(project=project) == 1
    assert find_adjudications(project=project) == 0
    pair = labelled(project, 2, "first")
    assert find_adjudications(project=project) == 0
    make_label(pair, make_rater(project, "late"), "equal")
    assert find_adjudications(project=project) == 1, "the older of the two labels counts too"


def test_labels_of_a_suspended_rater_make_no_dispute(project: Project) -> None:
    labelled(project, 1, "first", "second")
    Rater.objects.filter(name="r1").update(status=Rater.Status.SUSPENDED)
    assert find_adjudications(project=project) == 0


def test_a_decision_is_a_label_of_its_own_kind(project: Project) -> None:
    labelled(project, 1, "first", "second")
    find_adjudications(project=project)
    row = Adjudication.objects.get()
    bob = make_user_rater(project, "bob")
    label = decide(
        adjudication=row, rater=bob, judgement=Judgement(pressed="left"), first_is_left=False
    )
    row.refresh_from_db()
    assert (label.kind, label.choice, label.first_was_left) == ("adjudication", "second", False)
    assert (row.state, row.label, row.decided_by) == (State.DECIDED, label, bob.user)
    with pytest.raises(AdjudicationError, match="decided in the meantime"):
        dismiss(adjudication=row, rater=bob)
    assert find_adjudications(project=project) == 0, "the decision is no new dispute"


def test_nobody_decides_on_their_own_label(project: Project) -> None:
    pair = labelled(project, 1, "first", "second")
    bob = make_user_rater(project, "bob")
    make_label(pair, bob, "first")
    find_adjudications(project=project)
    with pytest.raises(AdjudicationError, match="another senior"):
        decide(
            adjudication=Adjudication.objects.get(),
            rater=bob,
            judgement=Judgement(pressed="left"),
            first_is_left=True,
        )
    assert Adjudication.objects.get().state == State.OPEN
    assert Label.objects.count() == 3


def test_a_pair_set_aside_is_wanted_of_nobody(project: Project) -> None:
    pair = make_pair(project, slots=2)
    Skip.objects.create(pair=pair, rater=make_rater(project, "ann"), reason="offensive")
    find_adjudications(project=project)
    set_aside(
        adjudication=Adjudication.objects.get(), rater=make_user_rater(project, "bob"), note="vile"
    )
    pair.refresh_from_db()
    assert pair.held_back == "set_aside"
    assert set(Slot.objects.values_list("state", flat=True)) == {Slot.State.VOID}
    assert Adjudication.objects.get().note == "vile"
