"""What kills a judge run in the middle costs no verdict and doubles none: a worker killed, a
database connection cut."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings
from redis import Redis

from annotation.models import Label
from constitution.services import PrincipleText, create_draft, publish_version
from corpus.models import Project
from corpus.registry import sandbox_model
from inference.engine import Request
from inference.sandbox.prompts import PRINCIPLES
from inference.sandbox.tasks import make_pair as make_sandbox_pair
from inference.sandbox.world import held_out_requests
from inference.scripted import ScriptedEngine
from jobs.models import JobState
from jobs.runner import run_job
from judging.models import JudgeRun, Verdict
from judging.runs.runner import judge_with
from judging.selectors import PairSelection
from judging.services import ensure_judge, launch_judge_run
from tests.builders import make_pair, make_project
from tests.judging.judges import make_gold, make_judge, right
from tests.workers import REDIS, WORKER, celery, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

PAIRS = 240


def is_whole(run: JudgeRun, pairs: int) -> None:
    """The run is done, and nothing of it is lacking or there twice."""
    run.refresh_from_db()
    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert Verdict.objects.filter(run=run, status="ok").count() == 2 * pairs
    # It may abstain from a pair whose two orders contradict each other.
    assert run.abstained <= pairs // 50
    assert Label.objects.filter(rater=run.config.rater).count() == pairs - run.abstained
    assert run.labelled == pairs - run.abstained
    assert (run.progress_done, run.progress_total) == (pairs, pairs)


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.skipif(not REDIS, reason="CONCORD_TEST_REDIS_URL names no Redis")
def test_a_run_whose_worker_is_killed_is_finished_by_another(
    tmp_path: Path, settings: Settings
) -> None:
    Redis.from_url(REDIS).flushdb()
    settings.CONCORD_HOME = tmp_path
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
    version = create_draft(
        project=project,
        slug="polite",
        name="Polite",
        principles=(PrincipleText("polite", PRINCIPLES["polite"].comparison),),
    )
    config = ensure_judge(
        project=project,
        constitution_version=publish_version(version=version),
        model_version=sandbox_model(project),
    )
    run = launch_judge_run(
        project=project, config=config, selection=PairSelection(which="all"), start=False
    )

    def judged() -> int:
        return Verdict.objects.filter(run=run).count()

    def finished() -> bool:
        run.refresh_from_db()
        return run.is_finished

    with celery(tmp_path, "beat", "--schedule", str(tmp_path / "schedule")):
        with celery(tmp_path, *WORKER) as first:
            wait_for(lambda: judged() > 0)
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
        assert 0 < judged() < 2 * PAIRS
        assert not finished()
        with celery(tmp_path, *WORKER):
            wait_for(finished)

    is_whole(run, PAIRS)
    assert run.attempts == 2


def cut(engine_calls: int) -> None:
    """Break the connection that is in use, as a restarted database does."""
    if connection.vendor != "postgresql":
        raise OperationalError(f"scripted, after {engine_calls} calls")
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        [mine] = cursor.fetchone()

    def terminate() -> None:
        try:
            with connection.cursor() as other:
                other.execute("select pg_terminate_backend(%s)", [mine])
        finally:
            connection.close()

    thread = threading.Thread(target=terminate)
    thread.start()
    thread.join()


def test_a_run_whose_database_connection_is_cut_goes_on_from_what_was_stored(
    settings: Settings,
) -> None:
    settings.JUDGE_PAGE_PAIRS = 16
    settings.JUDGE_STORE_VERDICTS = 16
    project = make_project()
    for number in range(60):
        make_pair(project, number)
    make_gold(project, 30)
    config = make_judge(project)
    run = launch_judge_run(
        project=project, config=config, selection=PairSelection(which="all"), start=False
    )
    calls = 0

    def choose(request: Request, _options: object) -> tuple[float, float]:
        nonlocal calls
        calls += 1
        if calls in (40, 90):
            cut(calls)
        asked = request.messages[-1].content
        number = int(asked.split("First answer ")[1].split(".")[0])
        p = right(number)
        first_shown = asked.index("First answer") < asked.index("Second answer")
        return (p, 1 - p) if first_shown else (1 - p, p)

    engine = ScriptedEngine(chooser=choose)
    engine.batch_requests = 8
    for attempt in (1, 2):
        run_job(JudgeRun, run.pk, lambda context: judge_with(context, config, engine))
        run.refresh_from_db()
        assert (run.state, run.attempts) == (JobState.QUEUED, attempt)
        assert 0 < Verdict.objects.filter(run=run).count() < 180

    run_job(JudgeRun, run.pk, lambda context: judge_with(context, config, engine))

    is_whole(run, 90)
    assert Project.objects.count() == 1
