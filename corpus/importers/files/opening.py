"""What a file is written in, by its first bytes and never by its name, and its rows.

Packed files (gzip, Zstandard) are read as what they hold; a zip archive is read member by member.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from django.conf import settings

from corpus.errors import EmptyFileError, ImportFileError
from corpus.importers.files import columnar, delimited, json_rows
from corpus.importers.files.rows import RawRow

GZIP = b"\x1f\x8b"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
ZIP = b"PK\x03\x04"
PARQUET = b"PAR1"
ARROW_FILE = b"ARROW1"
ARROW_STREAM = b"\xff\xff\xff\xff"
LOOKED_AT = 64 * 1024
CHECKED_BYTES = 2**20
LINES_LOOKED_AT = 20
MAC_LEFTOVERS = "__MACOSX/"
ENCRYPTED = 0x1
UNREADABLE = (
    *(OSError, EOFError, zlib.error, zipfile.BadZipFile, pa.ArrowException),
    # What zipfile says of an archive that is damaged or packed in a way that it does not know.
    *(struct.error, lzma.LZMAError, NotImplementedError, UnicodeDecodeError),
)


class Seekable(io.RawIOBase):
    """What is no file of this machine, but can be read at any place as cheaply as one."""


class _Limited(io.RawIOBase):
    """What a packed file holds. ImportFileError beyond the most bytes that are unpacked."""

    def __init__(self, unpacked: Any) -> None:
        self._unpacked = unpacked
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._unpacked.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = int(self._unpacked.seek(offset, whence))
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        count = int(self._unpacked.readinto(buffer))
        self._at += count
        most = settings.IMPORT_MAX_UNPACKED_BYTES
        if self._at > most:
            raise ImportFileError(
                f"The file holds more than {most:,} bytes unpacked, the limit "
                "(CONCORD_IMPORT_MAX_UNPACKED_BYTES)."
            )
        return count


@dataclass(frozen=True, slots=True)
class Facts:
    """By what a file is known again."""

    size: int
    sha256: str


def facts_of(path: Path) -> Facts:
    """The file's size and SHA-256. Raises EmptyFileError, ImportFileError."""
    digest, size = hashlib.sha256(), 0
    with _reading(path), path.open("rb") as file:
        while block := file.read(CHECKED_BYTES):
            digest.update(block)
            size += len(block)
    if not size:
        raise EmptyFileError(f"{path} is empty.")
    return Facts(size, digest.hexdigest())


def check_whole(path: Path) -> None:
    """Unpack a packed file once, so that a broken one is known before its first row is stored: a
    cut or damaged one shows at its end alone. Raises EmptyFileError, ImportFileError."""
    with _reading(path), path.open("rb") as file:
        if _begins(file, ZIP):
            with zipfile.ZipFile(file) as archive:
                _members_of(archive, str(path))
                if broken := archive.testzip():
                    raise ImportFileError(f"Cannot read {path}: {broken} in it is damaged.")
            return
        unpacked, empty = _unpacked(file), True
        while block := unpacked.read(CHECKED_BYTES):
            empty = empty and not block.strip()
            if not empty and unpacked is file:
                return
    if empty:
        raise EmptyFileError(f"{path} is empty.")


def source_name(path: Path) -> str:
    """The file's name as a text that can be stored: a name may hold bytes that are none."""
    return path.name.encode("utf-8", "replace").decode()[:200]


def rows_of(path: Path) -> Iterator[RawRow]:
    """The file's rows, in constant memory.

    Raises EmptyFileError, ImportFileError (not there, not readable, in no known encoding).
    """
    with _reading(path), path.open("rb") as file:
        yield from rows_in(file, str(path))


def rows_in(file: IO[bytes], name: str) -> Iterator[RawRow]:
    """The rows of a file that is open, likewise. What the file itself raises goes through."""
    if _begins(file, ZIP):
        yield from _members(file, name)
    else:
        yield from _plain(_unpacked(file), name)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a text file, plain or packed, as `json_rows.numbered_lines` has them."""
    with _reading(path), path.open("rb") as file:
        yield from json_rows.numbered_lines(_unpacked(file))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise ImportFileError(f"Cannot read {path}: {error}") from error


def _begins(file: IO[bytes], magic: bytes) -> bool:
    start = file.read(len(magic))
    file.seek(0)
    return start == magic


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    """What a packed file holds; a file that is not packed, as it is."""
    if _begins(file, GZIP):
        return io.BufferedReader(_Limited(gzip.GzipFile(fileobj=file)), LOOKED_AT)
    if _begins(file, ZSTANDARD):
        packed = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")
        return io.BufferedReader(_Limited(packed), LOOKED_AT)
    return file


def _members_of(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """The files of an archive that can be unpacked here. EmptyFileError, ImportFileError."""
    members = [
        one
        for one in archive.infolist()
        if not one.is_dir()
        and not Path(one.filename).name.startswith(".")
        and not one.filename.startswith(MAC_LEFTOVERS)
    ]
    if not members:
        raise EmptyFileError(f"{name} holds no file.")
    if any(one.flag_bits & ENCRYPTED for one in members):
        raise ImportFileError(f"{name} is encrypted. Unpack it and import what it holds.")
    total = sum(one.file_size for one in members)
    if total > settings.IMPORT_MAX_UNPACKED_BYTES:
        raise ImportFileError(
            f"{name} holds {total:,} bytes unpacked; the limit is "
            f"{settings.IMPORT_MAX_UNPACKED_BYTES:,} (CONCORD_IMPORT_MAX_UNPACKED_BYTES)."
        )
    return members


def _members(file: IO[bytes], name: str) -> Iterator[RawRow]:
    """The rows of each file in an archive, numbered on from one to the next."""
    with zipfile.ZipFile(file) as archive:
        before = 0
        for one in _members_of(archive, name):
            last = 0
            with archive.open(one) as packed, tempfile.TemporaryFile() as plain:
                shutil.copyfileobj(packed, plain, CHECKED_BYTES)
                plain.seek(0)
                for row in _plain(_unpacked(plain), f"{one.filename} in {name}"):
                    last = row.number
                    yield row._replace(number=before + row.number)
            before += last


def _plain(file: IO[bytes], name: str) -> Iterator[RawRow]:
    """The rows of what is not packed, or not any more."""
    start = _peek(file)
    if not start.strip():
        raise EmptyFileError(f"{name} is empty.")
    if start.startswith(PARQUET):
        with _seekable(file) as whole:
            yield from columnar.parquet(whole, name)
    elif start.startswith(ARROW_FILE):
        with _seekable(file) as whole:
            yield from columnar.arrow(whole, name, stream=False)
    elif start.startswith(ARROW_STREAM):
        yield from columnar.arrow(file, name, stream=True)
    elif is_array(start):
        with _seekable(file) as whole:
            yield from json_rows.array(whole, name)
    elif is_table(start):
        yield from delimited.rows(file, name)
    else:
        yield from json_rows.lines(file)


def _peek(file: IO[bytes]) -> bytes:
    if isinstance(file, io.BufferedReader):
        found = file.peek(LOOKED_AT)
        if len(found) >= LOOKED_AT or not file.seekable():
            return found
    start = file.read(LOOKED_AT)
    file.seek(0)
    return start


@contextmanager
def _seekable(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file itself, or a copy on disk of a stream that cannot go back."""
    if not isinstance(file, io.BufferedReader) or isinstance(file.raw, io.FileIO | Seekable):
        yield file
        return
    with tempfile.TemporaryFile() as whole:
        shutil.copyfileobj(file, whole, CHECKED_BYTES)
        whole.seek(0)
        yield whole


def is_array(start: bytes) -> bool:
    """Whether a text that begins so is one JSON array, and not lines each of which is one."""
    text = start.removeprefix(json_rows.BOM).lstrip()
    if not text.startswith(b"["):
        return False
    line = text.split(b"\n", 1)[0].strip()
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return line == text.strip()


def is_table(start: bytes) -> bool:
    """Whether a text that begins so is a table with names in its first line: no JSON, and at least
    two columns there."""
    text = start.removeprefix(json_rows.BOM)
    lines = [line for line in text.split(b"\n")[:LINES_LOOKED_AT] if line.strip()]
    if not lines or any(line.lstrip()[:1] in (b"{", b"[") for line in lines[:1]):
        return False
    head = lines[0].decode("utf-8", "replace")
    if any(line.lstrip().startswith(b"{") for line in lines[1:]):
        return False
    return delimited.delimiter_of(head) in "".join(head.split('"')[::2])
