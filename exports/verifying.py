"""Is a dataset folder still what its name says?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from exports.errors import UnknownDatasetError
from exports.rows import FORMATS, RowFormat, SplitHasher, dataset_sha256
from exports.splits import SPLITS

FILES = frozenset({*(f"{split}.parquet" for split in SPLITS), "manifest.json", "README.md"})
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a dataset is whole, and what differs when it is not."""

    ok: bool
    reason: str = ""


class _DifferenceError(Exception):
    """What does not fit; becomes the reason."""


def verify(sha256: str) -> Verification:
    """Recompute a dataset version from its Parquet. UnknownDatasetError when there is no folder."""
    if not SHA256.fullmatch(sha256):
        raise UnknownDatasetError(f"{sha256!r} is not a sha256: it needs 64 hexadecimal digits.")
    folder = Path(settings.DATASETS_FOLDER) / sha256
    if not folder.is_dir():
        raise UnknownDatasetError(f"There is no dataset {sha256}.")
    return verify_folder(folder)


def verify_folder(folder: Path) -> Verification:
    try:
        _check(folder)
    except _DifferenceError as difference:
        return Verification(ok=False, reason=str(difference))
    return Verification(ok=True)


def _check(folder: Path) -> None:
    present = {path.name for path in folder.iterdir()}
    for missing in sorted(FILES - present):
        raise _DifferenceError(f"{missing} is missing")
    manifest, row_format = _manifest(folder)
    files = FILES | {row_format.plot}
    for missing in sorted(files - present):
        raise _DifferenceError(f"{missing} is missing")
    for strange in sorted(present - files):
        raise _DifferenceError(f"{strange} does not belong here")
    hashes: dict[str, str] = {}
    home_of: dict[str, str] = {}
    for split in SPLITS:
        hasher = SplitHasher()
        for row in _rows(folder / f"{split}.parquet", row_format):
            hasher.add(row)
            other = home_of.setdefault(row["prompt_sha256"], split)
            if other != split:
                raise _DifferenceError(
                    f"prompt {row['prompt_sha256']} is in both {other} and {split}"
                )
        hashes[split] = hasher.hexdigest()
        stated = manifest["splits"][split]
        if stated["rows"] != hasher.rows:
            raise _DifferenceError(
                f"{split}.parquet has {hasher.rows} rows, the manifest says {stated['rows']}"
            )
        if stated["sha256"] != hashes[split]:
            raise _DifferenceError(f"the rows of {split}.parquet are not those that were frozen")
    sha256 = dataset_sha256(hashes, row_format)
    if sha256 != folder.name:
        raise _DifferenceError(
            f"the rows have the sha256 {sha256}, the folder is named {folder.name}"
        )
    if manifest["sha256"] != sha256:
        raise _DifferenceError(f"the manifest names another sha256: {manifest['sha256']}")


def _manifest(folder: Path) -> tuple[dict[str, Any], RowFormat]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        stated = [manifest["splits"][split][key] for split in SPLITS for key in ("rows", "sha256")]
        _ = (stated, manifest["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise _DifferenceError(
            f"manifest.json cannot be read: {type(error).__name__} {error}"
        ) from None
    row_format = FORMATS.get(manifest.get("format", ""))
    if row_format is None:
        raise _DifferenceError(
            f"the manifest's format is {manifest.get('format')!r}, not one of {', '.join(FORMATS)}"
        )
    return manifest, row_format


def _rows(path: Path, row_format: RowFormat) -> Iterator[dict[str, Any]]:
    """Rows in order, with the columns of the schema; other writers' types are read as ours."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if set(names) != set(row_format.schema.names):
                wrong = sorted(set(names) ^ set(row_format.schema.names))
                raise _DifferenceError(f"{path.name}: columns differ: {', '.join(wrong)}")
            for batch in file.iter_batches(batch_size=1_000):
                yield from batch.to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise _DifferenceError(f"{path.name} is not a readable Parquet file: {error}") from None
