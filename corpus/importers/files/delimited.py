"""CSV and TSV: columns by the names of the first line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import IO

from corpus.errors import ImportFileError
from corpus.importers.files.json_rows import MAX_LINE_BYTES
from corpus.importers.files.rows import RawRow

DELIMITERS = ",;\t|"
SAMPLE = 64 * 1024


def rows(file: IO[bytes], name: str) -> Iterator[RawRow]:
    """Each record, numbered by the line on which it begins; the line of the names is line 1.

    An empty cell is a missing value. ImportFileError for names that are missing or doubled, and
    for text that is not UTF-8.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        head = text.readline(SAMPLE)
        delimiter = delimiter_of(head)
        names = _names(next(csv.reader([head], delimiter=delimiter), []), name)
        reader = csv.reader(text, delimiter=delimiter)
        begins = 2
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield RawRow(begins, reason=f"not CSV: {error}")
                begins = reader.line_num + 2
                continue
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield _row(begins, cells, names)
            begins = reader.line_num + 2
    except UnicodeDecodeError as error:
        raise ImportFileError(
            f"{name} is not UTF-8 ({error.reason}). Save it as UTF-8 and import it again."
        ) from error
    finally:
        text.detach()


def _row(number: int, cells: list[str], names: list[str]) -> RawRow:
    if len(cells) != len(names):
        return RawRow(
            number, reason=f"has {len(cells)} cells for {len(names)} columns; check its quotes"
        )
    return RawRow(number, {name: cell or None for name, cell in zip(names, cells, strict=True)})


def delimiter_of(head: str) -> str:
    """The delimiter that stands most often outside quotes in the line of the names."""
    outside = "".join(head.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _names(cells: list[str], name: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not all(names):
        place = names.index("") + 1
        raise ImportFileError(f"{name}: column {place} has no name in the first line.")
    if doubled := sorted({one for one in names if names.count(one) > 1}):
        raise ImportFileError(f"{name}: two columns are named {doubled[0]!r}.")
    return names
