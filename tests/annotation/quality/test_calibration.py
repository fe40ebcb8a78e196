"""Calibration: nobody is judged on noise, a changed policy lets through whom it should, and gold
that runs out is told before it does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import Role
from accounts.services import add_member
from annotation.models import GoldPair, Rater, RaterCheck
from annotation.quality.certification import uncertified
from annotation.quality.gold_supply import gold_supply
from annotation.selectors import rater_progress
from annotation.services import policy_of, send_to_calibration, set_policy
from tests.annotation.workshop import make_bank, make_gold, make_user_rater, work
from tests.builders import make_user

pytestmark = pytest.mark.django_db

Status = Rater.Status
Decision = RaterCheck.Decision


def newcomer(gold: int = 40, **policy: Any) -> Rater:
    return make_user_rater(make_bank(gold, **policy), "ann", Status.ONBOARDING)


def test_fewer_answers_than_the_least_n_decide_nothing_and_are_no_failed_try() -> None:
    """Gold that seniors came to dispute in the midst of a try leaves too little to judge by."""
    rater = newcomer(calibration_tries=1)
    done = work(rater, 7, right=False)
    GoldPair.objects.filter(pair__in=[slot.pair_id for slot in done[:4]]).update(
        choice="", state=GoldPair.State.CONTESTED
    )

    work(rater, 1, right=False)

    check = rater.checks.get()
    assert (check.n, check.decision) == (4, Decision.NONE)
    assert (rater.status, rater.tries) == (Status.ONBOARDING, 0)
    assert rater_progress(rater).words == "0 done · 8 left"


def test_a_policy_without_calibration_lets_everybody_on_who_is_in_it() -> None:
    """The judge that was suspended on four answers had been let through a moment before."""
    rater = newcomer()
    work(rater, 4, right=False)

    set_policy(project=rater.project, changes={"calibration_pairs": 0})

    rater.refresh_from_db()
    assert rater.status == Status.ACTIVE
    assert rater.status_reason == "This project's policy has no calibration."
    assert not rater.checks.exists(), "four answers judge nobody"
    assert "0 left" not in rater_progress(rater).words or not rater_progress(rater).left


def test_a_policy_that_asks_for_fewer_pairs_settles_the_tries_that_are_complete_by_it() -> None:
    rater = newcomer(calibration_pairs=20)
    work(rater, 12)

    set_policy(project=rater.project, changes={"calibration_pairs": 10})

    rater.refresh_from_db()
    assert rater.status == Status.ACTIVE
    assert rater.checks.get().n == 12


def test_a_lower_threshold_admits_whose_last_try_reaches_it() -> None:
    rater = newcomer(admission_kappa=0.95, kappa_floor=0.1, calibration_tries=3)
    work(rater, 6)
    work(rater, 2, right=False)
    assert rater.status == Status.RETRAINING
    kappa = rater.checks.get().kappa
    assert kappa is not None

    set_policy(project=rater.project, changes={"admission_kappa": kappa + 0.01})
    rater.refresh_from_db()
    assert rater.status == Status.RETRAINING
    set_policy(project=rater.project, changes={"admission_kappa": kappa})

    rater.refresh_from_db()
    assert (rater.status, rater.tries) == (Status.ACTIVE, 0)
    newest = rater.checks.order_by("-id")[0]
    assert (newest.decision, newest.kappa, newest.threshold) == (Decision.ADMIT, kappa, kappa)


def test_who_was_sent_back_for_production_is_not_admitted_by_an_older_try() -> None:
    rater = newcomer(60, gold_share=1.0, repeat_share=0, recalibration_per_week=0)
    work(rater, 8)
    assert rater.status == Status.ACTIVE
    send_to_calibration(rater=rater, reason="A talk was had.")

    set_policy(project=rater.project, changes={"admission_kappa": 0.55})

    rater.refresh_from_db()
    assert rater.status == Status.RETRAINING


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    gone=st.integers(0, 8),
    right=st.lists(st.booleans(), min_size=8, max_size=8),
    tries=st.integers(1, 2),
)
def test_no_decision_rests_on_fewer_answers_than_the_least_n(
    gone: int, right: list[bool], tries: int
) -> None:
    with transaction.atomic():
        _one_try(gone, right, tries)
        transaction.set_rollback(True)


def _one_try(gone: int, right: list[bool], tries: int) -> None:
    rater = newcomer(16, calibration_tries=tries)
    done = [work(rater, 1, right=one)[0] for one in right[:7]]
    GoldPair.objects.filter(pair__in=[slot.pair_id for slot in done[:gone]]).update(
        choice="", state=GoldPair.State.CONTESTED
    )
    work(rater, 1, right=right[7])

    for check in rater.checks.all():
        if check.decision in (Decision.ADMIT, Decision.RETRY, Decision.SUSPEND):
            assert check.n >= policy_of(rater.project_id).min_labels


def test_gold_that_runs_out_is_told_before_and_when_it_does(client: Client) -> None:
    rater = newcomer(12)
    project = rater.project
    carol = make_user("carol")
    add_member(user=carol, project=project, role=Role.ADMIN)
    add_member(user=rater.user, project=project, role=Role.RATER)  # type: ignore[arg-type]
    client.force_login(carol)
    pages = [f"/projects/{project.slug}/{part}" for part in ("", "raters/", "gold/")]

    supply = gold_supply(project, policy_of(project.pk))
    assert [(one.rater, one.lacking) for one in supply.short] == [(rater, 4)]
    assert supply.newcomers_run_out
    for page in pages:
        assert "will be 4 pairs short if they fail it" in client.get(page).content.decode(), page

    work(rater, 8, right=False)
    assert rater.status == Status.RETRAINING
    work(rater, 8)
    assert [
        (one.rater, one.lacking) for one in gold_supply(project, policy_of(project.pk)).stuck
    ] == [(rater, 4)]
    for page in pages:
        said = client.get(page).content.decode()
        assert "cannot continue calibration" in said, page
        assert "they need 4 more gold pairs" in said, page

    rater_page = Client()
    rater_page.force_login(rater.user)  # type: ignore[arg-type]
    said = rater_page.get(f"/projects/{project.slug}/label/").content.decode()
    assert "There are no calibration pairs left for you" in said
    assert "4 of the 8 pairs in this attempt" in said

    make_gold(project, 20, start=5000)
    assert not gold_supply(project, policy_of(project.pk)).is_short
    assert "data-gold-supply" not in client.get(pages[0]).content.decode()
    assert len(work(rater, 4)) == 4
    assert rater.status == Status.ACTIVE


def test_a_rater_is_told_what_a_try_came_to_and_what_comes_next(client: Client) -> None:
    rater = newcomer()
    add_member(user=rater.user, project=rater.project, role=Role.RATER)  # type: ignore[arg-type]
    client.force_login(rater.user)  # type: ignore[arg-type]
    address = f"/projects/{rater.project.slug}/label/"
    assert "Calibration, attempt 1 of 2: 0 done" in client.get(address).content.decode()
    work(rater, 3)
    work(rater, 5, right=False)

    said = client.get(address).content.decode()
    assert "You did not pass this attempt. You agreed with the seniors on 3 of 8 pairs" in said
    assert "at least 0.60 is required" in said
    assert "You will now get 8 new pairs." in said
    assert "Calibration, attempt 2 of 2: 0 done · 8 left" in said
    work(rater, 1)
    assert "You did not pass this attempt" not in client.get(address).content.decode()


def test_who_is_certified() -> None:
    project = make_bank(40)
    never = make_user_rater(project, "never", Status.ONBOARDING)
    fell = make_user_rater(project, "fell", Status.RETRAINING)
    work(make_user_rater(project, "passed", Status.ONBOARDING), 8)
    passed = Rater.objects.get(name="passed")
    send_to_calibration(rater=passed, reason="A talk was had.")
    make_user_rater(project, "began before there was gold")

    assert set(uncertified(project)) == {never, fell}


def test_gold_that_everybody_in_production_has_seen_is_told() -> None:
    project = make_bank(4, calibration_pairs=0, gold_share=1.0, repeat_share=0, production=1)
    rater = make_user_rater(project, "ann")
    add_member(user=rater.user, project=project, role=Role.RATER)  # type: ignore[arg-type]
    work(rater, 3)
    assert gold_supply(project, policy_of(project.pk)).used_up == ()
    work(rater, 1)
    assert gold_supply(project, policy_of(project.pk)).used_up == ("ann",)
