"""LLaMA-Factory's ShareGPT preference data: `conversations` of {from, value}, and one of them for
each answer.

Source: LLaMA-Factory, data/README.md, "Sharegpt format: preference dataset".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.preference import asked_in, is_message, preference, sides_of
from corpus.importers.reading import Row, conversation, text
from corpus.importers.records import Record
from corpus.importers.turns import Turn

NAME = "llamafactory-sharegpt-dpo"
TITLE = "LLaMA-Factory DPO, ShareGPT"
ASKED = ("conversations", "system")


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where a row has conversations and two answers that are messages."""
    return int(
        any(
            asked_in(row) == ["conversations"]
            and is_message(row.get("chosen"))
            and is_message(row.get("rejected"))
            for row in rows
        )
    )


def parse(row: Row) -> list[Record]:
    """The pair of a row."""
    turns = sharegpt_turns(row.fields, "conversations")
    return [preference(row, sides_of(row.fields, turns), used=ASKED, rater=NAME)]


def sharegpt_turns(fields: Mapping[str, Any], name: str) -> tuple[Turn, ...]:
    """The conversation in column `name`, after the system message that may stand beside it.
    RowError."""
    turns = conversation(fields.get(name), name)
    if fields.get("system"):
        before = conversation([{"role": "system", "content": text(fields, "system")}], "system")
        return (*before, *turns)
    return turns
