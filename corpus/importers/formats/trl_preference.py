"""TRL's preference data: `chosen` and `rejected`, as texts or messages, with the prompt apart
(explicit) or at the beginning of both (implicit); `margin`, or the scores of the two.

Source: TRL documentation, "Dataset formats and types".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.preference import asked_in, is_side, preference, sides_of
from corpus.importers.reading import Row, WriteError, prompt_turns
from corpus.importers.records import PairRecord, Record
from corpus.importers.writing import description

NAME = "trl-preference"
TITLE = "TRL preference"


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where a row has two answers, and its prompt as `prompt` or at their beginning."""
    return int(
        any(
            is_side(row.get("chosen"))
            and is_side(row.get("rejected"))
            and asked_in(row) in ([], ["prompt"])
            and (row.get("prompt") is not None or not isinstance(row["chosen"], Mapping))
            for row in rows
        )
    )


def parse(row: Row) -> list[Record]:
    """The pair of a row. The file does not say who chose: a person, unless a column names one."""
    asked = row.fields.get("prompt")
    prompt = None if asked is None else prompt_turns(asked, "prompt")
    return [preference(row, sides_of(row.fields, prompt), used=("prompt",), rater=NAME)]


def write(record: PairRecord) -> dict[str, Any]:
    """The object of a line, conversational and explicit, from which `parse` makes the same pair
    with the same label, as far as this format goes: a choice and its margin.

    WriteError for any other number of labels than one, and for one that prefers neither.
    """
    if len(record.labels) != 1:
        raise WriteError(f"needs one label, got {len(record.labels)}")
    label = record.labels[0]
    if label.choice not in ("a", "b", "equal"):
        raise WriteError(f"has no place for the choice {label.choice!r}")
    answers, models = [record.response_a, record.response_b], [record.model_a, record.model_b]
    if label.choice == "b":
        answers, models = answers[::-1], models[::-1]
    chosen, rejected = ([{"role": "assistant", "content": text}] for text in answers)
    row: dict[str, Any] = {"prompt": record.messages(), "chosen": chosen, "rejected": rejected}
    if label.choice == "equal":
        row |= {"score_chosen": 0.0, "score_rejected": 0.0}
    if label.margin is not None:
        row["margin"] = label.margin
    for name, model in zip(("chosen_model", "rejected_model"), models, strict=True):
        if model:
            row[name] = model
    return {**row, "rater": label.rater, **description(record)}
