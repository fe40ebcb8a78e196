"""The workers that one machine starts: training runs leave the others their places."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings as project_settings
from pytest_django import Settings

from config.celery import app
from corpus.models import IntakeScan
from jobs.models import JobState
from jobs.process import KnownProcess
from tests.training.builders import QUICK, Workshop, make_workshop
from tests.workers import celery, wait_for
from training.models import TrainingRun
from training.runs.services import launch_training


def commands() -> dict[str, list[str]]:
    """What the Procfile has Celery do, by name of the process."""
    lines = (project_settings.BASE_DIR / "Procfile").read_text().splitlines()
    named = dict(line.split(": ", 1) for line in lines)
    return {
        name: shlex.split(command.partition("-A config ")[2])
        for name, command in named.items()
        if command.startswith("celery")
    }


def queues(arguments: list[str]) -> set[str]:
    return set(arguments[arguments.index("--queues") + 1].split(","))


def test_every_queue_has_one_worker_and_no_worker_has_two() -> None:
    served = [queues(one) for one in commands().values() if one[0] == "worker"]

    assert all(len(one) == 1 for one in served)
    routed = {route["queue"] for route in app.conf.task_routes.values()}
    scheduled = {entry["options"].get("queue") for entry in app.conf.beat_schedule.values()}
    wanted = {app.conf.task_default_queue} | routed | (scheduled - {None})
    assert set().union(*served) == wanted == {"default", "training", "upkeep"}


def launch(workshop: Workshop) -> TrainingRun:
    return launch_training(
        project=workshop.project,
        dataset=workshop.dataset,
        base_model=workshop.base_model,
        parameters={**QUICK, "max_steps": 4000},
        start=False,
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_training_runs_keep_neither_the_reaper_nor_short_jobs_waiting(
    tmp_path: Path, settings: Settings
) -> None:
    settings.CONCORD_HOME = tmp_path
    workshop = make_workshop(tmp_path)
    runs = [launch(workshop), launch(workshop)]

    def states() -> set[str]:
        return {TrainingRun.objects.get(pk=run.pk).state for run in runs}

    with ExitStack() as stack:
        for name, arguments in commands().items():
            if name == "beat":
                arguments += ["--schedule", str(tmp_path / "schedule")]
            stack.enter_context(celery(tmp_path, *arguments, broker="filesystem://"))
        wait_for(lambda: states() == {JobState.RUNNING})
        scan = IntakeScan.objects.create(project=workshop.project, kind=IntakeScan.Kind.DUPLICATES)
        # Nobody sends its message, so that the reaper has to.
        wait_for(lambda: IntakeScan.objects.get(pk=scan.pk).is_finished)
        assert IntakeScan.objects.get(pk=scan.pk).state == JobState.SUCCEEDED
        assert states() == {JobState.RUNNING}
    # Whoever stops a worker stops its trainers; nothing may be left of a worker that was too slow.
    for run in TrainingRun.objects.filter(process_id__isnull=False):
        assert run.process_started_at is not None
        KnownProcess(run.process_host, run.process_id or 0, run.process_started_at).kill()
