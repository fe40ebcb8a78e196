"""Scheduled work of annotation."""

from celery import shared_task
from django.utils import timezone

from annotation.agreement.snapshots import refresh_stale
from annotation.services import check_raters, find_adjudications, release_expired_slots
from corpus.models import Project


@shared_task
def release_expired_slots_task() -> None:
    release_expired_slots(now=timezone.now())


@shared_task
def check_raters_task() -> None:
    """Apart from the labels, so that the time a submit takes tells nothing about gold."""
    check_raters(now=timezone.now())


@shared_task
def find_adjudications_task() -> None:
    for project in Project.objects.all():
        find_adjudications(project=project)


@shared_task
def refresh_agreement_task() -> None:
    refresh_stale(now=timezone.now())
