"""The reaper: starts again what died, on a schedule."""

from celery import shared_task
from django.apps import apps
from django.utils import timezone

from jobs.models import Job
from jobs.services import reap, send_hint


@shared_task
def reap_jobs_task() -> None:
    for model in apps.get_models():
        if issubclass(model, Job):
            for job_id in reap(model, now=timezone.now()):
                send_hint(model, job_id)
