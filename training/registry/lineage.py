"""Lineage both ways: from a rater to what their labels went into, and from a model to its base."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from annotation.models import Rater
from corpus.models import ModelVersion
from exports.models import DatasetVersion


@dataclass(frozen=True, slots=True)
class Touched:
    """Datasets with labels of a rater, and the models trained on them or made from such models."""

    datasets: list[DatasetVersion]
    models: list[ModelVersion]


def touched_by(rater: Rater) -> Touched:
    """What a rater's labels went into, by the manifests of the frozen datasets."""
    signature = {"name": rater.name, "kind": rater.kind}
    datasets = [
        dataset
        for dataset in DatasetVersion.objects.filter(project=rater.project_id)
        if signature in dataset.manifest.get("labels", {}).get("raters", [])
    ]
    models = {
        model.pk: model for model in ModelVersion.objects.filter(made_by_run__dataset__in=datasets)
    }
    parents = list(models)
    while parents:
        children = ModelVersion.objects.filter(parent__in=parents).exclude(pk__in=models)
        parents = [child.pk for child in children]
        models |= {child.pk: child for child in children}
    return Touched(datasets=datasets, models=sorted(models.values(), key=lambda model: model.pk))


LOADED = ("made_by_run__spec", "made_by_run__result", "made_by_run__dataset__manifest")
"""What is large, and no list of models needs."""


def ancestry_of(model: ModelVersion) -> list[ModelVersion]:
    """From the model that everything began with to this one, each with its run and dataset, in two
    queries however long it is. Each has its parent at hand."""
    parent_of = dict(
        ModelVersion.objects.filter(project=model.project_id, parent__isnull=False).values_list(
            "pk", "parent_id"
        )
    )
    line = [model.pk]
    while (parent := parent_of.get(line[-1])) is not None and parent not in line:
        line.append(parent)
    rows = ModelVersion.objects.select_related("made_by_run__dataset").defer(*LOADED).in_bulk(line)
    ancestry = [rows[pk] for pk in reversed(line)]
    for before, after in itertools.pairwise(ancestry):
        after.parent = before
    return ancestry
