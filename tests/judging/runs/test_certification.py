"""A judge is admitted, watched and sent away by the rules for human raters."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from annotation.models import Label, Rater, RaterCheck, Slot
from annotation.services import check_raters, policy_of, reinstate_rater, set_policy, suspend_rater
from corpus.models import Project
from inference.engine import Request
from inference.scripted import ScriptedEngine
from jobs.models import JobState
from jobs.runner import run_job
from judging.models import JudgeRun, Verdict
from judging.runs.gate import kept_out
from judging.runs.runner import judge_with
from judging.selectors import PairSelection
from judging.services import launch_judge_run
from tests.builders import make_pair, make_project, make_user
from tests.judging.judges import at_chance, by_number, make_gold, make_judge, right, run_judge

pytestmark = pytest.mark.django_db(transaction=True)

PAIRS = 40


@pytest.fixture
def project(settings: Settings) -> Project:
    settings.JUDGE_PAGE_PAIRS = 16
    settings.JUDGE_STORE_VERDICTS = 16
    project = make_project()
    for number in range(PAIRS):
        make_pair(project, number)
    return project


def production(project: Project) -> int:
    """Labels on pairs that are no gold."""
    labels = Label.objects.effective().filter(project=project, rater__kind="judge")
    return labels.filter(pair__gold__isnull=True).count()


def test_a_judge_that_is_right_is_admitted_by_100_gold_pairs_and_then_labels(
    project: Project,
) -> None:
    make_gold(project, 120)
    config = make_judge(project)
    assert config.rater.status == Rater.Status.ONBOARDING
    assert set(kept_out(project).values()) == {"not_certified"}

    run = run_judge(config, by_number(right))

    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    check = RaterCheck.objects.get(kind="calibration")
    assert (check.decision, check.n) == ("admit", 100)
    assert check.kappa == pytest.approx(1.0)
    config.rater.refresh_from_db()
    assert config.rater.status == Rater.Status.ACTIVE
    assert production(project) == PAIRS
    assert kept_out(project) == {}
    assert run.labelled == run.progress_done == run.progress_total == PAIRS + 120


def test_a_judge_at_chance_fails_onboarding_twice_and_labels_nothing(project: Project) -> None:
    make_gold(project, 220)
    config = make_judge(project)

    run = run_judge(config, by_number(at_chance))

    decisions = list(RaterCheck.objects.order_by("pk").values_list("decision", flat=True))
    assert decisions == ["retry", "suspend"]
    assert all((one.kappa or 0) < 0.6 for one in RaterCheck.objects.all())
    assert run.state == JobState.FAILED
    assert "is suspended: Not admitted after 2 attempts" in run.error
    assert production(project) == 0

    again = run_judge(config, by_number(right))
    assert (again.state, Verdict.objects.filter(run=again).count()) == (JobState.FAILED, 0)


def test_without_gold_enough_a_newcomer_labels_at_once_and_a_retrained_judge_says_what_is_lacking(
    project: Project,
) -> None:
    make_gold(project, 30)
    config = make_judge(project)
    assert config.rater.status == Rater.Status.ACTIVE
    Rater.objects.filter(pk=config.rater.pk).update(status=Rater.Status.RETRAINING)

    run = run_judge(config, by_number(right))

    assert run.state == JobState.FAILED
    assert "100 gold pairs that it has not seen, and 70 of them are missing" in run.error


def test_gold_rides_in_the_stream_by_the_policys_share_and_is_watched(project: Project) -> None:
    make_gold(project, 40)
    set_policy(project=project, changes={"gold_share": 0.2, "min_labels": 5})
    config = make_judge(project)

    run = run_judge(config, by_number(right), batch="")

    gold = Slot.objects.filter(rater=config.rater, purpose="gold")
    assert set(gold.values_list("state", flat=True)) == {"done"}
    # All pairs of the project are asked about, and those that are gold count as such.
    assert gold.count() == 40
    assert RaterCheck.objects.filter(rater=config.rater, kind="window").exists()
    assert run.labelled == PAIRS + 40


def test_where_the_selection_has_no_gold_it_joins(project: Project) -> None:
    make_gold(project, 40)
    for pair in project.pairs.filter(gold__isnull=True):
        pair.batch = "plain"
        pair.save()
    config = make_judge(project)
    set_policy(project=project, changes={"gold_share": 0.2})

    run = run_judge(config, by_number(right), batch="plain")

    assert run.labelled == run.progress_done == PAIRS
    share = Slot.objects.filter(rater=config.rater, purpose="gold", state="done").count()
    assert share / (share + PAIRS) == pytest.approx(0.2, abs=0.03)
    assert Verdict.objects.filter(run=run).count() == 2 * (PAIRS + share)


def test_a_judge_that_turns_bad_is_stopped_retrained_and_suspended_by_the_same_rules(
    project: Project,
) -> None:
    make_gold(project, 300)
    set_policy(
        project=project,
        changes={"gold_share": 0.5, "min_labels": 10, "calibration_pairs": 20, "window_labels": 20},
    )
    for pair in project.pairs.filter(gold__isnull=True):
        pair.batch = "plain"
        pair.save()
    config = make_judge(project)
    asked = 0

    def turns(request: Request, _options: object) -> tuple[float, float]:
        nonlocal asked
        asked += 1
        asked_of = request.messages[-1].content
        number = int(asked_of.split("First answer ")[1].split(".")[0])
        shown = asked_of.index("First answer") < asked_of.index("Second answer")
        p = right(number) if asked <= 44 else 1 - right(number)
        return (p, 1 - p) if shown else (1 - p, p)

    engine = ScriptedEngine(chooser=turns)
    engine.batch_requests = 8
    run = run_judge(config, engine, batch="plain")

    decisions = list(RaterCheck.objects.order_by("pk").values_list("decision", flat=True))
    assert decisions[0] == "admit"
    assert "retrain" in decisions
    assert decisions[-1] == "suspend"
    assert run.state == JobState.FAILED
    assert "is suspended" in run.error
    assert production(project) < PAIRS


def test_a_judge_that_an_admin_suspends_in_the_middle_writes_no_more_labels(
    project: Project,
) -> None:
    config = make_judge(project)
    engine = by_number(right)
    engine.batch_requests = 8
    choose = engine.choose
    calls = 0

    def choose_and_be_suspended(requests, options):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += bool(requests)
        if calls == 4:
            suspend_rater(rater=config.rater, reason="It is odd.")
        return choose(requests, options)

    engine.choose = choose_and_be_suspended  # type: ignore[method-assign]
    run = run_judge(config, engine)

    assert run.state == JobState.FAILED
    assert "It is odd." in run.error
    assert 0 < production(project) < PAIRS


def test_a_reinstated_judge_goes_on(project: Project) -> None:
    config = make_judge(project)
    suspend_rater(rater=config.rater, reason="Odd.")
    assert run_judge(config, by_number(right)).state == JobState.FAILED

    reinstate_rater(rater=config.rater, reason="Looked at.", actor=make_user("carol"))

    assert run_judge(config, by_number(right)).state == JobState.SUCCEEDED
    assert production(project) == PAIRS


def test_gold_alone_is_asked_for_a_check(project: Project) -> None:
    make_gold(project, 30)
    config = make_judge(project)

    run = run_judge(config, by_number(right), which="gold")

    recalibration = Slot.objects.filter(rater=config.rater, purpose="recalibration")
    assert recalibration.count() == policy_of(project.pk).recalibration_per_week == 20
    assert (run.state, production(project)) == (JobState.SUCCEEDED, 0)
    assert RaterCheck.objects.get(kind="window").kappa == pytest.approx(1.0)


def test_the_scheduled_look_takes_judges_too(project: Project) -> None:
    from django.utils import timezone

    make_gold(project, 30)
    config = make_judge(project)
    run_judge(config, by_number(right), which="gold")
    RaterCheck.objects.all().delete()

    assert check_raters(now=timezone.now()) == 1


def test_an_answer_to_gold_that_cannot_be_read_is_replaced_by_another(project: Project) -> None:
    make_gold(project, 130)
    config = make_judge(project)

    def sometimes(request: Request, _options: object) -> tuple[float, float]:
        from inference.errors import BadRequestError

        asked = request.messages[-1].content
        number = int(asked.split("First answer ")[1].split(".")[0])
        if number % 10 == 3:
            raise BadRequestError("too long")
        shown = asked.index("First answer") < asked.index("Second answer")
        p = right(number)
        return (p, 1 - p) if shown else (1 - p, p)

    run = run_judge(config, ScriptedEngine(chooser=sometimes), which="gold")

    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    check = RaterCheck.objects.get(kind="calibration")
    assert (check.n, check.decision) == (100, "admit")
    assert Slot.objects.filter(rater=config.rater, state="void").exists()


def test_a_run_killed_while_it_answers_gold_goes_on_where_it_was(project: Project) -> None:
    make_gold(project, 110)
    config = make_judge(project)

    class DyingError(Exception):
        pass

    engine = by_number(right)
    engine.batch_requests = 20
    choose = engine.choose
    calls = 0

    def dies(requests, options):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += bool(requests)
        if calls == 5:
            raise DyingError
        return choose(requests, options)

    engine.choose = dies  # type: ignore[method-assign]
    run = launch_judge_run(
        project=project, config=config, selection=PairSelection(which="gold"), start=False
    )
    run_job(JudgeRun, run.pk, lambda context: judge_with(context, config, engine))
    JudgeRun.objects.filter(pk=run.pk).update(state=JobState.QUEUED)
    answered = Slot.objects.filter(rater=config.rater, state="done").count()
    assert 0 < answered < 100

    run_job(JudgeRun, run.pk, lambda context: judge_with(context, config, by_number(right)))

    run.refresh_from_db()
    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert RaterCheck.objects.get(kind="calibration").n == 100
