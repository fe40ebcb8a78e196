"""Freezing: labels as they are now become a dataset version that never changes."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from corpus.models import Project
from exports.building import build
from exports.errors import ExportError
from exports.models import DatasetVersion
from exports.spec import FreezeFilters

__all__ = ["ExportError", "FreezeFilters", "freeze"]


def freeze(
    *,
    project: Project,
    name: str,
    filters: FreezeFilters | None = None,
    created_by: User | None = None,
) -> DatasetVersion:
    """Freeze the project's labels under `filters` into a folder named by its hash.

    The same rows under the same name are the version that is there already.

    Raises:
        NothingToFreezeError: no row for training is left; nothing was written.
    """
    built = build(project, name, filters or FreezeFilters())
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        versions = DatasetVersion.objects.filter(project=project, name=name)
        there = versions.filter(sha256=built.sha256).first()
        if there is not None:
            return there
        last = versions.aggregate(last=Max("number"))["last"] or 0
        return DatasetVersion.objects.create(
            project=project,
            name=name,
            number=last + 1,
            sha256=built.sha256,
            manifest=built.manifest,
            created_by=created_by,
        )
