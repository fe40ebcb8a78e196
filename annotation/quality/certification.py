"""Whose labels may be trusted: raters in calibration who never passed it may not."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import Rater, RaterCheck
from corpus.models import Project

NOT_CERTIFIED = "not_certified"
"""Why their labels do not reach datasets."""


def uncertified(project: Project) -> QuerySet[Rater]:
    """Raters, human or judge, who are in calibration and were never admitted by it.

    Who began without calibration, because the project had no gold for one, is not among them: there
    was nothing to measure by. They are once they fall below the floor and are sent back.
    """
    admitted = RaterCheck.objects.filter(rater=OuterRef("pk"), decision=RaterCheck.Decision.ADMIT)
    return Rater.objects.filter(project=project, status__in=Rater.CALIBRATING).exclude(
        Exists(admitted)
    )
