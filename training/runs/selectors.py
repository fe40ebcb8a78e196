"""Reads of runs and models."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from corpus.models import ModelVersion, Project
from training.models import TrainingRun
from training.registry.lineage import LOADED

MAX_POINTS = 1_000


def runs_of(project: Project) -> QuerySet[TrainingRun]:
    return TrainingRun.objects.filter(project=project).select_related(
        "base_model__parent", "base_model__made_by_run", "dataset", "result_model", "created_by"
    )


def models_of(project: Project) -> QuerySet[ModelVersion]:
    return (
        ModelVersion.objects.filter(project=project)
        .select_related("parent", "made_by_run__dataset")
        .defer(*LOADED)
        .order_by("-pk")
    )


def trainable_models(project: Project) -> QuerySet[ModelVersion]:
    """The project's models whose weights are ours to train."""
    return ModelVersion.objects.filter(project=project).exclude(kind=ModelVersion.Kind.API)


def base_of_project(project: Project) -> ModelVersion | None:
    """The model that training starts from where nobody says otherwise: the first base model that
    was registered, a real one before the sandbox's. Never one that was trained here."""
    bases = trainable_models(project).filter(kind=ModelVersion.Kind.BASE)
    return bases.order_by("sandbox", "pk").first()


def origin_of(model: ModelVersion) -> str:
    """What a model that was trained here continues and which run made it; empty for others."""
    run = getattr(model, "made_by_run", None)
    if run is None and model.parent is None:
        return ""
    continued = f"continues {model.parent}" if model.parent is not None else ""
    made = f"made by run {run.pk} ({run.method.upper()})" if run is not None else ""
    return ", ".join(part for part in (continued, made) if part)


def metric_rows(run: TrainingRun) -> list[dict[str, Any]]:
    """The run's metrics by step, thinned to at most MAX_POINTS; the last step is kept.

    The step of a row is the one that it is stored under, whatever its line said.
    """
    stored = run.metrics.values_list("step", "values")
    rows: list[dict[str, Any]] = [{**values, "step": step} for step, values in stored]
    stride = -(-len(rows) // MAX_POINTS) or 1
    kept = rows[::stride]
    if rows and kept[-1] is not rows[-1]:
        kept.append(rows[-1])
    return kept
