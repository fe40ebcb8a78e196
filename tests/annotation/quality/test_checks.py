"""κ against gold decides who labels: admission, retraining, suspension, and nobody on noise."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Role
from accounts.services import add_member
from annotation.errors import NothingToUndoError
from annotation.models import Choice, GoldPair, Label, Rater, RaterCheck, Slot
from annotation.queue.tasks_shown import feedback_on
from annotation.services import check_rater, check_raters, undo_last_label
from tests.annotation.workshop import make_bank, make_user_rater, work
from tests.builders import make_user

pytestmark = pytest.mark.django_db

Status = Rater.Status
Decision = RaterCheck.Decision


def decisions(rater: Rater) -> list[str]:
    return list(rater.checks.order_by("id").values_list("decision", flat=True))


def test_a_newcomer_begins_with_calibration_when_there_is_gold_enough() -> None:
    project = make_bank(8)
    for name, role, status in (
        ("ann", Role.RATER, Status.ONBOARDING),
        ("bob", Role.SENIOR, Status.ACTIVE),
    ):
        add_member(user=make_user(name), project=project, role=role)
        assert Rater.objects.get(name=name).status == status
    GoldPair.objects.first().delete()  # type: ignore[union-attr]
    add_member(user=make_user("cat"), project=project, role=Role.RATER)
    assert Rater.objects.get(name="cat").status == Status.ACTIVE, "nothing to measure by yet"


def test_who_answers_as_the_seniors_is_admitted() -> None:
    rater = make_user_rater(make_bank(production=3), "ann", Status.ONBOARDING)
    work(rater, 8)
    assert rater.status == Status.ACTIVE
    check = rater.checks.get()
    assert (check.kind, check.decision, check.kappa, check.n) == ("calibration", "admit", 1.0, 8)
    assert "Admitted: κ 1.00" in rater.status_reason


def test_who_fails_gets_other_pairs_and_is_refused_after_the_tries() -> None:
    rater = make_user_rater(make_bank(40), "ann", Status.ONBOARDING)
    first = work(rater, 8, right=False)
    assert rater.status == Status.RETRAINING
    second = work(rater, 8, right=False)
    assert not {slot.pair_id for slot in first} & {slot.pair_id for slot in second}
    assert rater.status == Status.SUSPENDED
    assert decisions(rater) == [Decision.RETRY, Decision.SUSPEND]
    assert rater.status_reason.startswith("Not admitted after 2 attempts")


def test_the_second_try_can_succeed() -> None:
    rater = make_user_rater(make_bank(40), "ann", Status.ONBOARDING)
    work(rater, 8, right=False)
    work(rater, 8)
    assert (rater.status, rater.tries) == (Status.ACTIVE, 0)


def test_gold_of_one_category_admits_nobody_and_fails_nobody() -> None:
    project = make_bank(40)
    GoldPair.objects.update(choice=Choice.FIRST)
    rater = make_user_rater(project, "ann", Status.ONBOARDING)
    work(rater, 8)
    assert (rater.status, rater.tries) == (Status.ONBOARDING, 0)
    check = rater.checks.get()
    assert check.kappa is None
    assert check.reason


def test_below_the_floor_is_retraining_and_the_second_time_suspension() -> None:
    project = make_bank(120, production=40, gold_share=1.0, repeat_share=0)
    rater = make_user_rater(project, "ann")
    work(rater, 10, right=False)
    check_rater(rater=rater)
    rater.refresh_from_db()
    assert rater.status == Status.RETRAINING
    assert {slot.purpose for slot in work(rater, 8)} == {Slot.Purpose.CALIBRATION}
    assert rater.status == Status.ACTIVE
    assert check_rater(rater=rater) is None, "what was before the certificate is settled"
    work(rater, 10, right=False)
    check_rater(rater=rater)
    rater.refresh_from_db()
    assert rater.status == Status.SUSPENDED
    assert decisions(rater) == ["retrain", "admit", "suspend"]


def test_nobody_is_judged_on_few_answers() -> None:
    rater = make_user_rater(make_bank(40, gold_share=1.0, repeat_share=0), "ann")
    work(rater, 7, right=False)
    assert check_rater(rater=rater) is None
    assert not rater.checks.exists()


def test_a_point_below_the_floor_alone_is_a_warning() -> None:
    rater = make_user_rater(make_bank(40, gold_share=1.0, repeat_share=0), "ann")
    work(rater, 5)
    work(rater, 5, right=False)
    check = check_rater(rater=rater)
    assert check is not None
    assert check.kappa is not None
    assert check.high is not None
    assert check.kappa < 0.5 < check.high
    assert check.decision == Decision.WARN
    rater.refresh_from_db()
    assert rater.status == Status.ACTIVE


def test_the_window_forgets_old_answers() -> None:
    rater = make_user_rater(make_bank(60, gold_share=1.0, repeat_share=0), "ann")
    work(rater, 6, right=False)
    work(rater, 12)
    check = check_rater(rater=rater)
    assert check is not None
    assert (check.n, check.kappa, check.decision) == (12, 1.0, Decision.NONE)


def test_one_answer_is_looked_at_once() -> None:
    rater = make_user_rater(make_bank(60, gold_share=1.0, repeat_share=0), "ann")
    work(rater, 10)
    assert check_raters(now=timezone.now()) == 1
    assert check_raters(now=timezone.now()) == 0
    work(rater, 1)
    assert check_raters(now=timezone.now()) == 1


def test_calibration_shows_what_was_right_and_stays_answered() -> None:
    rater = make_user_rater(make_bank(40), "ann", Status.ONBOARDING)
    work(rater, 1, right=False)
    label = Label.objects.get()
    feedback = feedback_on(label)
    assert feedback is not None
    assert not feedback.correct
    assert feedback.note.startswith("because")
    with pytest.raises(NothingToUndoError, match="seen the correct one"):
        undo_last_label(rater=rater)


def test_gold_in_the_stream_shows_nothing() -> None:
    project = make_bank(40, gold_share=1.0, repeat_share=0)
    rater = make_user_rater(project, "ann")
    done = work(rater, 20, right=False)
    assert {slot.purpose for slot in done} == {Slot.Purpose.GOLD, Slot.Purpose.RECALIBRATION}
    assert [feedback_on(label) for label in Label.objects.all()] == [None] * len(done)
