"""From a rater to every dataset and model that their labels went into."""

from __future__ import annotations

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
