"""Reads of jobs."""

from __future__ import annotations

from django.utils import timezone

from jobs.models import Job


def run_seconds(run: Job) -> float | None:
    """How long the present attempt has gone on, or the last one took; None before the first."""
    if run.started_at is None:
        return None
    return ((run.finished_at or timezone.now()) - run.started_at).total_seconds()
