"""UltraFeedback, binarized: the best of four answers beside another one, with GPT-4's scores.

Source: Tunstall et al. 2023, "Zephyr: Direct Distillation of LM Alignment", arXiv 2310.16944.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.preference import is_side, preference, sides_of
from corpus.importers.reading import Row, prompt_turns
from corpus.importers.records import Record

NAME = "ultrafeedback-binarized"
TITLE = "UltraFeedback, binarized"
MARKS = frozenset({"prompt_id", "messages", "score_chosen", "score_rejected"})


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where a row has the marks of this one beside its two dialogues."""
    return 2 * any(
        set(row) >= MARKS and is_side(row.get("chosen")) and is_side(row.get("rejected"))
        for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The pair of a row, chosen by a judge. Equal scores are a tie: half of the rows with them
    have their answers in an order that means nothing."""
    asked = row.fields.get("prompt")
    prompt = None if asked is None else prompt_turns(asked, "prompt")
    # `messages` is the chosen dialogue once more.
    used = ("prompt", "messages")
    sides = sides_of(row.fields, prompt)
    return [preference(row, sides, used=used, rater=NAME, kind="judge")]
