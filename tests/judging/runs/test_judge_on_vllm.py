"""A judge run on a real vLLM server that is killed in the middle: every verdict exactly once."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings
from sklearn.metrics import cohen_kappa_score

from annotation.models import Choice, GoldPair, Label, Rater, RaterCheck
from constitution.services import PrincipleText, create_draft, publish_version
from corpus.models import ModelVersion, Project
from corpus.registry import location_for, sandbox_model
from inference.registry import open_engine
from inference.sandbox.prompts import PRINCIPLES
from inference.sandbox.tasks import make_pair as make_sandbox_pair
from inference.sandbox.world import PrincipleKey, held_out_requests
from inference.weights import weights_sha256
from jobs.models import JobState
from jobs.runner import run_job
from judging.asking.settings import JudgeSettings
from judging.models import JudgeConfig, JudgeRun, Verdict
from judging.runs.runner import judge, judge_with
from judging.selectors import PairSelection, run_consistency
from judging.services import ensure_judge, launch_judge_run
from serving.models import CachedReply, Usage
from serving.selectors import usage_of_run
from tests.builders import make_pair, make_project
from tests.inference.random_adapter import build_random_adapter
from tests.inference.vllm_server import SandboxServer, needs_vllm

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.vllm,
    pytest.mark.slow,
    needs_vllm,
]

PAIRS = 60


@pytest.fixture
def project() -> Project:
    project = make_project()
    rng = random.Random(0)
    requests = held_out_requests(rng)
    for number in range(PAIRS):
        pair = make_sandbox_pair(next(requests), rng, differ="polite")
        make_pair(
            project,
            number,
            prompt=f"{pair.request.text} {number}",
            first=pair.answers[0],
            second=pair.answers[1],
        )
    return project


def make_judge(project: Project, model: ModelVersion, engine: str = "server") -> JudgeConfig:
    version = create_draft(
        project=project,
        slug=f"polite-{engine}",
        name="Polite",
        principles=(PrincipleText("polite", PRINCIPLES["polite"].comparison),),
    )
    return ensure_judge(
        project=project,
        constitution_version=publish_version(version=version),
        model_version=model,
        engine=engine,
    )


def launch(config: JudgeConfig) -> JudgeRun:
    return launch_judge_run(
        project=config.project, config=config, selection=PairSelection(which="all"), start=False
    )


def test_the_verdicts_are_those_of_transformers_and_are_not_asked_for_twice(
    project: Project, sandbox_server: SandboxServer, settings: Settings
) -> None:
    settings.INFERENCE_SERVERS = [sandbox_server.url]
    model = sandbox_model(project)
    by_server, by_transformers = (
        launch(make_judge(project, model)),
        launch(make_judge(project, model, "transformers")),
    )
    run_job(JudgeRun, by_server.pk, judge)
    run_job(JudgeRun, by_transformers.pk, judge)

    def probabilities(run: JudgeRun) -> list[float | None]:
        rows = Verdict.objects.filter(run=run, status="ok").order_by("pair", "order")
        return list(rows.values_list("p_first", flat=True))

    by_server.refresh_from_db()
    assert (by_server.state, by_server.error) == (JobState.SUCCEEDED, "")
    assert len(probabilities(by_server)) == 2 * PAIRS
    assert probabilities(by_server) == pytest.approx(probabilities(by_transformers), abs=1e-3)
    assert (run_consistency(by_server) or 0) > 0.9
    took = usage_of_run(Usage.Purpose.JUDGE, by_server.pk)
    assert (took.requests, took.cached, took.failed) == (2 * PAIRS, 0, 0)
    assert took.prompt_tokens > 2 * PAIRS * 20
    assert took.prefix_hit_rate is not None

    again = launch(by_server.config)
    run_job(JudgeRun, again.pk, judge)
    took = usage_of_run(Usage.Purpose.JUDGE, again.pk)
    assert (took.requests, took.cached) == (0, 2 * PAIRS)
    assert probabilities(again) == probabilities(by_server)


def test_a_server_that_is_killed_in_the_middle_costs_no_verdict_and_doubles_none(
    project: Project, sandbox_server: SandboxServer, settings: Settings, tmp_path: Path
) -> None:
    settings.JUDGE_STORE_VERDICTS = 8
    base = sandbox_model(project)
    adapter = build_random_adapter(tmp_path / "adapter")
    tuned = ModelVersion.objects.create(
        project=project,
        name="tuned",
        kind=ModelVersion.Kind.ADAPTER,
        parent=base,
        location=location_for(adapter),
        weights_sha256=weights_sha256(adapter),
        sandbox=True,
    )
    config = make_judge(project, tuned)
    run = launch(config)

    def work() -> None:
        try:
            with open_engine(
                "server", str(adapter), servers=[sandbox_server.url], in_flight=8, bundle=4
            ) as engine:
                run_job(JudgeRun, run.pk, lambda context: judge_with(context, config, engine))
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    before = None
    while worker.is_alive() and before is None:
        if Verdict.objects.filter(run=run).count() >= 16:
            before = sandbox_server.kill()
    worker.join()
    assert before is not None
    sandbox_server.wait_until_healthy(after=before)

    run.refresh_from_db()
    assert (run.state, run.error, run.attempts) == (JobState.SUCCEEDED, "", 1)
    assert (run.progress_done, run.progress_total) == (PAIRS, PAIRS)
    assert Verdict.objects.filter(run=run, status="ok").count() == 2 * PAIRS
    # Where an adapter of chance contradicts itself beyond the bound, the judge abstains.
    assert (run.labelled + run.abstained, run.unscored) == (PAIRS, 0)
    assert Label.objects.filter(rater=config.rater).count() == run.labelled
    took = usage_of_run(Usage.Purpose.JUDGE, run.pk)
    assert (took.requests, took.failed) == (2 * PAIRS, 0)
    assert CachedReply.objects.count() == 2 * PAIRS
    assert "restarting" in [status.state for status in sandbox_server.statuses[before:]]


@pytest.mark.parametrize("principle", ["polite", "concise"])
def test_the_sandbox_judge_is_admitted_by_gold_and_agrees_with_the_truth(
    principle: PrincipleKey, sandbox_server: SandboxServer, settings: Settings
) -> None:
    settings.INFERENCE_SERVERS = [sandbox_server.url]
    project = make_project()
    rng = random.Random(7)
    requests = held_out_requests(rng)
    truth: dict[int, str] = {}
    for number in range(200):
        made = make_sandbox_pair(next(requests), rng, differ=principle)
        pair = make_pair(
            project,
            number,
            prompt=f"{made.request.text} {number}",
            first=made.answers[0],
            second=made.answers[1],
        )
        first_is_right = getattr(made.attributes[0], principle)
        truth[pair.pk] = Choice.FIRST if first_is_right else Choice.SECOND
        if number < 100:
            GoldPair.objects.create(
                pair=pair,
                project=project,
                state=GoldPair.State.SETTLED,
                choice=truth[pair.pk],
                shuffle=number + 1,
            )
    version = create_draft(
        project=project,
        slug=principle,
        name=principle,
        principles=(PrincipleText(principle, PRINCIPLES[principle].comparison),),
    )
    config = ensure_judge(
        project=project,
        constitution_version=publish_version(version=version),
        model_version=sandbox_model(project),
        engine="server",
    )
    assert config.rater.status == Rater.Status.ONBOARDING
    run = launch(config)
    run_job(JudgeRun, run.pk, judge)

    run.refresh_from_db()
    assert (run.state, run.error, run.labelled) == (JobState.SUCCEEDED, "", 200)
    check = RaterCheck.objects.get(kind="calibration")
    assert (check.decision, check.n) == ("admit", 100)
    assert (check.kappa or 0) >= 0.9
    said = dict(Label.objects.filter(slot=None).values_list("pair_id", "choice"))
    assert len(said) == 100
    assert cohen_kappa_score([truth[pair] for pair in said], list(said.values())) >= 0.9


def test_a_reasoned_judge_on_a_server_answers_every_question_once(
    project: Project, sandbox_server: SandboxServer, settings: Settings
) -> None:
    settings.INFERENCE_SERVERS = [sandbox_server.url]
    version = create_draft(
        project=project,
        slug="c",
        name="C",
        principles=(PrincipleText("polite", PRINCIPLES["polite"].comparison),),
    )
    config = ensure_judge(
        project=project,
        constitution_version=publish_version(version=version),
        model_version=sandbox_model(project),
        engine="server",
        settings=JudgeSettings(mode="reasoned", samples=2, max_tokens=24),
    )
    run = launch_judge_run(
        project=project,
        config=config,
        selection=PairSelection(which="all"),
        accept_cut=True,
        start=False,
    )
    run_job(JudgeRun, run.pk, judge)

    run.refresh_from_db()
    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    verdicts = Verdict.objects.filter(run=run)
    assert verdicts.count() == PAIRS * 2 * 2
    for verdict in verdicts:
        assert verdict.raw_reply or verdict.status == Verdict.Status.FAILED
        assert bool(verdict.reason) == (verdict.status != Verdict.Status.OK)
    assert run.pairs_done == PAIRS
    assert all(0.4 <= (label.p_first or 0) <= 0.6 for label in Label.objects.all())
