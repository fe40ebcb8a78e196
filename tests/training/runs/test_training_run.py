"""A training run from launch to model version, with a real trainer process."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from corpus.models import ModelVersion
from corpus.registry import location_of
from exports.models import DatasetVersion
from inference.weights import weights_sha256
from jobs import runner as job_runner
from jobs import services as job_services
from jobs.models import JobState
from jobs.process import KnownProcess
from jobs.runner import run_job
from tests.training.builders import QUICK, Workshop, make_workshop
from training.errors import BadSpecError, UnknownModelError
from training.models import Evaluation, TrainingRun
from training.runs.runner import stop_orphans, train
from training.runs.services import cancel_training, find_or_register_model, launch_training

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LONG = {**QUICK, "max_steps": 4000, "checkpoint_every_steps": 5}


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path)


def launch(workshop: Workshop, **parameters: object) -> TrainingRun:
    return launch_training(
        project=workshop.project,
        dataset=workshop.dataset,
        base_model=workshop.base_model,
        parameters={**QUICK, **parameters},
        start=False,
    )


def do(run: TrainingRun) -> TrainingRun:
    run_job(TrainingRun, run.pk, train)
    run.refresh_from_db()
    return run


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def test_a_run_ends_with_a_model_version_its_hash_its_metrics_and_evaluations(
    workshop: Workshop,
) -> None:
    run = do(launch(workshop))

    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    model = run.result_model
    assert model is not None
    assert model.parent == workshop.base_model
    assert model.made_by_run.dataset == workshop.dataset
    assert model.weights_sha256 == weights_sha256(Path(location_of(model)))
    assert model.weights_sha256 != workshop.base_model.weights_sha256
    assert [metric.step for metric in run.metrics.all()] == [1, 2, 3, 4]
    assert {"loss", "reward_margin", "reward_accuracy"} <= set(run.metrics.all()[0].values)
    evaluated = Evaluation.objects.filter(dataset=workshop.dataset, split="validation")
    assert {one.model_version for one in evaluated} == {workshop.base_model, model}
    assert {one.n for one in evaluated} == {workshop.heldout_pairs}
    assert run.result is not None
    assert run.result["truncated"]["train"] == 0


def test_a_lora_run_makes_an_adapter_that_a_second_run_trains_on(workshop: Workshop) -> None:
    first = do(launch(workshop, adapter="lora"))
    assert first.result_model is not None
    assert first.result_model.kind == "adapter"

    second = launch_training(
        project=workshop.project,
        dataset=workshop.dataset,
        base_model=first.result_model,
        parameters=QUICK,
        start=False,
    )
    do(second)

    assert second.error == ""
    assert second.result_model is not None
    assert second.result_model.parent == first.result_model
    assert second.result_model.weights_sha256 != first.result_model.weights_sha256


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"learning_rat": 0.1}, "did you mean learning_rate"),
        ({"beta": -1}, "beta"),
        ({"dataset": "elsewhere"}, "set from the registry"),
        ({"method": "ppo"}, "method"),
    ],
)
def test_a_wrong_field_is_refused_by_name_before_anything_is_stored(
    workshop: Workshop, parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(BadSpecError, match=message):
        launch(workshop, **parameters)

    assert TrainingRun.objects.count() == 0


def test_a_recipe_refuses_a_dataset_of_another_kind(workshop: Workshop) -> None:
    with pytest.raises(BadSpecError, match="sft needs a dataset of kind sft"):
        launch_training(
            project=workshop.project,
            dataset=workshop.dataset,
            base_model=workshop.base_model,
            parameters={"method": "sft"},
        )
    DatasetVersion.objects.update(kind="sft")
    with pytest.raises(BadSpecError, match="dpo needs a dataset of kind preference"):
        launch_training(
            project=workshop.project,
            dataset=DatasetVersion.objects.get(),
            base_model=workshop.base_model,
            parameters={"method": "dpo"},
        )
    assert not TrainingRun.objects.exists()


def test_an_unknown_model_is_refused_by_name(workshop: Workshop) -> None:
    with pytest.raises(UnknownModelError, match="no-such-model"):
        find_or_register_model(workshop.project, "no-such-model")


def test_a_folder_with_the_weights_of_a_known_model_is_that_model(
    workshop: Workshop, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "tiny", tmp_path / "copy")
    before = ModelVersion.objects.count()

    found = find_or_register_model(workshop.project, str(tmp_path / "copy"))

    assert found == workshop.base_model
    assert ModelVersion.objects.count() == before

    template = tmp_path / "copy" / "chat_template.jinja"
    template.write_text("{{ messages[0]['content'] }}")
    other = find_or_register_model(workshop.project, str(tmp_path / "copy"))
    assert other != workshop.base_model
    assert other.weights_sha256 == workshop.base_model.weights_sha256


def test_a_model_folder_that_is_gone_fails_the_run_with_its_path(
    workshop: Workshop, tmp_path: Path
) -> None:
    run = launch(workshop)
    (tmp_path / "tiny").rename(tmp_path / "moved")

    do(run)

    assert run.state == JobState.FAILED
    assert "base_model" in run.error
    assert "tiny" in run.error


def test_a_dataset_that_was_tampered_with_is_not_trained_on(workshop: Workshop) -> None:
    run = launch(workshop)
    train_file, other = (
        workshop.dataset.folder / f"{split}.parquet" for split in ("train", "validation")
    )
    train_file.write_bytes(other.read_bytes())

    do(run)

    assert run.state == JobState.FAILED
    assert "was modified" in run.error
    assert run.result_model is None
    assert run.process_id is None


def in_background(run: TrainingRun) -> threading.Thread:
    def work() -> None:
        try:
            run_job(TrainingRun, run.pk, train)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def trainer_lives(run: TrainingRun) -> bool:
    assert run.process_id is not None
    assert run.process_started_at is not None
    return KnownProcess(run.process_host, run.process_id, run.process_started_at).is_alive()


def steps_done(run: TrainingRun) -> int:
    path = run.folder / "metrics.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def test_a_cancelled_run_stops_cleanly_with_a_checkpoint_and_no_process_left(
    workshop: Workshop,
) -> None:
    run = launch(workshop, **LONG)
    thread = in_background(run)
    wait_for(lambda: steps_done(run) > 3)
    run.refresh_from_db()

    assert cancel_training(run) == JobState.CANCELLING
    thread.join(60)

    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    assert run.result is not None
    assert run.result["status"] == "cancelled"
    assert list((run.folder / "checkpoints").glob("checkpoint-*"))
    assert run.result_model is None
    assert not trainer_lives(run)


def test_a_worker_told_to_stop_ends_its_trainer_and_the_next_resumes_from_the_checkpoint(
    workshop: Workshop,
) -> None:
    run = launch(workshop, **LONG)
    thread = in_background(run)
    wait_for(lambda: steps_done(run) > 8)
    job_runner.shutdown_requested.set()
    try:
        thread.join(60)
    finally:
        job_runner.shutdown_requested.clear()
    run.refresh_from_db()
    assert (run.state, run.attempts) == (JobState.QUEUED, 0)
    assert run.process_id is not None
    assert not trainer_lives(run)
    before = steps_done(run)

    thread = in_background(run)
    wait_for(lambda: steps_done(run) > before + 2)
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    resumed_at = json.loads(lines[before])["step"]
    cancel_training(TrainingRun.objects.get(pk=run.pk))
    thread.join(60)

    assert resumed_at > 5


WORKER = """
import django; django.setup()
from jobs.runner import run_job
from training.models import TrainingRun
from training.runs.runner import train
run_job(TrainingRun, {run}, train)
"""


def test_a_worker_killed_in_the_middle_has_its_trainer_adopted_by_the_next(
    workshop: Workshop, tmp_path: Path
) -> None:
    run = launch(workshop, **{**LONG, "max_steps": 60})
    database = connection.settings_dict["NAME"]
    code = (
        "from django.conf import settings; import os\n"
        f"settings.DATABASES['default']['NAME'] = {str(database)!r}\n"
        f"settings.DATASETS_FOLDER = {str(settings.DATASETS_FOLDER)!r}\n"
        f"settings.RUNS_FOLDER = {str(settings.RUNS_FOLDER)!r}\n" + WORKER.format(run=run.pk)
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=settings.BASE_DIR, env=environment)
    wait_for(lambda: steps_done(run) > 3)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    run.refresh_from_db()
    trainer = run.process_id
    assert run.state == JobState.RUNNING

    TrainingRun.objects.update(lease_expires_at=timezone.now() - dt.timedelta(hours=1))
    assert job_services.reap(TrainingRun, now=timezone.now()) == [run.pk]
    do(run)

    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert run.attempts == 2
    assert run.process_id == trainer
    assert run.metrics.count() == 60


def test_a_trainer_whose_run_was_given_up_is_ended(workshop: Workshop) -> None:
    run = launch(workshop, **LONG)
    thread = in_background(run)
    wait_for(lambda: steps_done(run) > 1)
    run.refresh_from_db()
    # The reaper gave the run up: the worker was taken for dead on its last attempt.
    TrainingRun.objects.update(state=JobState.FAILED, lease_token=None)
    thread.join(60)
    assert trainer_lives(run)

    assert stop_orphans() == 1

    assert not trainer_lives(run)
