"""How a worker does a job: claim it, beat while the work goes on, settle it once."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from jobs import services
from jobs.errors import JobCancelled, JobError, JobInterrupted, LeaseLost, WorkerStopping
from jobs.models import Job, JobState

logger = logging.getLogger(__name__)

AnyJob = TypeVar("AnyJob", bound=Job)

shutdown_requested = threading.Event()
"""Set when this worker process is told to stop."""


class JobContext(Generic[AnyJob]):
    """What the work gets: its job, a place to report progress, and the word to stop."""

    def __init__(self, job: AnyJob) -> None:
        self.job = job
        self._interruption: type[JobInterrupted] | None = None

    def checkpoint(self) -> None:
        """Call between pieces of work; raises JobInterrupted when the work has to stop."""
        if self._interruption is not None:
            raise self._interruption
        if shutdown_requested.is_set():
            raise WorkerStopping

    def report(self, done: int, total: int | None, note: str = "") -> None:
        services.record_progress(self.job, done=done, total=total, note=note)

    def beat(self) -> None:
        """Extend the lease and learn whether to go on."""
        try:
            state = services.beat(self.job)
        except LeaseLost:
            self._interruption = LeaseLost
            return
        if state == JobState.CANCELLING:
            self._interruption = JobCancelled


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"


def run_job(
    model: type[AnyJob], job_id: int, work: Callable[[JobContext[AnyJob]], None]
) -> AnyJob | None:
    """Claim and do one job. None when it was not ours to do. Safe to call twice.

    Errors of the work are settled in the row: a JobError with its message, anything else as
    `words_of` has it, logged with its traceback.
    """
    job = services.claim_job(model, job_id, worker=worker_name())
    return do_claimed(job, work) if job is not None else None


def do_claimed(job: AnyJob, work: Callable[[JobContext[AnyJob]], None]) -> AnyJob:
    """Do a job that is ours already; the row as it is then. Errors are settled as above."""
    context = JobContext(job)
    stop = threading.Event()
    pulse = threading.Thread(target=_beat_until, args=(context, stop), daemon=True)
    pulse.start()
    try:
        _do(context, work)
    finally:
        stop.set()
        pulse.join()
    job.refresh_from_db()
    return job


def _do(context: JobContext[AnyJob], work: Callable[[JobContext[AnyJob]], None]) -> None:
    job = context.job
    with suppress(LeaseLost):
        try:
            context.checkpoint()
            work(context)
        except JobCancelled:
            services.finish_job(job, JobState.CANCELLED)
        except WorkerStopping:
            services.hand_back(job, count_attempt=False)
        except JobError as error:
            if error.permanent or job.attempts >= job.max_attempts:
                services.finish_job(job, JobState.FAILED, error=str(error))
            else:
                logger.warning("%s %s will be tried again: %s", type(job).__name__, job.pk, error)
                services.hand_back(job, count_attempt=True)
        except LeaseLost:
            raise
        except (OperationalError, InterfaceError) as error:
            # The connection is gone, or the database refuses: neither is the work's fault.
            _after_lost_connection(job, error)
        except Exception as error:
            logger.exception("%s %s failed", type(job).__name__, job.pk)
            services.finish_job(job, JobState.FAILED, error=words_of(error))
        else:
            services.finish_job(job, JobState.SUCCEEDED)


def words_of(error: Exception) -> str:
    """What an error that nobody foresaw means to whoever launched the work."""
    if isinstance(error, MemoryError):
        return "The machine ran out of memory. Try a smaller batch, or a machine with more."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full. Free up some space, then start this again."
    if isinstance(error, PermissionError):
        return f"The worker has no permission to open {error.filename}."
    said = " ".join(str(error).split())[:500]
    if isinstance(error, (ConnectionError, TimeoutError, socket.gaierror)):
        return f"A connection failed or was interrupted ({said}). Start this again."
    return f"Internal error in Concord. See the worker's log ({type(error).__name__}: {said})."


def _after_lost_connection(job: Job, error: Exception) -> None:
    """Back into the queue over a fresh connection; where there is none, the reaper will find it."""
    logger.warning("%s %s lost its database: %s", type(job).__name__, job.pk, error)
    connection.close()
    try:
        if job.attempts >= job.max_attempts:
            services.finish_job(job, JobState.FAILED, error="The database could not be reached.")
        else:
            services.hand_back(job, count_attempt=True)
    except DatabaseError:
        logger.warning("%s %s waits for the reaper", type(job).__name__, job.pk, exc_info=True)
        connection.close()


def _beat_until(context: JobContext[AnyJob], stop: threading.Event) -> None:
    """The pulse: its own thread and so its own database connection."""
    try:
        while not stop.wait(settings.JOB_BEAT_SECONDS or min(settings.JOB_LEASE_SECONDS / 4, 2.0)):
            try:
                context.beat()
            except DatabaseError:
                # A beat missed is made up for by the next; only silence costs the lease.
                logger.warning("A heartbeat could not be written", exc_info=True)
    finally:
        connection.close()
