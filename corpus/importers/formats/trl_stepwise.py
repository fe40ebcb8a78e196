"""TRL's stepwise supervision data: the steps of an answer, each with whether it is right.

Source: TRL documentation, "Dataset formats and types".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from corpus.importers.reading import Row, RowError, WriteError, described, prompt_turns, rater_of
from corpus.importers.records import Record, StepLabels, StepsRecord
from corpus.importers.writing import description

NAME = "trl-stepwise"
TITLE = "TRL stepwise supervision"

RIGHT: dict[Any, Literal[-1, 1]] = {True: 1, False: -1}


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where a row has a prompt, steps, and a true or false for each."""
    return int(
        any(
            "prompt" in row
            and isinstance(row.get("completions"), list)
            and all(isinstance(step, str) for step in row["completions"])
            and isinstance(row.get("labels"), list)
            and any(isinstance(label, bool) for label in row["labels"])
            for row in rows
        )
    )


def parse(row: Row) -> list[Record]:
    """The steps of a row with their labels; null is a step of which nothing was said."""
    fields = row.fields
    steps, labels = fields.get("completions"), fields.get("labels")
    if not isinstance(steps, list):
        raise RowError("completions: must be a list of steps")
    if not isinstance(labels, list):
        raise RowError("labels: must be a list with true or false for each step")
    for place, label in enumerate(labels):
        if not (label is None or isinstance(label, bool)):
            raise RowError(f"labels.{place}: must be true or false")
    rater, column = rater_of(fields, NAME)
    used = ["prompt", "completions", "labels", "model", *([column] if column else [])]
    values = tuple(None if label is None else RIGHT[label] for label in labels)
    return [
        StepsRecord(
            **described(row, used),
            prompt=prompt_turns(fields.get("prompt"), "prompt"),
            steps=tuple(steps),
            model=fields.get("model"),
            labels=(StepLabels(rater=rater, values=values),),
        )
    ]


def write(record: StepsRecord) -> dict[str, Any]:
    """The object of a line, from which `parse` makes the same steps and labels.

    WriteError for any other number of raters than one, and for a step that is neither right nor
    wrong, which this format cannot say.
    """
    if len(record.labels) != 1:
        raise WriteError(f"needs the labels of one rater, got those of {len(record.labels)}")
    values = record.labels[0].values
    if 0 in values:
        raise WriteError(f"step {values.index(0) + 1} is neither right nor wrong")
    row: dict[str, Any] = {
        "prompt": record.messages(),
        "completions": list(record.steps),
        "labels": [None if value is None else value == 1 for value in values],
        "rater": record.labels[0].rater,
    }
    if record.model:
        row["model"] = record.model
    return {**row, **description(record)}
