"""Guidelines: published in versions, acknowledged by raters."""

from __future__ import annotations

import hashlib

from django.db import transaction

from annotation.errors import GuidelineError
from annotation.models import Guideline, Rater
from annotation.services.labels import check_text
from corpus.models import Project

MAX_GUIDELINE_CHARACTERS = 200_000


@transaction.atomic
def publish_guideline(*, project: Project, text: str) -> Guideline:
    """The next version; raters are asked to read it before their next task.

    GuidelineError when it is empty or says what the newest one says.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise GuidelineError("The guideline is empty.")
    check_text(text, "guideline", MAX_GUIDELINE_CHARACTERS)
    Project.objects.select_for_update().get(pk=project.pk)
    newest = project.guidelines.order_by("-number").first()
    if newest is not None and newest.text == text:
        raise GuidelineError(f"Nothing was changed: version {newest.number} has the same text.")
    return Guideline.objects.create(
        project=project,
        number=newest.number + 1 if newest else 1,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def acknowledge_guideline(*, rater: Rater, number: int) -> None:
    """The rater has read version `number`. GuidelineError when there is no such version."""
    guideline = Guideline.objects.filter(project=rater.project_id, number=number).first()
    if guideline is None:
        raise GuidelineError(f"This project has no guideline version {number}.")
    Rater.objects.filter(pk=rater.pk).update(guideline_read=guideline)


def unread_guideline(rater: Rater) -> Guideline | None:
    """The newest guideline, when the rater has not said that they read it."""
    newest = Guideline.objects.filter(project=rater.project_id).order_by("-number").first()
    return None if newest is None or newest.pk == rater.guideline_read_id else newest
