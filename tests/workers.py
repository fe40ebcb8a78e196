"""Real Celery workers over a real Redis, for tests that kill them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings as project_settings
from django.db import connection

REDIS = os.environ.get("CONCORD_TEST_REDIS_URL", "")
WORKER = (
    *("worker", "--pool", "threads", "--concurrency", "2"),
    *("--queues", "default,upkeep,training"),
)


def environment(home: Path, broker: str = REDIS) -> dict[str, str]:
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
        "CELERY_BROKER_URL": broker,
        "CONCORD_HOME": str(home),
        "CONCORD_JOB_LEASE_SECONDS": "3",
        "CONCORD_REAP_INTERVAL_SECONDS": "1",
    }


@contextmanager
def celery(home: Path, *arguments: str, broker: str = REDIS) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config", *arguments]
    with (home / "celery.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=project_settings.BASE_DIR,
            env=environment(home, broker),
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
