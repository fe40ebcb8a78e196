"""Whole conversations for supervised fine-tuning: `messages` (or ShareGPT's `conversations`) that
end with the assistant.

Source: OpenAI documentation, "Supervised fine-tuning"; TRL documentation, "Dataset formats".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.formats.llamafactory_sharegpt_dpo import sharegpt_turns
from corpus.importers.preference import is_side
from corpus.importers.reading import Row, as_dialogue, described
from corpus.importers.records import DemonstrationRecord, Record
from corpus.importers.writing import description

NAME = "messages-sft"
TITLE = "Conversations (supervised fine-tuning)"
DIALOGUES = ("messages", "conversations")
OTHERS = ("chosen", "rejected", "label", "kto_tag", "prompt", "completion")


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where a row has a conversation and no row has more than that to be judged."""
    return int(
        any(
            isinstance(row.get(name), list) and is_side(row[name])
            for row in rows
            for name in DIALOGUES
        )
        and not any(name in row for row in rows for name in OTHERS)
    )


def parse(row: Row) -> list[Record]:
    """The last answer of a row's conversation, as a demonstration."""
    name = next((name for name in DIALOGUES if row.fields.get(name) is not None), DIALOGUES[0])
    said = as_dialogue(sharegpt_turns(row.fields, name), name)
    return [
        DemonstrationRecord(
            **described(row, (name, "system", "model")),
            prompt=said.prompt,
            completion=said.answer,
            model=row.fields.get("model"),
        )
    ]


def write(record: DemonstrationRecord) -> dict[str, Any]:
    """The object of a line, from which `parse` makes the same demonstration."""
    answer = {"role": "assistant", "content": record.completion}
    model = {"model": record.model} if record.model else {}
    return {"messages": [*record.messages(), answer], **model, **description(record)}
