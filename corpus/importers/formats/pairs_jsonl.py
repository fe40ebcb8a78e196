"""Pairs JSONL, Concord's own format: one object a line. See docs/data-format.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, cleaned, rest
from corpus.importers.records import LabelRecord, PairRecord, Record

NAME = "pairs"
TITLE = "Concord pairs"

FIELDS = frozenset(PairRecord.model_fields) - {"dropped"}
LABEL_FIELDS = frozenset(LabelRecord.model_fields)


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where rows have the fields of a pair."""
    return int(any({"prompt", "response_a", "response_b"} <= set(row) for row in rows))


def parse(row: Row) -> list[Record]:
    """The pair of a row. Fields that are not ours become metadata."""
    known = {name: value for name, value in row.fields.items() if name in FIELDS}
    metadata = known.get("metadata")
    if metadata is None or isinstance(metadata, Mapping):
        known["metadata"] = {**(metadata or {}), **rest(row.fields, FIELDS)}
    dropped: dict[str, None] = {}
    labels = known.get("labels")
    if isinstance(labels, list):
        known["labels"] = [_label(one, dropped) for one in labels]
    return [PairRecord.model_validate({**known, "dropped": tuple(dropped)})]


def _label(label: Any, dropped: dict[str, None]) -> Any:
    """A label without the fields that it has no place for, whose names go into `dropped`."""
    if not isinstance(label, dict):
        return label
    dropped.update((f"labels.{name}"[:200], None) for name in label if name not in LABEL_FIELDS)
    return {name: cleaned(value) for name, value in label.items() if name in LABEL_FIELDS}


def write(record: PairRecord) -> dict[str, Any]:
    """The object of a line, from which `parse` makes the same record."""
    found = record.model_dump(mode="json", exclude_defaults=True, exclude={"dropped", "prompt"})
    return {"prompt": record.messages(), **found}
