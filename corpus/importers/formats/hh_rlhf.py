"""hh-rlhf: two whole dialogues a line, which share all turns but the last answer.

Source: Bai et al. 2022, "Training a Helpful and Harmless Assistant", arXiv 2204.05862.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from corpus.importers.reading import Row, RowError, chosen_is_a, rest, text
from corpus.importers.records import LabelRecord, PairRecord, Record, describe
from corpus.importers.turns import Turn

NAME = "hh-rlhf"
TITLE = "hh-rlhf dialogues"
RATER = "hh-rlhf"

_TURN = re.compile(r"\n\n(Human|Assistant):")
_ROLES = {"Human": "user", "Assistant": "assistant"}


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where a row's chosen and rejected are dialogues with the marks of their turns."""
    return 2 * any(
        isinstance(row.get("chosen"), str)
        and isinstance(row.get("rejected"), str)
        and "\n\nHuman:" in row["chosen"]
        for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The pair of a row; which answer becomes response_a tells nothing about the label."""
    chosen, rejected = text(row.fields, "chosen"), text(row.fields, "rejected")
    dialogues = []
    for name, said in (("chosen", chosen), ("rejected", rejected)):
        turns = split_turns(said)
        if isinstance(turns, str):
            raise RowError(f"{name}: {turns}")
        dialogues.append(turns)
    better, worse = dialogues
    if better == worse:
        raise RowError("chosen and rejected are identical")
    if better[:-1] != worse[:-1]:
        raise RowError("chosen and rejected differ before the last answer")
    first = chosen_is_a(chosen, rejected)
    a, b = (better, worse) if first else (worse, better)
    return [
        PairRecord(
            prompt=tuple(better[:-1]),
            response_a=a[-1].content,
            response_b=b[-1].content,
            id=str(row.number),
            source=row.source,
            labels=(LabelRecord(rater=RATER, choice="a" if first else "b"),),
            metadata=rest(row.fields, ("chosen", "rejected")),
        )
    ]


def split_turns(dialogue: str) -> list[Turn] | str:
    """The turns of a dialogue, or what is wrong with it."""
    marks = list(_TURN.finditer(dialogue))
    if not marks or dialogue[: marks[0].start()].strip():
        return "does not start with a Human or Assistant turn"
    ends = [mark.start() for mark in marks[1:]] + [len(dialogue)]
    try:
        turns = [
            Turn(role=_ROLES[mark[1]], content=dialogue[mark.end() : end].strip())  # type: ignore[arg-type]
            for mark, end in zip(marks, ends, strict=True)
        ]
    except ValidationError as error:
        return describe(error)
    if turns[0].role != "user":
        return "starts with the assistant, so there is no prompt"
    if turns[-1].role != "assistant":
        return "does not end with an answer by the assistant"
    for before, after in itertools.pairwise(turns):
        if before.role == after.role:
            return f"two turns in a row by the {before.role}"
    return turns
