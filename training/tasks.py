"""Celery entry points of training; they go to the queue `training`."""

from celery import shared_task

from jobs.runner import run_job
from training.models import TrainingRun
from training.runs.runner import stop_orphans, train


@shared_task
def train_task(run_id: int) -> None:
    run_job(TrainingRun, run_id, train)


@shared_task
def stop_orphans_task() -> None:
    stop_orphans()
