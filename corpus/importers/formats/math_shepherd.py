"""Math-Shepherd: a question and its steps in one text, with a mark after each step, and the same
text with a + or − in each mark's place, which a model's attempts to go on from there decided.

Source: Wang et al. 2023, "Math-Shepherd: Verify and Reinforce LLMs Step-by-step without Human
Annotations", arXiv 2312.08935.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, RowError, described, prompt_turns, text
from corpus.importers.records import Record, StepLabels, StepsRecord

NAME = "math-shepherd"
TITLE = "Math-Shepherd"
MARK = "ки"
FIRST_STEP = "Step 1:"
VALUES = {"+": 1, "-": -1}


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where a row's input has the marks of steps, and a label stands beside it."""
    return 2 * any(
        isinstance(row.get("input"), str)
        and MARK in row["input"]
        and isinstance(row.get("label"), str)
        for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The steps of a row with their labels. They are a judge's: no person saw them."""
    marked, label = text(row.fields, "input"), text(row.fields, "label")
    *parts, end = marked.split(MARK)
    if not parts:
        raise RowError(f"input: has no mark {MARK!r} after its steps")
    values: list[int | None] = []
    at = 0
    for place, part in enumerate(parts, start=1):
        if not label.startswith(part, at):
            raise RowError(f"label: differs from input before mark {place}")
        at += len(part)
        if (value := VALUES.get(label[at : at + 1])) is None:
            raise RowError(f"label: must have + or - at mark {place}, got {label[at : at + 1]!r}")
        values.append(value)
        at += 1
    question, first_step, rest_of_it = parts[0].partition(FIRST_STEP)
    if not first_step:
        raise RowError(f"input: {FIRST_STEP!r} is missing, so the question has no end")
    steps = [first_step + rest_of_it, *parts[1:]]
    if end.strip():
        steps.append(end)
        values.append(None)
    return [
        StepsRecord(
            **described(row, ("input", "label")),
            prompt=prompt_turns(question.strip(), "input"),
            steps=tuple(step.strip() for step in steps),
            labels=(StepLabels(rater=NAME, kind="judge", values=tuple(values)),),  # type: ignore[arg-type]
        )
    ]
