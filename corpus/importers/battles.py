"""Two models' dialogues with one person, and who won: what the arenas publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from corpus.importers.mapping import CHOICES
from corpus.importers.reading import RowError, answer_text, short
from corpus.importers.records import ImportedChoice
from corpus.importers.turns import ASSISTANT, Turn

FIELDS = frozenset({"conversation_a", "conversation_b", "winner"})

SPEAKERS = {
    "assistant": "Assistant",
    "user": "User",
    "tool": "Tool",
    "system": "System",
    "developer": "Developer",
}


class Battle(NamedTuple):
    """What two dialogues share, and how each went on from there."""

    prompt: tuple[Turn, ...]
    response_a: str
    response_b: str
    metadata: dict[str, Any]


def winner_of(value: Any) -> ImportedChoice:
    """Who won. A judge whose verdict flipped with the order ("tie (inconsistent)") preferred
    neither. RowError."""
    word = value.strip().lower() if isinstance(value, str) else ""
    found = CHOICES.get(word) or ("equal" if word == "tie (inconsistent)" else None)
    if found is None:
        raise RowError(
            f"winner: {short(value, 60)!r} is no known outcome; must be model_a, model_b, tie, "
            "tie (bothbad) or both_bad"
        )
    return found  # type: ignore[return-value]


def battle(one: Sequence[Turn], other: Sequence[Turn]) -> Battle:
    """The prompt that two dialogues share, and what each model made of it.

    Where the dialogues part before the last answer, all that follows was judged, so that is the
    response: a transcript, and the metadata `transcript` has its number of turns. RowError where
    they share no turn of the user.
    """
    shared = 0
    for first, second in zip(one[:-1], other[:-1], strict=False):
        if first != second:
            break
        shared += 1
    while shared and one[shared - 1].role == ASSISTANT:
        shared -= 1
    prompt = tuple(one[:shared])
    if all(turn.role != "user" for turn in prompt):
        raise RowError("conversation_a and conversation_b differ in their first turn")
    rest_a, rest_b = one[shared:], other[shared:]
    metadata: dict[str, Any] = {}
    if len(rest_a) > 1 or len(rest_b) > 1:
        metadata["transcript"] = {"turns_a": len(rest_a), "turns_b": len(rest_b)}
    return Battle(prompt, transcript(rest_a), transcript(rest_b), metadata)


def transcript(turns: Sequence[Turn]) -> str:
    """Turns as one text: the first answer as it is, then each turn under the name of its speaker,
    `[User]` or `[Assistant]`."""
    texts = []
    for place, turn in enumerate(turns):
        said = answer_text(turn)
        if place == 0 and turn.role == ASSISTANT:
            texts.append(said)
        else:
            texts.append(f"[{SPEAKERS[turn.role]}]\n{said}")
    return "\n\n".join(texts)


def is_judgment(row: Mapping[str, Any]) -> bool:
    """Whether a row is MT-bench's: what a judge said of a dialogue up to a turn. Votes of an arena
    have the same fields and say more."""
    judge = row.get("judge")
    return (
        row.keys() >= FIELDS | {"judge", "turn"}
        and row.keys().isdisjoint({"anony", "tstamp"})
        and not (isinstance(judge, str) and judge.startswith("arena_user"))
    )
