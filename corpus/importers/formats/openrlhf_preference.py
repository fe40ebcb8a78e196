"""OpenRLHF's preference data: `input` with a `chosen` and a `rejected` answer.

Source: OpenRLHF documentation, "Prepare datasets".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.preference import asked_in, is_side, preference, sides_of
from corpus.importers.reading import Row, prompt_turns
from corpus.importers.records import Record

NAME = "openrlhf-preference"
TITLE = "OpenRLHF preference"


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where a row has an input, no instruction, and two answers."""
    return int(
        any(
            asked_in(row) == ["input"]
            and is_side(row.get("chosen"))
            and is_side(row.get("rejected"))
            for row in rows
        )
    )


def parse(row: Row) -> list[Record]:
    """The pair of a row."""
    prompt = prompt_turns(row.fields.get("input"), "input")
    return [preference(row, sides_of(row.fields, prompt), used=("input",), rater=NAME)]
