"""A worker that is killed in the middle of a sampling run costs nothing and doubles nothing."""

from __future__ import annotations

import os
import random
import signal
from itertools import islice
from pathlib import Path

import pytest
from pytest_django import Settings
from redis import Redis

from annotation.models import Slot
from corpus.models import Completion, Pair, SamplingRun
from corpus.registry import sandbox_model
from inference.sandbox.world import held_out_requests
from jobs.models import JobState
from serving.models import Usage
from serving.sampling.selection import SamplingSelection
from serving.sampling.services import SamplingRequest, launch_sampling
from serving.selectors import usage_of_run
from tests.builders import make_project, make_prompt
from tests.workers import REDIS, WORKER, celery, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

PROMPTS = 120


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.skipif(not REDIS, reason="CONCORD_TEST_REDIS_URL names no Redis")
def test_a_run_whose_worker_is_killed_is_finished_by_another(
    tmp_path: Path, settings: Settings
) -> None:
    Redis.from_url(REDIS).flushdb()
    settings.CONCORD_HOME = tmp_path
    project = make_project()
    for number, request in enumerate(islice(held_out_requests(random.Random(0)), PROMPTS)):
        make_prompt(project, f"{request.text} {number}")
    run = launch_sampling(
        project=project,
        request=SamplingRequest(models=[sandbox_model(project)], selection=SamplingSelection()),
        start=False,
    )

    def made() -> int:
        return Completion.objects.count()

    def finished() -> bool:
        run.refresh_from_db()
        return run.is_finished

    with celery(tmp_path, "beat", "--schedule", str(tmp_path / "schedule")):
        with celery(tmp_path, *WORKER) as first:
            wait_for(lambda: made() > 0)
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
        before = made()
        assert 0 < before < 2 * PROMPTS
        assert not finished()
        with celery(tmp_path, *WORKER):
            wait_for(finished)

    assert (run.state, run.error, run.attempts) == (JobState.SUCCEEDED, "", 2)
    assert made() == run.completions_made == 2 * PROMPTS
    # What was stored when the worker was killed was not asked again.
    assert usage_of_run(Usage.Purpose.SAMPLE, run.pk).requests == 2 * PROMPTS
    pairs = Pair.objects.filter(sampling_run=run)
    assert len(pairs) == run.pairs_made == PROMPTS - run.report["without_pair"]
    assert Slot.objects.filter(pair__in=pairs).values("pair").distinct().count() == len(pairs)
    assert SamplingRun.objects.count() == 1
