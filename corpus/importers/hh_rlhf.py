"""hh-rlhf: two whole dialogues a line, which share all turns but the last answer.

Source: Bai et al. 2022, "Training a Helpful and Harmless Assistant", arXiv 2204.05862.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

from pydantic import ValidationError

from corpus.hashing import sha256_of
from corpus.importers.records import LabelRecord, PairRecord, Turn, describe

NAME = "hh-rlhf"
RATER = "hh-rlhf"

_TURN = re.compile(r"\n\n(Human|Assistant):")
_ROLES = {"Human": "user", "Assistant": "assistant"}


def recognises(first: dict[str, Any]) -> bool:
    chosen, rejected = first.get("chosen"), first.get("rejected")
    return (
        isinstance(chosen, str)
        and isinstance(rejected, str)
        and "\n\nHuman:" in chosen
        and set(first) <= {"chosen", "rejected"}
    )


def parse(fields: dict[str, Any], line: int, source: str) -> PairRecord | str:
    """The record that a line's object holds, or the reason why it holds none.

    Which of the two becomes response_a is decided by a hash of the texts, so that the order tells
    nothing about the label.
    """
    dialogues = []
    for name in ("chosen", "rejected"):
        if not isinstance(fields.get(name), str):
            return f"{name}: must be a string"
        turns = split_turns(fields[name])
        if isinstance(turns, str):
            return f"{name}: {turns}"
        dialogues.append(turns)
    chosen, rejected = dialogues
    if chosen == rejected:
        return "chosen and rejected are identical"
    if chosen[:-1] != rejected[:-1]:
        return "chosen and rejected differ before the last answer"
    chosen_is_a = int(sha256_of(sorted([fields["chosen"], fields["rejected"]])), 16) % 2 == 0
    a, b = (chosen, rejected) if chosen_is_a else (rejected, chosen)
    try:
        return PairRecord(
            prompt=tuple(chosen[:-1]),
            response_a=a[-1].content,
            response_b=b[-1].content,
            id=str(line),
            source=source,
            labels=(LabelRecord(rater=RATER, choice="a" if chosen_is_a else "b"),),
        )
    except ValidationError as error:
        return describe(error)


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
