"""The base of every long job. Concrete jobs live in the apps that know what the work is."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Job(models.Model):
    """A piece of long work: claimed by a conditional update, kept alive by heartbeats.

    `lease_token` is the fencing token: whoever does not hold the present one may not write.
    """

    TASK_NAME: ClassVar[str]
    """The Celery task that takes this job's id."""

    State = JobState

    state = models.CharField(max_length=12, choices=JobState, default=JobState.QUEUED)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    worker = models.CharField(max_length=200, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(
        default=settings.JOB_MAX_ATTEMPTS, validators=[MinValueValidator(1)]
    )
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(null=True, blank=True)
    progress_note = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        indexes = [
            # The reaper's question, asked every few seconds: which jobs are not yet finished?
            models.Index(
                fields=["state"],
                name="%(app_label)s_%(class)s_live",
                condition=Q(state__in=["queued", "running", "cancelling"]),
            ),
        ]

    @property
    def is_finished(self) -> bool:
        return self.state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)

    @property
    def progress_percent(self) -> int | None:
        """0 to 100, None while the total is unknown."""
        if not self.progress_total:
            return None
        return min(100, round(100 * self.progress_done / self.progress_total))
