"""Celery entry points of judging."""

from celery import shared_task

from jobs.runner import run_job
from judging.measures.attacks import attack
from judging.models import AttackRun, DraftTrial, ImpactRun, JudgeRun
from judging.runs.runner import judge
from judging.trials.draft_trial import try_draft
from judging.trials.impact import measure_impact


@shared_task
def judge_task(run_id: int) -> None:
    run_job(JudgeRun, run_id, judge)


@shared_task
def draft_trial_task(trial_id: int) -> None:
    run_job(DraftTrial, trial_id, try_draft)


@shared_task
def impact_task(run_id: int) -> None:
    run_job(ImpactRun, run_id, measure_impact)


@shared_task
def attack_task(run_id: int) -> None:
    run_job(AttackRun, run_id, attack)
