"""Celery entry points of serving."""

from celery import shared_task

from corpus.models import SamplingRun
from jobs.runner import run_job
from serving.models import Trial
from serving.playground import try_prompt
from serving.replies import trim_replies
from serving.sampling.runner import sample
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


@shared_task
def sample_task(run_id: int) -> None:
    run_job(SamplingRun, run_id, sample)
