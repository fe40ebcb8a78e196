"""End to end over Redis: a worker is killed in the middle of training, and the run is finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as project_settings
from django.db import connection
from pytest_django import Settings
from redis import Redis

from jobs.models import JobState
from tests.training.builders import QUICK, make_workshop
from training.services import launch_training

REDIS = os.environ.get("CONCORD_TEST_REDIS_URL", "")
WORKER = ("worker", "--pool", "threads", "--concurrency", "2", "--queues", "default,training")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not REDIS, reason="CONCORD_TEST_REDIS_URL names no Redis"),
]


def environment(home: Path) -> dict[str, str]:
    """A worker's: the test's own database, folders and broker, and short leases."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        host, port = database["HOST"] or "127.0.0.1", database["PORT"] or 5432
        url = f"postgres://{database['USER']}@{host}:{port}/{database['NAME']}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": url,
        "CELERY_BROKER_URL": REDIS,
        "CONCORD_HOME": str(home),
        "CONCORD_JOB_LEASE_SECONDS": "3",
        "CONCORD_REAP_INTERVAL_SECONDS": "1",
    }


@contextmanager
def celery(home: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config", *arguments]
    with (home / "celery.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=project_settings.BASE_DIR,
            env=environment(home),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)


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
