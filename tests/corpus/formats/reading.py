"""Rows through a format, as an import reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from corpus.importers.files.opening import rows_of
from corpus.importers.files.rows import RawRow
from corpus.importers.records import GroupRecord, LabelRecord, PairRecord, ParsedLine, Record
from corpus.importers.registry import Format, detect_format, parse_rows

EXAMPLES = Path(settings.BASE_DIR).parent / "shared/data/formats"


def read(one: Format, *rows: dict[str, Any]) -> list[ParsedLine]:
    """What the format makes of rows, with the number of each from 1."""
    raw = [RawRow(number, row) for number, row in enumerate(rows, 1)]
    return list(parse_rows(raw, one, "file.jsonl"))


def record(one: Format, **row: Any) -> Record:
    """The one record of a row."""
    [line] = read(one, row)
    assert not line.reason, line.reason
    [found] = line.records
    return found


def pair(one: Format, **row: Any) -> PairRecord:
    found = record(one, **row)
    assert isinstance(found, PairRecord)
    return found


def label(one: Format, **row: Any) -> LabelRecord:
    """The one label of the pair of a row."""
    [found] = pair(one, **row).labels
    return found


def reason(one: Format, **row: Any) -> str:
    """Why a row holds no record."""
    [line] = read(one, row)
    assert not line.records
    return line.reason


def example(name: str, one: Format) -> list[Record]:
    """The records of a small file in the shape of a format, which is found by looking; the test is
    skipped where the file is not there."""
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip("the example files are not here")
    rows = list(rows_of(path))
    assert detect_format(iter(rows), name) is one
    lines = list(parse_rows(iter(rows), one, name))
    assert [line.reason for line in lines if line.reason] == []
    return [found for line in lines for found in line.records]


def example_pairs(name: str, one: Format) -> list[PairRecord]:
    records = example(name, one)
    pairs = [found for found in records if isinstance(found, PairRecord)]
    assert len(pairs) == len(records)
    return pairs


def example_groups(name: str, one: Format) -> list[GroupRecord]:
    records = example(name, one)
    groups = [found for found in records if isinstance(found, GroupRecord)]
    assert len(groups) == len(records)
    return groups


def choices(pairs: list[PairRecord]) -> list[list[str | None]]:
    """Of each pair, the choices of its labels."""
    return [[label.choice for label in one.labels] for one in pairs]
