"""Celery entry points of the corpus."""

from celery import shared_task
from django.contrib.auth.models import User
from django.utils import timezone

from corpus.imports.running import run_import
from corpus.imports.taking_back import take_back
from corpus.imports.uploads import tidy_uploads
from corpus.intake.scanning import scan
from corpus.models import Import, IntakeScan, ModelRegistration
from corpus.registry import look_over
from corpus.search import index_words
from jobs.runner import run_job


@shared_task
def intake_scan_task(scan_id: int) -> None:
    run_job(IntakeScan, scan_id, scan)


@shared_task
def register_model_task(registration_id: int) -> None:
    run_job(ModelRegistration, registration_id, look_over)


@shared_task
def import_task(import_id: int) -> None:
    run_job(Import, import_id, run_import)


@shared_task
def index_words_task() -> None:
    index_words()


@shared_task
def tidy_uploads_task() -> None:
    tidy_uploads(now=timezone.now())


@shared_task
def take_back_task(import_id: int, user_id: int | None) -> None:
    """What a page asked for whose reader would wait too long. Done twice, it is refused."""
    user = User.objects.filter(pk=user_id).first() if user_id else None
    take_back(job=Import.objects.get(pk=import_id), user=user)
