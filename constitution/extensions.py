"""What the layers above add to constitutions: registered when the apps start.

A revision's pairs are labelled, and a draft's impact is measured, by layers that know raters and
judges. They hang in here, so that the pages stand where constitutions are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from constitution.models import ConstitutionVersion, RevisionRun
from jobs.runner import JobContext

AfterRevision = Callable[[JobContext[RevisionRun]], None]
"""Does its part with the chains of a run, within the run's job. Safe to call again."""


class PublishPart(NamedTuple):
    """What is shown above the form that publishes a draft. `complete` says that its figures are of
    the text as it stands."""

    html: str
    complete: bool


after_revision: list[AfterRevision] = []
publish_parts: list[Callable[[ConstitutionVersion], PublishPart]] = []
revision_parts: list[Callable[[RevisionRun], str]] = []
"""HTML about a finished run for its page; empty where there is nothing to say."""
