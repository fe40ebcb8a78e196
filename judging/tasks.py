"""Celery entry points of judging."""

from celery import shared_task

from jobs.runner import run_job
from judging.models import JudgeRun
from judging.runner import judge


@shared_task
def judge_task(run_id: int) -> None:
    run_job(JudgeRun, run_id, judge)
