"""MT-bench judgments: two models' dialogues, and what a person or a judge model said of them.

Source: Zheng et al. 2023, arXiv 2306.05685, data set mt_bench_human_judgments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.battles import battle, is_judgment, winner_of
from corpus.importers.reading import Row, RowError, conversation, number, rest, short
from corpus.importers.records import LabelRecord, PairRecord, RaterKind, Record
from corpus.importers.turns import ASSISTANT, Turn

NAME = "mt-bench"
TITLE = "MT-bench judgments"
RATER = "mt-bench"
PEOPLE = ("expert", "author", "human", "arena_user")
"""How the names of people begin; every other judge is a model."""

USED = (
    *("question_id", "model_a", "model_b", "winner", "judge", "turn"),
    *("conversation_a", "conversation_b"),
)


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows are two conversations with a winner, a judge and a turn, and no arena's."""
    return 2 * any(is_judgment(row) for row in rows)


def parse(row: Row) -> list[Record]:
    """The pair of a row: the dialogues up to the turn that was judged."""
    fields = row.fields
    turn = _turn(fields.get("turn"))
    one, other = (_up_to(turn, fields, side) for side in ("conversation_a", "conversation_b"))
    found = battle(one, other)
    rater, kind, template = _judge(fields.get("judge"))
    metadata = {**rest(fields, USED), **found.metadata}
    if turn:
        metadata["turn"] = turn
    if template:
        metadata["judge_template"] = template
    if isinstance(fields.get("winner"), str) and "inconsistent" in fields["winner"]:
        metadata["winner"] = fields["winner"]
    return [
        PairRecord(
            prompt=found.prompt,
            response_a=found.response_a,
            response_b=found.response_b,
            model_a=short(fields.get("model_a")) or None,
            model_b=short(fields.get("model_b")) or None,
            id=short(fields.get("question_id")),
            source=row.source,
            labels=(LabelRecord(rater=rater, kind=kind, choice=winner_of(fields.get("winner"))),),
            metadata=metadata,
        )
    ]


def _turn(value: Any) -> int | None:
    """How many answers of each dialogue count; nothing says all of them."""
    if value is None:
        return None
    found = number(value)
    if found is None or found < 1 or not found.is_integer():
        raise RowError(f"turn: must be a whole number from 1, got {short(value, 60)!r}")
    return int(found)


def _up_to(turn: int | None, fields: Mapping[str, Any], name: str) -> list[Turn]:
    turns = conversation(fields.get(name), name)
    answers = [place for place, one in enumerate(turns) if one.role == ASSISTANT]
    wanted = turn or len(answers)
    if not answers or wanted > len(answers):
        raise RowError(f"{name}: has {len(answers)} answers; the judge saw {wanted or 1}")
    return list(turns[: answers[wanted - 1] + 1])


def _judge(value: Any) -> tuple[str, RaterKind, str]:
    """A judge's name, kind and template. A list begins with the name."""
    parts = value if isinstance(value, list | tuple) else [value]
    name = short(parts[0]).strip() if parts else ""
    kind: RaterKind = "human" if name.lower().startswith(PEOPLE) else "judge"
    return name or RATER, kind, ", ".join(short(part) for part in parts[1:])[:200]
