"""Celery entry points of constitutions."""

from celery import shared_task

from constitution.models import RevisionRun
from constitution.revision.runner import revise
from jobs.runner import run_job


@shared_task
def revise_task(run_id: int) -> None:
    run_job(RevisionRun, run_id, revise)
