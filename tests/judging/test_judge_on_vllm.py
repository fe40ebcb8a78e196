"""A judge run on a real vLLM server that is killed in the middle: every verdict exactly once."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from annotation.models import Label
from constitution.services import PrincipleText, create_draft, publish_version
from corpus.models import ModelVersion, Project
from corpus.registry import location_for, sandbox_model
from inference.registry import open_engine
from inference.sandbox.prompts import PRINCIPLES
from inference.sandbox.tasks import make_pair as make_sandbox_pair
from inference.sandbox.world import held_out_requests
from inference.weights import weights_sha256
from jobs.models import JobState
from jobs.runner import run_job
from judging.models import JudgeConfig, JudgeRun, Verdict
from judging.runner import judge, judge_with
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
    assert Label.objects.filter(rater=config.rater).count() == PAIRS
    took = usage_of_run(Usage.Purpose.JUDGE, run.pk)
    assert (took.requests, took.failed) == (2 * PAIRS, 0)
    assert CachedReply.objects.count() == 2 * PAIRS
    assert "restarting" in [status.state for status in sandbox_server.statuses[before:]]
