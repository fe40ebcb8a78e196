"""CSV and TSV: columns by the names of the first line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import IO

from corpus.errors import ImportFileError
from corpus.importers.files.json_rows import MAX_LINE_BYTES
from corpus.importers.files.rows import RawRow

DELIMITERS = ",;\t|"
MAX_HEAD_CHARACTERS = 2**20
MAX_HEAD_LINES = 100
MAX_COLUMNS = 10_000


def rows(file: IO[bytes], name: str) -> Iterator[RawRow]:
    """Each record, numbered by the line on which it begins; the line of the names is line 1.

    An empty cell is a missing value. ImportFileError for names that are missing, doubled or too
    many, for text that is not UTF-8, and for quotes in the first line that never end.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        head = text.readline(MAX_HEAD_CHARACTERS + 1)
        if len(head) > MAX_HEAD_CHARACTERS:
            raise ImportFileError(
                f"{name}: the first line, which should name the columns, is longer than "
                f"{MAX_HEAD_CHARACTERS:,} characters."
            )
        # A name in quotes may go on on the next line.
        reader = csv.reader(chain([head], text), delimiter=delimiter_of(head))
        try:
            cells = next(reader, [])
        except csv.Error as error:
            raise ImportFileError(
                f"{name}: the names of the columns are not CSV: {error}"
            ) from error
        if reader.line_num > MAX_HEAD_LINES:
            raise ImportFileError(f"{name}: a quote in the first line is never closed.")
        names = _names(cells, name)
        begins = reader.line_num + 1
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                yield RawRow(begins, reason=f"not CSV: {error}")
                begins = reader.line_num + 1
                continue
            if row is None:
                return
            if any(cell.strip() for cell in row):
                yield _row(begins, row, names)
            begins = reader.line_num + 1
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
    if len(names) > MAX_COLUMNS:
        raise ImportFileError(f"{name} has {len(names):,} columns; the limit is {MAX_COLUMNS:,}.")
    if not all(names):
        place = names.index("") + 1
        raise ImportFileError(f"{name}: column {place} has no name in the first line.")
    if doubled := sorted(one for one, count in Counter(names).items() if count > 1):
        raise ImportFileError(f"{name}: two columns are named {doubled[0]!r}.")
    return names
