"""JSON lines and JSON arrays, in constant memory."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

import ijson

from corpus.errors import ImportFileError
from corpus.importers.files.rows import RawRow

MAX_LINE_BYTES = 16 * 2**20
"""Without the line's end. A longer one is refused: it is no pair that a person could read, and it
must fit in memory."""

BOM = b"\xef\xbb\xbf"

MAX_DEPTH = 64
"""Of a JSON array and what it holds."""


def lines(file: IO[bytes]) -> Iterator[RawRow]:
    """Each line that is not blank."""
    for number, raw in numbered_lines(file):
        fields = read_object(raw)
        if isinstance(fields, str):
            yield RawRow(number, reason=fields)
        else:
            yield RawRow(number, fields)


def numbered_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers from 1, without blank ones and without their ends.

    A line beyond MAX_LINE_BYTES comes cut, one byte longer than that.
    """
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        line = raw.removesuffix(b"\n")
        if len(line) > MAX_LINE_BYTES:
            _skip_line(file)
        if line.strip():
            yield number, line


def _skip_line(file: IO[bytes]) -> None:
    """Read to the end of a line without keeping it."""
    while (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass


def read_object(raw: bytes) -> dict[str, Any] | str:
    """A line's JSON object, or the reason why there is none. NaN and the infinities, which many
    writers of JSON write, are read as missing."""
    if len(raw) > MAX_LINE_BYTES:
        return f"the line is longer than {MAX_LINE_BYTES} bytes"
    try:
        value = json.loads(
            raw.decode("utf-8-sig"),
            parse_constant=_missing,
            object_pairs_hook=_without_doubles,
        )
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start}"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at column {error.colno}"
    except RecursionError:
        return "not JSON: nested too deeply"
    except ValueError as error:
        return f"not usable JSON: {error}"
    if not isinstance(value, dict):
        return f"must be a JSON object, got {type(value).__name__}"
    return value


def _missing(name: str) -> None:
    """NaN, Infinity and -Infinity are no numbers of JSON."""


def _without_doubles(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members. A name that stands twice has no meaning that readers agree on."""
    found = dict(members)
    if len(found) != len(members):
        counts = Counter(name for name, _ in members)
        double = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"the name {double[:50]!a} appears twice in one object")
    return found


def array(file: IO[bytes], name: str) -> Iterator[RawRow]:
    """Each element of a JSON array, numbered from 1.

    ImportFileError where the array breaks off or is no JSON: what follows cannot be found again.
    """
    start = file.read(len(BOM))
    if start != BOM:
        file.seek(0)
    number = 0
    try:
        for value in _elements(file, name):
            number += 1
            if isinstance(value, dict):
                yield RawRow(number, _finite(value))
            else:
                yield RawRow(number, reason=f"must be a JSON object, got {type(value).__name__}")
    except ijson.JSONError as error:
        said = " ".join(str(error).split())[:200]
        raise ImportFileError(
            f"{name} is not a whole JSON array: after element {number}: {said}"
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise ImportFileError(f"{name} cannot be read after element {number}: {error}") from error


def _elements(file: IO[bytes], name: str) -> Iterator[Any]:
    """The elements of the outermost array. ImportFileError for one that is nested too deeply: its
    reader would take time by the square of its depth."""
    depth, builder = 0, None
    for event, value in ijson.basic_parse(file, use_float=True):
        if event in ("end_map", "end_array"):
            depth -= 1
        if depth >= 1:
            builder = builder or ijson.ObjectBuilder()
            builder.event(event, value)
        if event in ("start_map", "start_array"):
            depth += 1
            if depth > MAX_DEPTH:
                raise ImportFileError(f"{name} is nested more than {MAX_DEPTH} deep.")
        elif depth == 1 and builder is not None:
            yield builder.value
            builder = None


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return value
