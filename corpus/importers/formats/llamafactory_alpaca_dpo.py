"""LLaMA-Factory's Alpaca preference data: `instruction` and `input`, `system`, `history`, and two
answers.

Source: LLaMA-Factory, data/README.md, "Alpaca format: preference dataset".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.preference import is_side, preference, sides_of
from corpus.importers.reading import Row, RowError, conversation, text
from corpus.importers.records import Record
from corpus.importers.turns import Turn

NAME = "llamafactory-alpaca-dpo"
TITLE = "LLaMA-Factory DPO, Alpaca"
ASKED = ("instruction", "input", "system", "history")


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where a row has an instruction and two answers."""
    return int(
        any(
            isinstance(row.get("instruction"), str)
            and is_side(row.get("chosen"))
            and is_side(row.get("rejected"))
            for row in rows
        )
    )


def parse(row: Row) -> list[Record]:
    """The pair of a row."""
    sides = sides_of(row.fields, alpaca_prompt(row.fields))
    return [preference(row, sides, used=ASKED, rater=NAME)]


def alpaca_prompt(fields: Mapping[str, Any]) -> tuple[Turn, ...]:
    """The conversation of an Alpaca row up to its answer: the input stands under the instruction.
    RowError."""
    turns: list[dict[str, str]] = []
    if fields.get("system"):
        turns.append({"role": "system", "content": text(fields, "system")})
    history = fields.get("history") or []
    if not isinstance(history, list):
        raise RowError("history: must be a list of [question, answer]")
    for place, said in enumerate(history):
        if not isinstance(said, list) or len(said) != 2:
            raise RowError(f"history.{place}: must be [question, answer]")
        question, answer = said
        turns.append({"role": "user", "content": question})
        turns.append({"role": "assistant", "content": answer})
    question = text(fields, "instruction")
    if fields.get("input"):
        question = f"{question}\n{text(fields, 'input')}"
    turns.append({"role": "user", "content": question})
    return conversation(turns, "instruction" if len(turns) == 1 else "conversation")
