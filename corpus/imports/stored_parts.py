"""An upload read where it is stored, part by part, without a copy of the whole."""

from __future__ import annotations

import bisect
import io
from collections.abc import Iterator

from django.core.files.storage import default_storage

from corpus.errors import UploadError
from corpus.importers.files.opening import UNREADABLE, Seekable, rows_in
from corpus.importers.files.rows import RawRow
from corpus.imports.uploads import complete
from corpus.models import Upload

BUFFER_BYTES = 64 * 1024


class StoredParts(Seekable):
    """The bytes of a whole upload. One part is in memory at a time."""

    def __init__(self, upload: Upload) -> None:
        self._parts = list(upload.parts.order_by("offset"))
        self._offsets = [part.offset for part in self._parts]
        self._size = upload.size
        self._at = 0
        self._place = -1
        self._bytes = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        into = memoryview(buffer)  # type: ignore[arg-type]
        if self._at >= self._size:
            return 0
        place = bisect.bisect_right(self._offsets, self._at) - 1
        if place != self._place:
            with default_storage.open(self._parts[place].stored_as) as stored:
                self._bytes, self._place = stored.read(), place
        begin = self._at - self._offsets[place]
        piece = self._bytes[begin : begin + len(into)]
        into[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def rows_of_upload(upload: Upload) -> Iterator[RawRow]:
    """The rows of an upload, as `rows_of` has those of a file. ImportFileError."""
    if not complete(upload):
        raise UploadError(f"{upload.name} is not here as a whole; upload the rest of it.")
    with io.BufferedReader(StoredParts(upload), BUFFER_BYTES) as file:
        try:
            yield from rows_in(file, upload.name)
        except UNREADABLE as error:
            raise UploadError(f"Cannot read {upload.name}: {error}") from error
