"""Reads of constitutions."""

from __future__ import annotations

from constitution.errors import UnknownConstitutionError
from constitution.models import ConstitutionVersion
from corpus.models import Project


def published_version(project: Project, reference: str) -> ConstitutionVersion:
    """The published version that `SLUG` (the newest) or `SLUG@N` names.

    Raises UnknownConstitutionError, which lists what there is.
    """
    slug, _, number = reference.partition("@")
    published = ConstitutionVersion.objects.select_related("constitution").filter(
        constitution__project=project, status=ConstitutionVersion.Status.PUBLISHED
    )
    wanted = published.filter(constitution__slug=slug)
    if number:
        wanted = wanted.filter(number=int(number)) if number.isdecimal() else wanted.none()
    version = wanted.order_by("-number").first()
    if version is None:
        there = ", ".join(str(one) for one in published.order_by("constitution__slug", "number"))
        raise UnknownConstitutionError(
            f"{project.slug} has no published constitution {reference!r}; "
            f"it has: {there or 'none'}."
        )
    return version
