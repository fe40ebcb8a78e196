"""End to end over Redis: a worker is killed in the middle of training, and the run is finished."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from pytest_django import Settings
from redis import Redis

from jobs.models import JobState
from tests.training.builders import QUICK, make_workshop
from tests.workers import REDIS, WORKER, celery, wait_for
from training.runs.services import launch_training

pytestmark = [
    pytest.mark.slow,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not REDIS, reason="CONCORD_TEST_REDIS_URL names no Redis"),
]


def test_a_run_whose_worker_is_killed_is_finished_by_another(
    tmp_path: Path, settings: Settings
) -> None:
    Redis.from_url(REDIS).flushdb()
    settings.CONCORD_HOME = tmp_path
    workshop = make_workshop(tmp_path)
    # Nobody sends its message: the reaper finds the queued run, as it does a lost message.
    run = launch_training(
        project=workshop.project,
        dataset=workshop.dataset,
        base_model=workshop.base_model,
        parameters={**QUICK, "max_steps": 80, "checkpoint_every_steps": 5},
        start=False,
    )

    def steps() -> int:
        path = run.folder / "metrics.jsonl"
        return path.read_text().count("\n") if path.exists() else 0

    def finished() -> bool:
        run.refresh_from_db()
        return run.is_finished

    with celery(tmp_path, "beat", "--schedule", str(tmp_path / "schedule")):
        with celery(tmp_path, *WORKER) as first:
            wait_for(lambda: steps() > 5)
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
        assert not finished()
        with celery(tmp_path, *WORKER):
            wait_for(finished)

    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert run.attempts == 2
    assert run.result_model is not None
    assert run.metrics.count() == 80
