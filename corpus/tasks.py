"""Celery entry points of the corpus."""

from celery import shared_task

from corpus.models import IntakeScan
from corpus.runner import scan
from jobs.runner import run_job


@shared_task
def intake_scan_task(scan_id: int) -> None:
    run_job(IntakeScan, scan_id, scan)
