"""Two versions beside each other: which rows they share, and what else differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from exports.models import DatasetVersion
from exports.showing.summary import SPLIT_WORDS, Part, in_a_row, rows_of
from exports.splits import SPLITS
from exports.words import FILTERS, filter_words, reason_words

NOT_SET = "–"


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows by where they are; of those in both, how many prefer the other answer now (`turned`)
    and how many are in another split (`moved`)."""

    only_here: int
    both: int
    only_there: int
    turned: int
    moved: int

    def parts(self, here: str, there: str) -> list[Part]:
        """The three as one bar 100 wide, with the names of the two versions."""
        parts = [
            ("left", f"only in {there}", self.only_there),
            ("train", "in both", self.both),
            ("validation", f"only in {here}", self.only_here),
        ]
        return in_a_row([part for part in parts if part[2]])


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    here: str
    there: str


def shared(here: DatasetVersion, there: DatasetVersion) -> Shared | None:
    """What the rows of two versions of one kind have in common; None when a folder is gone."""
    ours, theirs = _rows(here), _rows(there)
    if ours is None or theirs is None:
        return None
    met = ours.join(theirs, keys="key", join_type="inner", right_suffix="_there")
    turned = moved = 0
    for batch in met.to_batches():
        columns = batch.to_pydict()
        turned += _different(columns["chosen"], columns["chosen_there"])
        moved += _different(columns["split"], columns["split_there"])
    both = met.num_rows
    return Shared(ours.num_rows - both, both, theirs.num_rows - both, turned, moved)


def _different(ours: list[Any], theirs: list[Any]) -> int:
    return sum(one != other for one, other in zip(ours, theirs, strict=True))


def _rows(dataset: DatasetVersion) -> pa.Table | None:
    """Of every row its key, its preferred answer and its split."""
    paired = dataset.kind == DatasetVersion.Kind.PREFERENCE
    key, chosen = ("pair_sha256", "chosen_sha256") if paired else ("completion_sha256",) * 2
    tables = []
    for split in SPLITS:
        path = dataset.folder / f"{split}.parquet"
        if not path.exists():
            return None
        found = pq.read_table(path, columns=sorted({key, chosen}))
        columns = {
            "key": found.column(key),
            "chosen": found.column(chosen),
            "split": pa.repeat(split, found.num_rows),
        }
        tables.append(pa.table(columns))
    # A helpful answer may stand in a version twice: once as what a critique left as it was.
    every = pa.concat_tables(tables).group_by("key", use_threads=False)
    once = every.aggregate([("chosen", "first"), ("split", "first")])
    return once.rename_columns(["key", "chosen", "split"])


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[Difference]:
    """Of two manifests: rows by split, settings and reasons that are not the same."""
    found = [*_splits(here, there), *_settings(here, there), *_reasons(here, there)]
    return [one for one in found if one.here != one.there]


def _splits(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[Difference]:
    ours, theirs = rows_of(here), rows_of(there)
    for split in SPLITS:
        yield Difference(f"Rows for {SPLIT_WORDS[split]}", f"{ours[split]:,}", f"{theirs[split]:,}")


def _settings(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[Difference]:
    ours, theirs = (dict(filter_words(one.get("filters", {}))) for one in (here, there))
    known = [name for name in FILTERS.values() if name in ours or name in theirs]
    for name in dict.fromkeys([*known, *ours, *theirs]):
        yield Difference(name, ours.get(name, NOT_SET), theirs.get(name, NOT_SET))


def _reasons(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[Difference]:
    ours, theirs = here.get("dropped", {}), there.get("dropped", {})
    for why in dict.fromkeys([*ours, *theirs]):
        name = f"Left out: {reason_words(why)}"
        yield Difference(name, f"{ours.get(why, 0):,}", f"{theirs.get(why, 0):,}")


def only_raters(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Raters whose labels are in the first alone."""
    ours, theirs = (
        {one["name"] for one in manifest.get("labels", {}).get("raters", [])}
        for manifest in (here, there)
    )
    return sorted(ours - theirs)
