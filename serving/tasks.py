"""Celery entry points of serving."""

from celery import shared_task

from jobs.runner import run_job
from serving.models import Trial
from serving.playground import try_prompt
from serving.replies import trim_replies
from serving.servers import note_lost_supervisors


@shared_task
def trim_replies_task() -> None:
    trim_replies()


@shared_task
def note_lost_supervisors_task() -> None:
    note_lost_supervisors()


@shared_task
def trial_task(trial_id: int) -> None:
    run_job(Trial, trial_id, try_prompt)
