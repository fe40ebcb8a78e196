"""Reads of dataset versions."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.parquet as pq
from django.db.models import QuerySet

from corpus.models import Pair, Project
from exports.models import DatasetVersion
from exports.splits import SPLITS
from judging.errors import UnknownSelectionError


def datasets_of(project: Project) -> QuerySet[DatasetVersion]:
    return DatasetVersion.objects.filter(project=project).select_related("created_by")


def dataset_pairs(project: Project, sha256: str) -> Iterator[str]:
    """The sha256 of every pair of a preference dataset, split by split.

    UnknownSelectionError where the project has no such dataset, or its folder is gone.
    """
    dataset = DatasetVersion.objects.filter(project=project, sha256=sha256).first()
    if dataset is None or dataset.kind != DatasetVersion.Kind.PREFERENCE:
        raise UnknownSelectionError(f"{project.slug} has no preference dataset {sha256}.")
    for split in SPLITS:
        path = dataset.folder / f"{split}.parquet"
        if not path.exists():
            raise UnknownSelectionError(f"{path.name} of the dataset {sha256} is missing.")
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["pair_sha256"]):
                yield from batch.column("pair_sha256").to_pylist()


DATASETS_SEARCHED = 50


def datasets_with(pair: Pair) -> list[tuple[DatasetVersion, str]]:
    """The newest DATASETS_SEARCHED preference datasets that hold the pair, each with its split."""
    found: list[tuple[DatasetVersion, str]] = []
    preferences = DatasetVersion.objects.filter(
        project=pair.project_id, kind=DatasetVersion.Kind.PREFERENCE
    )
    for dataset in preferences[:DATASETS_SEARCHED]:
        split = next((name for name in SPLITS if _holds(dataset, name, pair.sha256)), None)
        if split is not None:
            found.append((dataset, split))
    return found


def _holds(dataset: DatasetVersion, split: str, pair_sha256: str) -> bool:
    """Whether a split has a row of the pair; a folder that is gone has none."""
    path = dataset.folder / f"{split}.parquet"
    if not path.exists():
        return False
    rows = pq.read_table(path, columns=["pair_sha256"], filters=[("pair_sha256", "=", pair_sha256)])
    return bool(rows.num_rows)
