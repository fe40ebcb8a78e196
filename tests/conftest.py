"""What all tests share: quiet libraries, own folders, and no skips where they are forbidden."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings

from tests.inference.vllm_server import SandboxServer

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no fault of what is tested.
hypothesis_settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("patient")


@pytest.fixture(autouse=True)
def own_folders(settings: Settings, tmp_path: Path) -> None:
    """No test writes into the installation's own folders, waits for a broker or hashes slowly."""
    settings.DATASETS_FOLDER = tmp_path / "datasets"
    settings.RUNS_FOLDER = tmp_path / "runs"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "storage")},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CONCORD_FORBID_SKIPS, as in CI, a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("CONCORD_FORBID_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"Skipping is forbidden here: {item.nodeid}: {report.longrepr}"
    return report


SLOWEST_FILES = 10


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where the time goes: the slowest files of the run, in seconds."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.split("::")[0]] += report.duration
    if sum(seconds.values()) < 60:
        return
    terminalreporter.section("slowest files")
    slowest = sorted(seconds.items(), key=lambda one: -one[1])
    for name, spent in slowest[:SLOWEST_FILES]:
        terminalreporter.write_line(f"{spent:7.1f} s {name}")


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """A real vLLM server on the sandbox model. A test that kills it waits until it is back."""
    server = SandboxServer(tmp_path_factory.mktemp("vllm-logs"))
    try:
        server.wait_until_healthy()
        yield server
    finally:
        server.close()


@pytest.fixture(autouse=True)
def no_pulse_within_a_transaction(request: pytest.FixtureRequest, settings: Settings) -> None:
    """A job's pulse has a connection of its own, which cannot see a row of a transaction that is
    rolled back after the test: it would take the job for lost."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None and not marker.kwargs.get("transaction"):
        settings.JOB_BEAT_SECONDS = 3600.0
