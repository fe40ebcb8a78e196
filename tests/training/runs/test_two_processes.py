"""A run of two processes, launched by the web half as on a machine with several."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.models import JobState
from jobs.runner import run_job
from tests.training.builders import QUICK, make_workshop
from training.models import TrainingRun
from training.runs.runner import train
from training.runs.services import launch_training


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_run_of_two_processes_ends_with_one_model(tmp_path: Path) -> None:
    workshop = make_workshop(tmp_path)
    run = launch_training(
        project=workshop.project,
        dataset=workshop.dataset,
        base_model=workshop.base_model,
        parameters={**QUICK, "hardware": {"use_cpu": True, "processes": 2}},
        start=False,
    )

    run_job(TrainingRun, run.pk, train)

    run.refresh_from_db()
    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert run.result_model is not None
    assert run.metrics.count() == 4
