"""Nectar: seven answers of models to a prompt, ranked by GPT-4.

Source: Zhu et al. 2023, "Starling-7B: Improving LLM Helpfulness & Harmlessness with RLAIF".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.formats.hh_rlhf import split_turns
from corpus.importers.formats.rankings import group
from corpus.importers.reading import Row, RowError, text
from corpus.importers.records import Record
from corpus.importers.turns import Turn

NAME = "nectar"
TITLE = "Nectar"
OPEN_TURN = "\n\nAssistant:"


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where a row's prompt has marked turns, and ranked answers stand beside it."""
    return 2 * any(
        isinstance(row.get("prompt"), str)
        and "\n\nHuman:" in row["prompt"]
        and isinstance(row.get("answers"), list)
        and any(isinstance(one, Mapping) and "rank" in one for one in row["answers"])
        for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The answers of a row with a judge's ranks."""
    prompt = marked_prompt(text(row.fields, "prompt"))
    return [group(row, prompt=prompt, answers="answers", rater=NAME, kind="judge")]


def marked_prompt(prompt: str) -> tuple[Turn, ...]:
    """The turns of a prompt with Human and Assistant marks, whose last may be an open one of the
    assistant. RowError."""
    open_turn = prompt.rstrip().endswith(OPEN_TURN.strip())
    turns = split_turns(prompt if open_turn else prompt + OPEN_TURN)
    if isinstance(turns, str):
        raise RowError(f"prompt: {turns}")
    return tuple(turns[:-1])
