"""Reads of runs and models."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from corpus.models import ModelVersion, Project
from training.models import TrainingRun

MAX_POINTS = 1_000


def runs_of(project: Project) -> QuerySet[TrainingRun]:
    return TrainingRun.objects.filter(project=project).select_related(
        "base_model", "dataset", "result_model", "created_by"
    )


def models_of(project: Project) -> QuerySet[ModelVersion]:
    return (
        ModelVersion.objects.filter(project=project)
        .select_related("parent", "made_by_run__dataset")
        .order_by("-pk")
    )


def metric_rows(run: TrainingRun) -> list[dict[str, Any]]:
    """The run's metrics by step, thinned to at most MAX_POINTS; the last step is kept."""
    rows: list[dict[str, Any]] = list(run.metrics.values_list("values", flat=True))
    stride = -(-len(rows) // MAX_POINTS) or 1
    kept = rows[::stride]
    if rows and kept[-1] is not rows[-1]:
        kept.append(rows[-1])
    return kept
