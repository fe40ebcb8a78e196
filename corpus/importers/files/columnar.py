"""Parquet and Arrow files, batch by batch."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
from pyarrow import types

from corpus.errors import ImportFileError
from corpus.importers.files.rows import RawRow

BATCH_ROWS = 1_000


def parquet(file: IO[bytes] | Path, name: str) -> Iterator[RawRow]:
    """Each row of a Parquet file, numbered from 1. ImportFileError for one that is damaged."""
    try:
        table = pyarrow.parquet.ParquetFile(file, memory_map=False, pre_buffer=False)
        yield from _rows(table.iter_batches(batch_size=BATCH_ROWS), table.schema_arrow)
    except (pa.ArrowException, OSError) as error:
        raise ImportFileError(f"{name} cannot be read as Parquet: {_said(error)}") from error


def arrow(file: IO[bytes], name: str, *, stream: bool) -> Iterator[RawRow]:
    """Each row of an Arrow IPC file or stream, as `datasets` saves them."""
    try:
        if stream:
            reader = pyarrow.ipc.open_stream(file)
            yield from _rows(reader, reader.schema)
        else:
            whole = pyarrow.ipc.open_file(file)
            batches = (whole.get_batch(place) for place in range(whole.num_record_batches))
            yield from _rows(batches, whole.schema)
    except (pa.ArrowException, OSError) as error:
        raise ImportFileError(f"{name} cannot be read as Arrow: {_said(error)}") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _rows(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[RawRow]:
    odd = {field.name for field in schema if not _is_json(field.type)}
    number = 0
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            for fields in batch.slice(start, BATCH_ROWS).to_pylist():
                number += 1
                try:
                    for column in odd:
                        fields[column] = plain(fields[column])
                except ValueError as error:
                    yield RawRow(number, reason=f"{column}: {error}")
                    continue
                yield RawRow(number, fields)


def _is_json(kind: pa.DataType) -> bool:
    """Whether every value of the type is one of JSON as it is."""
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_json(kind.value_type)
    if types.is_struct(kind):
        return all(_is_json(kind.field(place).type) for place in range(kind.num_fields))
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_integer(kind)
        or types.is_boolean(kind)
        or types.is_null(kind)
    )


PLAIN: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Decimal, float),
    (dt.datetime, lambda value: value.isoformat()),
    (dt.date, lambda value: value.isoformat()),
    (dt.time, lambda value: value.isoformat()),
    (dt.timedelta, lambda value: value.total_seconds()),
)


def plain(value: Any) -> Any:
    """A value with the types of JSON alone; NaN and the infinities are missing.

    ValueError for bytes, in which an image or a sound would come.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes | bytearray | memoryview):
        raise ValueError(
            "holds binary data, such as an image or a sound; only text can be labelled"
        )
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    for kind, turned in PLAIN:
        if isinstance(value, kind):
            return turned(value)
    return value
