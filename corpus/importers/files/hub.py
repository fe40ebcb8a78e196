"""Datasets on a hub, row by row as they come, without a copy of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from corpus.errors import ImportFileError
from corpus.importers.files.columnar import plain
from corpus.importers.files.rows import RawRow

if TYPE_CHECKING:
    from datasets import NamedSplit

ON_HUB = "hf://datasets/"


class HubDataset(BaseModel):
    """A dataset of a hub. Without a revision it is pinned to the newest when it is imported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[\w.-]+(/[\w.-]+)?$", max_length=200)
    revision: str = Field("", max_length=100)
    config: str = Field("", max_length=100)
    split: str = Field("train", max_length=100)


def pinned(dataset: HubDataset) -> HubDataset:
    """The dataset at the commit that its revision names now. ImportFileError without a hub."""
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        found = HfApi().dataset_info(dataset.name, revision=dataset.revision or None)
    except (
        HfHubHTTPError,
        OfflineModeIsEnabled,
        httpx.HTTPError,
        OSError,
        ValueError,
    ) as error:
        raise ImportFileError(_unreachable(dataset, error)) from error
    return dataset.model_copy(update={"revision": found.sha or dataset.revision})


def rows(dataset: HubDataset) -> Iterator[RawRow]:
    """The rows of a split, numbered from 1. No code of the dataset's repository runs.

    ImportFileError for a dataset that cannot be reached or has no such split.
    """
    # Here and not above: it takes seconds, and most imports are of files.
    import httpx
    from datasets import load_dataset_builder
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    number = 0
    try:
        builder = load_dataset_builder(
            dataset.name, dataset.config or None, revision=dataset.revision or None
        )
        _check_on_hub(dataset, builder.config.data_files)
        for fields in builder.as_streaming_dataset(split=dataset.split):
            number += 1
            try:
                yield RawRow(number, {name: plain(value) for name, value in fields.items()})
            except ValueError as error:
                yield RawRow(number, reason=str(error))
    except (
        DatasetsError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        httpx.HTTPError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:
        raise ImportFileError(_unreachable(dataset, error)) from error


def _check_on_hub(
    dataset: HubDataset, files: Mapping[str | NamedSplit, Iterable[str]] | None
) -> None:
    """ImportFileError where any of the dataset's files lies elsewhere than on the hub.

    The name of a folder, or of a kind of file such as `text`, would be read from this machine; and
    what a dataset says of itself may name any path or address.
    """
    places = [str(place) for several in (files or {}).values() for place in several]
    if not places:
        raise ImportFileError(f"There are no files of a dataset {dataset.name} on the hub.")
    strange = (place for place in places if not place.split("::")[-1].startswith(ON_HUB))
    if next(strange, None) is not None:
        raise ImportFileError(
            f"{dataset.name} has files that are not on the hub; only datasets that are there as a "
            "whole are read. Download the files and import them."
        )


def _unreachable(dataset: HubDataset, error: Exception) -> str:
    from huggingface_hub.errors import (
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, RevisionNotFoundError):
        return f"The dataset {dataset.name} has no revision {dataset.revision}."
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"There is no dataset {dataset.name} on the hub, or this installation may not read it."
        )
    if isinstance(error, OfflineModeIsEnabled):
        return (
            f"The dataset {dataset.name} cannot be read: this installation is offline "
            "(HF_HUB_OFFLINE). Download its files elsewhere and import them."
        )
    said = " ".join(str(error).split())[:200]
    at = f" at {dataset.revision}" if dataset.revision else ""
    return f"The dataset {dataset.name}{at} cannot be read from the hub: {said}"
