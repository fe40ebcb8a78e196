"""A judge run looks first whether its questions fit the model."""

from __future__ import annotations

import pytest

from corpus.models import ModelVersion, Project
from corpus.registry import sandbox_model
from inference.lengths import LengthReport, measure_lengths
from inference.sandbox import MODEL_PATH
from inference.sources import load_tokenizer
from jobs.models import JobState
from jobs.runner import run_job
from judging.models import JudgeRun, Verdict
from judging.runs.runner import judge
from judging.selectors import PairSelection
from judging.services import ensure_judge, launch_judge_run
from tests.builders import make_pair, make_project
from tests.inference.conversations import ask
from tests.judging.runs.test_judge_run import make_constitution

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project() -> Project:
    project = make_project()
    for number in range(20):
        make_pair(project, number)
    make_pair(project, 20, first="The sea is salt. " * 200)
    return project


def launch(project: Project, *, accept_cut: bool = False) -> JudgeRun:
    config = ensure_judge(
        project=project,
        constitution_version=make_constitution(project),
        model_version=sandbox_model(project),
    )
    run = launch_judge_run(
        project=project,
        config=config,
        selection=PairSelection(which="all"),
        accept_cut=accept_cut,
        start=False,
    )
    run_job(JudgeRun, run.pk, judge)
    run.refresh_from_db()
    return run


def test_a_run_in_which_more_than_one_percent_does_not_fit_stops_before_it_begins(
    project: Project,
) -> None:
    run = launch(project)
    assert run.state == JobState.FAILED
    assert "4.8 % of 21 requests checked cannot be answered: 1 is longer" in run.error
    assert "Nothing was asked." in run.error
    assert run.length_warning
    assert not Verdict.objects.exists()


def test_accepted_it_goes_on_and_what_does_not_fit_is_a_failed_verdict(project: Project) -> None:
    run = launch(project, accept_cut=True)
    assert run.state == JobState.SUCCEEDED
    assert run.length_warning
    failed = Verdict.objects.filter(run=run, status="failed")
    assert failed.count() == 4
    assert all("context of 512" in verdict.reason for verdict in failed)
    assert Verdict.objects.filter(run=run, status="ok").count() == 20 * 4


def test_a_run_that_fits_has_no_warning(project: Project) -> None:
    project.pairs.order_by("-pk").first().delete()  # type: ignore[union-attr]
    run = launch(project)
    assert (run.state, run.length_warning) == (JobState.SUCCEEDED, "")


def test_lengths_are_counted_with_the_room_for_the_answer() -> None:
    tokenizer = load_tokenizer(str(MODEL_PATH))
    requests = [ask("the sea"), ask("the sea " * 30)]
    free = measure_lengths(tokenizer, requests, room=1, limit=None)
    assert (free.checked, free.too_long, free.warning) == (2, 0, "")
    exact = measure_lengths(tokenizer, requests, room=4, limit=free.longest + 4)
    assert exact.too_long == 0
    over = measure_lengths(tokenizer, requests, room=5, limit=free.longest + 4)
    assert (over.too_long, over.share_lost) == (1, 0.5)
    assert "50.0 % of 2 requests" in over.warning
    assert measure_lengths(tokenizer, [], room=1, limit=1).share_lost == 0


def test_one_percent_is_the_bound() -> None:
    def warning(too_long: int) -> str:
        return LengthReport(1000, too_long, 0, 900, 100.0, 1, 512).warning

    assert warning(10) == ""
    assert "1.1 % of 1,000" in warning(11)


def test_a_model_known_by_name_alone_cannot_be_looked_at(project: Project) -> None:
    model = ModelVersion.objects.create(
        project=project, name="hash", kind="api", location="hash", context_tokens=1
    )
    config = ensure_judge(
        project=project,
        constitution_version=make_constitution(project),
        model_version=model,
        engine="scripted",
    )
    run = launch_judge_run(
        project=project, config=config, selection=PairSelection(which="all"), start=False
    )
    run_job(JudgeRun, run.pk, judge)
    run.refresh_from_db()
    assert run.state == JobState.SUCCEEDED
