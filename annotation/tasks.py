"""Scheduled work of annotation."""

from celery import shared_task
from django.utils import timezone

from annotation.services import release_expired_slots


@shared_task
def release_expired_slots_task() -> None:
    release_expired_slots(now=timezone.now())
