"""TRL's unpaired preference data, for KTO: one answer a row, with whether it is good.

Source: TRL documentation, "Dataset formats and types".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.preference import is_side
from corpus.importers.reading import (
    Row,
    WriteError,
    answer,
    described,
    prompt_turns,
    rater_of,
    thumb,
)
from corpus.importers.records import CompletionRecord, Record, ThumbRecord
from corpus.importers.writing import description

NAME = "trl-unpaired"
TITLE = "TRL unpaired preference (KTO)"


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where a row has a prompt, one answer, and a true or false."""
    return int(
        any(
            is_side(row.get("prompt"))
            and is_side(row.get("completion"))
            and isinstance(row.get("label"), bool)
            for row in rows
        )
    )


def parse(row: Row) -> list[Record]:
    """The answer of a row with its thumb; without one where `label` is null."""
    fields = row.fields
    rater, column = rater_of(fields, NAME)
    labels: tuple[ThumbRecord, ...] = ()
    if fields.get("label") is not None:
        labels = (ThumbRecord(rater=rater, good=thumb(fields, "label")),)
    used = ["prompt", "completion", "label", "model", *([column] if column else [])]
    return [
        CompletionRecord(
            **described(row, used),
            prompt=prompt_turns(fields.get("prompt"), "prompt"),
            completion=answer(fields.get("completion"), "completion"),
            model=fields.get("model"),
            labels=labels,
        )
    ]


def write(record: CompletionRecord) -> dict[str, Any]:
    """The object of a line, conversational, from which `parse` makes the same answer and thumb.

    WriteError for an answer with several thumbs: they take a row each.
    """
    if len(record.labels) > 1:
        raise WriteError(f"holds one thumb a row, got {len(record.labels)}")
    row: dict[str, Any] = {
        "prompt": record.messages(),
        "completion": [{"role": "assistant", "content": record.completion}],
        "label": None,
    }
    for label in record.labels:
        row |= {"label": label.good, "rater": label.rater}
    if record.model:
        row["model"] = record.model
    return {**row, **description(record)}
