"""TRL's prompt-completion data, for supervised fine-tuning: one answer that shows how it is done.

Source: TRL documentation, "Dataset formats and types".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.preference import is_side
from corpus.importers.reading import Row, answer, described, prompt_turns
from corpus.importers.records import DemonstrationRecord, Record
from corpus.importers.writing import description

NAME = "prompt-completion"
TITLE = "Prompts with completions"


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where rows have a prompt and one answer, and none has a label."""
    return int(
        any(is_side(row.get("prompt")) and is_side(row.get("completion")) for row in rows)
        and not any("label" in row for row in rows)
    )


def parse(row: Row) -> list[Record]:
    """The demonstration of a row."""
    fields = row.fields
    return [
        DemonstrationRecord(
            **described(row, ("prompt", "completion", "model")),
            prompt=prompt_turns(fields.get("prompt"), "prompt"),
            completion=answer(fields.get("completion"), "completion"),
            model=fields.get("model"),
        )
    ]


def write(record: DemonstrationRecord) -> dict[str, Any]:
    """The object of a line, conversational, from which `parse` makes the same demonstration."""
    completion = [{"role": "assistant", "content": record.completion}]
    model = {"model": record.model} if record.model else {}
    return {"prompt": record.messages(), "completion": completion, **model, **description(record)}
