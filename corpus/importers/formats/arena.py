"""Votes of Chatbot Arena, in the three shapes in which they were published.

Source: Zheng et al. 2023, arXiv 2306.05685 (33k), and the data sets
lmsys-arena-human-preference-55k, arena-human-preference-100k and -140k.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.battles import FIELDS, battle, is_judgment, winner_of
from corpus.importers.reading import (
    Row,
    RowError,
    conversation,
    dialogue,
    moment_of,
    number,
    rest,
    short,
)
from corpus.importers.records import ImportedChoice, LabelRecord, PairRecord, Record
from corpus.importers.turns import Turn

NAME = "arena"
TITLE = "Chatbot Arena votes"
RATER = "arena"
"""Who voted, where the file does not tell voters apart."""

OUTCOMES: dict[str, ImportedChoice] = {
    "winner_model_a": "a",
    "winner_model_b": "b",
    "winner_tie": "equal",
}
LISTS = frozenset({"prompt", "response_a", "response_b", *OUTCOMES})

USED = (
    *("question_id", "id", "model_a", "model_b", "winner", "judge", "judge_hash", "tstamp"),
    *("timestamp", "language", "conversation_a", "conversation_b", "full_conversation", *LISTS),
)


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows are two conversations and a winner, or lists of turns and three outcomes."""
    return 2 * any(
        row.keys() >= LISTS or (row.keys() >= FIELDS and not is_judgment(row)) for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The pair of a row, with one vote."""
    fields = row.fields
    if "conversation_a" in fields:
        one, other = (_dialogue(fields, side) for side in ("conversation_a", "conversation_b"))
        choice = winner_of(fields.get("winner"))
    else:
        one, other = (_of_lists(fields, side) for side in ("response_a", "response_b"))
        choice = _outcome(fields)
    found = battle(one, other)
    when = fields.get("tstamp") if fields.get("tstamp") is not None else fields.get("timestamp")
    label = LabelRecord(
        rater=short(fields.get("judge") or fields.get("judge_hash")).strip() or RATER,
        choice=choice,
        created_at=moment_of(when, "the time of the vote"),  # type: ignore[arg-type]
    )
    number_of = fields.get("question_id") if "question_id" in fields else fields.get("id")
    return [
        PairRecord(
            prompt=found.prompt,
            response_a=found.response_a,
            response_b=found.response_b,
            model_a=short(fields.get("model_a")) or None,
            model_b=short(fields.get("model_b")) or None,
            id=short(number_of),
            language=short(fields.get("language"), 35),
            source=row.source,
            labels=(label,),
            metadata={**rest(fields, USED), **found.metadata},
            dropped=("full_conversation",) if fields.get("full_conversation") else (),
        )
    ]


def _dialogue(fields: Mapping[str, Any], name: str) -> list[Turn]:
    found = dialogue(fields.get(name), name)
    return [*found.prompt, Turn(role="assistant", content=found.answer)]


def _of_lists(fields: Mapping[str, Any], name: str) -> list[Turn]:
    """The dialogue of prompts and answers in two lists; an answer that is null said nothing."""
    asked, said = _texts(fields.get("prompt"), "prompt"), _texts(fields.get(name), name)
    if len(asked) != len(said):
        raise RowError(f"{name}: has {len(said)} turns for {len(asked)} of the prompt")
    messages = []
    for question, reply in zip(asked, said, strict=True):
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": reply})
    return list(conversation(messages, name))


def _texts(value: Any, name: str) -> list[str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise RowError(f"{name}: must be a JSON list of texts, one a turn") from error
    if not isinstance(value, list | tuple) or not value:
        raise RowError(f"{name}: must be a list of texts, one a turn")
    texts = []
    for place, one in enumerate(value):
        if one is not None and not isinstance(one, str):
            raise RowError(f"{name}.{place}: must be a text or null, got {type(one).__name__}")
        texts.append("" if one is None or one == "null" else one)
    return texts


def _outcome(fields: Mapping[str, Any]) -> ImportedChoice:
    said = [choice for name, choice in OUTCOMES.items() if number(fields.get(name)) == 1]
    if len(said) != 1:
        raise RowError(f"exactly one of {', '.join(OUTCOMES)} must be 1; {len(said)} are")
    return said[0]
