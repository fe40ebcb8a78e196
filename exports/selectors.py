"""Reads of dataset versions."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
from django.db.models import QuerySet

from corpus.models import Project
from exports.models import DatasetVersion


def datasets_of(project: Project) -> QuerySet[DatasetVersion]:
    return DatasetVersion.objects.filter(project=project).select_related("created_by")


def first_rows(dataset: DatasetVersion, count: int) -> list[dict[str, Any]]:
    """The first rows of the train split; none when the folder is gone."""
    path = dataset.folder / "train.parquet"
    if not path.exists():
        return []
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(batch_size=count), None)
        return batch.to_pylist() if batch is not None else []
