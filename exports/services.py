"""Freezing: labels and revisions as they are now become a dataset version that never changes."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from corpus.models import Project
from exports.building import build, preference_prompts
from exports.errors import ExportError
from exports.folders import Built
from exports.forecast import Forecast, forecast_of
from exports.models import DatasetVersion
from exports.sft import build_sft, sft_prompts
from exports.spec import FreezeFilters, SftFilters

__all__ = [
    "ExportError",
    "Forecast",
    "FreezeFilters",
    "SftFilters",
    "forecast",
    "freeze",
    "freeze_sft",
]


def forecast(*, project: Project, filters: FreezeFilters | SftFilters) -> Forecast:
    """What the split will be; writes nothing. BadFilterError as `freeze_sft`."""
    if isinstance(filters, SftFilters):
        return forecast_of(sft_prompts(project, filters), filters)
    return forecast_of(preference_prompts(project, filters), filters)


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
        BadFilterError: the picked pairs are not there.
    """
    built = build(project, name, filters or FreezeFilters())
    return _number(project, name, built, DatasetVersion.Kind.PREFERENCE, created_by)


def freeze_sft(
    *,
    project: Project,
    name: str,
    filters: SftFilters,
    created_by: User | None = None,
) -> DatasetVersion:
    """Freeze the revisions of critique runs into an SFT dataset named by its hash.

    The same rows under the same name are the version that is there already.

    Raises:
        BadFilterError: a run or the helpful dataset is not there, or not ready.
        NothingToFreezeError: no row for training is left; nothing was written.
    """
    built = build_sft(project, name, filters)
    return _number(project, name, built, DatasetVersion.Kind.SFT, created_by)


def _number(
    project: Project,
    name: str,
    built: Built,
    kind: DatasetVersion.Kind,
    created_by: User | None,
) -> DatasetVersion:
    """The next version of that name, or the one that has these rows already."""
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
            kind=kind,
            sha256=built.sha256,
            manifest=built.manifest,
            created_by=created_by,
        )
