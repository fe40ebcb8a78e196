"""A dataset's folder: rows hashed on the way, three Parquet files, renamed when whole."""

from __future__ import annotations

import json
import logging
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.utils import timezone

from exports.errors import NothingToFreezeError
from exports.rows import RowFormat, SplitHasher, calls_tools, dataset_sha256, with_tools
from exports.spec import SplitSpec
from exports.splits import SPLITS, Split, split_of
from exports.verifying import verify_folder

logger = logging.getLogger(__name__)

ROW_GROUP_ROWS = 2_000
DRAFT_PREFIX = ".draft-"
STALE_DRAFT_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Built:
    sha256: str
    manifest: dict[str, Any]


class Writer:
    """The three Parquet files of a dataset, written in row groups and hashed row by row."""

    def __init__(self, folder: Path, schema: pa.Schema, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._tools = False
        self._open(schema)
        self._waiting: dict[Split, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        self.hashers = {split: SplitHasher() for split in SPLITS}

    def _open(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._files = {
            split: self._stack.enter_context(pq.ParquetWriter(self._path(split), schema))
            for split in SPLITS
        }

    def _path(self, split: Split) -> Path:
        return self._folder / f"{split}.parquet"

    def add(self, split: Split, row: dict[str, Any]) -> None:
        self.hashers[split].add(row)
        if not self._tools and calls_tools(row):
            self._widen()
        self._waiting[split].append(row)
        if len(self._waiting[split]) >= ROW_GROUP_ROWS:
            self._flush(split)

    def finish(self) -> None:
        for split in SPLITS:
            self._flush(split)

    def _widen(self) -> None:
        """Write anew, with room for tools, what was written before the first row that has some:
        all files of a dataset have the same columns."""
        self._tools = True
        written: dict[Split, Path] = {}
        for split in SPLITS:
            self._files[split].close()
            written[split] = self._path(split).rename(self._path(split).with_suffix(".narrow"))
        self._open(with_tools(self._schema))
        for split, path in written.items():
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=ROW_GROUP_ROWS):
                    table = pa.Table.from_pylist(batch.to_pylist(), schema=self._schema)
                    self._files[split].write_table(table)
            path.unlink()

    def _flush(self, split: Split) -> None:
        rows, self._waiting[split] = self._waiting[split], []
        if rows:
            self._files[split].write_table(pa.Table.from_pylist(rows, schema=self._schema))


def write_dataset(
    row_format: RowFormat,
    rows: Iterable[dict[str, Any]],
    spec: SplitSpec,
    *,
    dropped: MutableMapping[str, int],
    about: Callable[[], Mapping[str, Any]],
    card: Callable[[Path, dict[str, Any]], None],
) -> Built:
    """Write a dataset's folder, named by the hash of its rows.

    Args:
        rows: in an order of their content, each with `prompt_sha256`, which decides its split.
        dropped: what was left out and why, complete when the rows are.
        about: the manifest's part that is the kind's own, asked when the rows are written.
        card: writes README.md and the plot into the folder.

    Raises:
        NothingToFreezeError: no row for training is left; nothing was written.
    """
    home = Path(settings.DATASETS_FOLDER)
    home.mkdir(parents=True, exist_ok=True)
    _remove_stale_drafts(home)
    draft = home / f"{DRAFT_PREFIX}{uuid.uuid4().hex}"
    draft.mkdir()
    try:
        with ExitStack() as stack:
            writer = Writer(draft, row_format.schema, stack)
            for row in rows:
                writer.add(_split_of(row, spec), row)
            writer.finish()
        if not writer.hashers["train"].rows:
            if sum(one.rows for one in writer.hashers.values()):
                dropped["the split leaves no rows for training"] = 1
            raise NothingToFreezeError(dropped)
        hashes: dict[str, str] = {split: one.hexdigest() for split, one in writer.hashers.items()}
        sha256 = dataset_sha256(hashes, row_format)
        manifest = {
            "format": row_format.name,
            "kind": row_format.kind,
            "sha256": sha256,
            "splits": {
                split: {"rows": writer.hashers[split].rows, "sha256": hashes[split]}
                for split in SPLITS
            },
            "created_at": timezone.now().isoformat(timespec="seconds"),
            "filters": spec.model_dump(mode="json"),
            **about(),
            "code_version": settings.CODE_VERSION,
        }
        (draft / "manifest.json").write_text(
            json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        )
        card(draft, manifest)
        _put_in_place(draft, home / sha256)
        return Built(sha256, manifest)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _split_of(row: Mapping[str, Any], spec: SplitSpec) -> Split:
    return split_of(
        row["prompt_sha256"], seed=spec.seed, validation=spec.validation, test=spec.test
    )


def _put_in_place(draft: Path, folder: Path) -> None:
    """Rename the draft, or keep the equal rows that are there when they are whole.

    Their manifest and card are of whoever froze them first, maybe in another project: a version's
    own manifest is in its row, and its card is made from that.
    """
    if folder.exists():
        if verify_folder(folder).ok:
            return
        damaged = folder.with_name(f"{folder.name}.damaged-{uuid.uuid4().hex[:8]}")
        logger.warning("%s was damaged; it was moved to %s and built again", folder, damaged.name)
        folder.rename(damaged)
    draft.rename(folder)


def _remove_stale_drafts(home: Path) -> None:
    for leftover in home.glob(f"{DRAFT_PREFIX}*"):
        if time.time() - leftover.stat().st_mtime > STALE_DRAFT_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)
