"""Axolotl's chat DPO data: a conversation in `messages`, and one message for each answer.

Source: Axolotl documentation, "RLHF", `chat_template.default`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.preference import asked_in, is_message, preference, sides_of
from corpus.importers.reading import Row, conversation
from corpus.importers.records import Record

NAME = "axolotl-chat-dpo"
TITLE = "Axolotl chat DPO"


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where a row has messages and two answers that are messages."""
    return int(
        any(
            asked_in(row) == ["messages"]
            and is_message(row.get("chosen"))
            and is_message(row.get("rejected"))
            for row in rows
        )
    )


def parse(row: Row) -> list[Record]:
    """The pair of a row."""
    prompt = conversation(row.fields.get("messages"), "messages")
    return [preference(row, sides_of(row.fields, prompt), used=("messages",), rater=NAME)]
