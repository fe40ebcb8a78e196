"""Reads of dataset versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from django.db.models import QuerySet

from annotation.models import Label
from corpus.models import Import, Pair, Project, Prompt
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


def datasets_on_import(job: Import) -> list[str]:
    """The frozen datasets that hold what an import brought in: its pairs, prompts of its own, or
    pairs that it labelled."""
    datasets = DatasetVersion.objects.filter(project=job.project_id)
    if not datasets.exists():
        return []
    pairs = set(Pair.objects.filter(source_import=job).values_list("sha256", flat=True))
    labelled = Label.objects.filter(source_import=job).exclude(pair__source_import=job)
    pairs |= set(labelled.values_list("pair__sha256", flat=True))
    prompts = set(Prompt.objects.filter(source_import=job).values_list("sha256", flat=True))
    return [
        f"the dataset {dataset}"
        for dataset in datasets
        if any(_meets(dataset.folder / f"{split}.parquet", pairs, prompts) for split in SPLITS)
    ]


def _meets(path: Path, pairs: set[str], prompts: set[str]) -> bool:
    """Whether a split has a row of one of these pairs, or, where its rows are of no pairs, of one
    of these prompts; a file that is gone has none."""
    if not path.exists():
        return False
    with pq.ParquetFile(path) as file:
        by_pair = "pair_sha256" in file.schema_arrow.names
        column, wanted = ("pair_sha256", pairs) if by_pair else ("prompt_sha256", prompts)
        return any(
            not wanted.isdisjoint(batch.column(column).to_pylist())
            for batch in file.iter_batches(columns=[column])
        )
