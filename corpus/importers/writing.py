"""What the writers of the formats have in common."""

from __future__ import annotations

from typing import Any

from corpus.importers.records import Record

DESCRIPTION = ("id", "domain", "difficulty", "source", "language", "reference", "metadata")


def description(record: Record) -> dict[str, Any]:
    """What a row says of its record under our own names, which `reading.described` reads."""
    known = {name: getattr(record, name) for name in DESCRIPTION}
    return {name: value for name, value in known.items() if value}
