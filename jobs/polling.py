"""Answers to the polls of a page that watches a job."""

from __future__ import annotations

from django.http import HttpResponse

from jobs.models import Job


def whole_once_finished(part: HttpResponse, job: Job) -> HttpResponse:
    """The polled part of a page; the poll that finds its job finished has htmx load the page
    afresh, for what its other parts list by then. A page of a finished job does not poll."""
    if job.is_finished:
        part["HX-Refresh"] = "true"
    return part
