"""One row of a file as it was read."""

from __future__ import annotations

from typing import Any, NamedTuple


class RawRow(NamedTuple):
    """Row `number` (from 1; a line where the file has lines) is an object, or none for `reason`."""

    number: int
    fields: dict[str, Any] | None = None
    reason: str = ""
