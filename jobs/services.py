"""Every change of a job's state. Each is one conditional update: it happens once or not at all."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from typing import TypeVar

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from jobs.errors import LeaseLost
from jobs.models import Job, JobState

logger = logging.getLogger(__name__)

AnyJob = TypeVar("AnyJob", bound=Job)

RUNNING_STATES = (JobState.RUNNING, JobState.CANCELLING)


def enqueue(job: Job) -> None:
    """Send the hint once the surrounding transaction has committed.

    A broker that does not answer loses nothing: the row stays queued and the reaper sends again.
    """
    transaction.on_commit(lambda: send_hint(type(job), job.pk))


def send_hint(model: type[Job], job_id: int) -> None:
    model._default_manager.filter(pk=job_id, state=JobState.QUEUED).update(sent_at=timezone.now())
    try:
        current_app.send_task(model.TASK_NAME, args=[job_id])
    except (OperationalError, OSError) as error:
        logger.warning("The broker did not take %s %s: %s", model.__name__, job_id, error)


def claim_job(
    model: type[AnyJob],
    job_id: int,
    *,
    worker: str,
    lease_seconds: float | None = None,
) -> AnyJob | None:
    """The job, now ours, or None when somebody else has it or it is not queued."""
    now = timezone.now()
    changed = model._default_manager.filter(pk=job_id, state=JobState.QUEUED).update(
        state=JobState.RUNNING,
        lease_token=uuid.uuid4(),
        lease_expires_at=now + lease_duration(lease_seconds),
        heartbeat_at=now,
        started_at=now,
        worker=worker[:200],
        attempts=F("attempts") + 1,
        error="",
    )
    if changed != 1:
        return None
    return model._default_manager.get(pk=job_id)


def lease_duration(lease_seconds: float | None) -> dt.timedelta:
    return dt.timedelta(seconds=lease_seconds or settings.JOB_LEASE_SECONDS)


def beat(job: Job, *, lease_seconds: float | None = None) -> JobState:
    """Extend the lease; the state it answers says whether to go on. LeaseLost when it is gone."""
    now = timezone.now()
    mine = type(job)._default_manager.filter(
        pk=job.pk, lease_token=job.lease_token, state__in=RUNNING_STATES
    )
    if not mine.update(heartbeat_at=now, lease_expires_at=now + lease_duration(lease_seconds)):
        raise LeaseLost(f"{type(job).__name__} {job.pk} belongs to another worker now")
    return JobState(type(job)._default_manager.values_list("state", flat=True).get(pk=job.pk))


def record_progress(job: Job, *, done: int, total: int | None, note: str = "") -> None:
    mine = type(job)._default_manager.filter(pk=job.pk, lease_token=job.lease_token)
    if not mine.update(progress_done=done, progress_total=total, progress_note=note[:200]):
        raise LeaseLost(f"{type(job).__name__} {job.pk} belongs to another worker now")
    job.progress_done, job.progress_total, job.progress_note = done, total, note[:200]


def assert_lease(job: Job) -> None:
    """Lock the job's row inside the running transaction; LeaseLost when it is no longer ours."""
    held = (
        type(job)
        ._default_manager.select_for_update()
        .filter(pk=job.pk, lease_token=job.lease_token, state__in=RUNNING_STATES)
        .exists()
    )
    if not held:
        raise LeaseLost(f"{type(job).__name__} {job.pk} belongs to another worker now")


def finish_job(job: Job, state: JobState, *, error: str = "") -> None:
    """Settle a job that we hold. LeaseLost when it was taken from us meanwhile."""
    changed = (
        type(job)
        ._default_manager.filter(pk=job.pk, lease_token=job.lease_token, state__in=RUNNING_STATES)
        .update(
            state=state,
            error=error,
            finished_at=timezone.now(),
            lease_token=None,
            lease_expires_at=None,
        )
    )
    if changed != 1:
        raise LeaseLost(f"{type(job).__name__} {job.pk} belongs to another worker now")
    job.refresh_from_db()


def hand_back(job: Job, *, count_attempt: bool) -> None:
    """Put a job that we hold back into the queue; a shutdown does not count as an attempt."""
    mine = type(job)._default_manager.filter(pk=job.pk, lease_token=job.lease_token)
    attempts = F("attempts") if count_attempt else F("attempts") - 1
    cleared = {"lease_token": None, "lease_expires_at": None}
    cancelled = mine.filter(state=JobState.CANCELLING).update(
        state=JobState.CANCELLED, finished_at=timezone.now(), **cleared
    )
    if not cancelled:
        mine.filter(state=JobState.RUNNING).update(
            state=JobState.QUEUED, attempts=attempts, **cleared
        )


def request_cancel(job: Job) -> JobState:
    """Ask a job to stop. A queued one is cancelled at once; a finished one stays as it is."""
    rows = type(job)._default_manager.filter(pk=job.pk)
    if not rows.filter(state=JobState.QUEUED).update(
        state=JobState.CANCELLED, finished_at=timezone.now()
    ):
        rows.filter(state=JobState.RUNNING).update(state=JobState.CANCELLING)
    job.refresh_from_db()
    return JobState(job.state)


def reap(model: type[Job], *, now: dt.datetime) -> list[int]:
    """Settle jobs whose lease ran out, and answer the ids of those to send (again).

    A dead job with attempts left is queued again, one without has failed, one being cancelled is
    cancelled. Queued jobs whose message is older than the re-send time are included: the message
    may be lost.
    """
    dead = model._default_manager.filter(state__in=RUNNING_STATES, lease_expires_at__lt=now)
    cleared = {"lease_token": None, "lease_expires_at": None}
    dead.filter(state=JobState.CANCELLING).update(
        state=JobState.CANCELLED, finished_at=now, **cleared
    )
    dead.filter(attempts__gte=F("max_attempts")).update(
        state=JobState.FAILED,
        finished_at=now,
        error="The worker crashed or stopped responding on every attempt.",
        **cleared,
    )
    dead.update(state=JobState.QUEUED, sent_at=None, **cleared)
    stale = now - dt.timedelta(seconds=settings.JOB_RESEND_SECONDS)
    unsent = Q(sent_at__isnull=True) | Q(sent_at__lt=stale)
    return list(
        model._default_manager.filter(unsent, state=JobState.QUEUED)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
