"""Which formats there are, how a file's format is found, and the stream of its lines.

A new format: a module with NAME, `recognises` and `parse`, and its row in FORMATS.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from corpus.errors import EmptyFileError, ImportFileError, UnknownFormatError
from corpus.importers import hh_rlhf, pairs_jsonl
from corpus.importers.records import PairRecord, ParsedLine

MAX_LINE_BYTES = 16 * 2**20
"""Without the line's end. A longer one is refused: it is no pair that a person could read, and it
must fit in memory."""

LINES_LOOKED_AT = 20
GZIP_MAGIC = b"\x1f\x8b"
CHECKED_BYTES = 2**20


class Format(Protocol):
    NAME: str

    def recognises(self, first: dict[str, Any]) -> bool: ...

    def parse(self, fields: dict[str, Any], line: int, source: str) -> PairRecord | str: ...


FORMATS: dict[str, Format] = {module.NAME: module for module in (pairs_jsonl, hh_rlhf)}


def format_named(name: str) -> Format:
    """The importer of that name. UnknownFormatError, which lists the known ones."""
    if name not in FORMATS:
        raise UnknownFormatError(f"Unknown format {name!r}; choose from {', '.join(FORMATS)}.")
    return FORMATS[name]


def choose_format(path: Path, name: str | None) -> Format:
    """The format of that name, or the one found, for a file that can be read to its end.

    Raises EmptyFileError, UnknownFormatError, ImportFileError.
    """
    named = format_named(name) if name is not None else None
    check_whole(path)
    return named or detect_format(path)


def check_whole(path: Path) -> None:
    """Read the file once, so that a broken one is known before its first line is stored.

    A cut or damaged gzip shows at its end alone. Raises EmptyFileError, ImportFileError.
    """
    empty = True
    with _opened(path) as file:
        while block := file.read(CHECKED_BYTES):
            empty = empty and not block.strip()
    if empty:
        raise EmptyFileError(f"{path} is empty.")


def source_name(path: Path) -> str:
    """The file's name as a text that can be stored: a name may hold bytes that are none."""
    return path.name.encode("utf-8", "replace").decode()[:200]


def detect_format(path: Path) -> Format:
    """The format that recognises one of the first lines.

    Raises EmptyFileError, UnknownFormatError, ImportFileError (not there, not readable).
    """
    seen = 0
    for number, raw in numbered_lines(path):
        fields = read_object(raw)
        if isinstance(fields, dict):
            for one in FORMATS.values():
                if one.recognises(fields):
                    return one
        seen += 1
        if number >= LINES_LOOKED_AT:
            break
    if not seen:
        raise EmptyFileError(f"{path} is empty.")
    raise UnknownFormatError(
        f"{path} is in an unknown format (known: {', '.join(FORMATS)}): its first lines contain "
        "neither prompt, response_a and response_b nor chosen and rejected dialogues."
    )


def parse_file(path: Path, one: Format) -> Iterator[ParsedLine]:
    """Every line that is not blank, parsed, in constant memory."""
    source = source_name(path)
    for number, raw in numbered_lines(path):
        fields = read_object(raw)
        if isinstance(fields, str):
            yield ParsedLine(number, reason=fields)
            continue
        parsed = one.parse(fields, number, source)
        if isinstance(parsed, str):
            yield ParsedLine(number, reason=parsed)
        else:
            yield ParsedLine(number, record=parsed)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers from 1, without blank ones and without their ends.

    A line beyond MAX_LINE_BYTES comes cut, one byte longer than that. A cut gzip ends in
    ImportFileError.
    """
    with _opened(path) as file:
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


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as probe:
            packed = probe.read(2) == GZIP_MAGIC
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            yield file  # type: ignore[misc]
    except (OSError, EOFError, zlib.error) as error:
        raise ImportFileError(f"Cannot read {path}: {error}") from error


def read_object(raw: bytes) -> dict[str, Any] | str:
    """A line's JSON object, or the reason why there is none."""
    if len(raw) > MAX_LINE_BYTES:
        return f"the line is longer than {MAX_LINE_BYTES} bytes"
    try:
        value = json.loads(
            raw.decode("utf-8-sig"),
            parse_constant=_refuse_constant,
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


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _without_doubles(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members. A name that stands twice has no meaning that readers agree on."""
    found = dict(members)
    if len(found) != len(members):
        names = [name for name, _ in members]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {double[:50]!a} appears twice in one object")
    return found
