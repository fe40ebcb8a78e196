"""A better and a worse answer in a row: what the formats of the field that hold them share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from corpus.importers.reading import (
    Dialogue,
    Row,
    RowError,
    answer,
    conversation,
    described,
    dialogue,
    number,
    pair_of,
    rater_of,
    shared_prompt,
)
from corpus.importers.records import PairRecord, RaterKind
from corpus.importers.turns import ASSISTANT, SPOKEN, Turn

SCORES = (
    ("score_chosen", "score_rejected"),
    ("chosen_score", "rejected_score"),
    ("chosen-rating", "rejected-rating"),
    ("chosen_rating", "rejected_rating"),
)
"""Columns with the scores of the two answers, as they are named out there."""

MODELS = (("chosen_model", "rejected_model"), ("chosen-model", "rejected-model"))

ASKING = ("prompt", "instruction", "question", "query", "input", "messages", "conversations")
"""Columns that hold what was asked."""


class Sides(NamedTuple):
    """A prompt with its better and its worse answer."""

    prompt: tuple[Turn, ...]
    chosen: str
    rejected: str


def is_side(value: Any) -> bool:
    """Whether a value looks like an answer, or like the dialogue that ends with it."""
    if isinstance(value, list):
        return bool(value) and all(is_message(one) for one in value)
    return isinstance(value, str) or is_message(value)


def is_message(value: Any) -> bool:
    """Whether a value has the fields of a message, in either usual spelling."""
    return isinstance(value, Mapping) and ("role" in value or "from" in value)


def asked_in(fields: Mapping[str, Any]) -> list[str]:
    """The columns of a row that hold what was asked."""
    return [name for name in ASKING if fields.get(name) is not None]


def sides_of(fields: Mapping[str, Any], prompt: Sequence[Turn] | None) -> Sides:
    """The answers of a row, each of which is a text, a message, or a whole dialogue; the latter
    hold the prompt too, which a row need not give then. RowError."""
    chosen, rejected = fields.get("chosen"), fields.get("rejected")
    if _is_dialogue(chosen, prompt) or _is_dialogue(rejected, prompt):
        better = _ending(chosen, "chosen", prompt)
        worse = _ending(rejected, "rejected", prompt)
        shared = shared_prompt(better, worse)
        return Sides(shared, better.answer, worse.answer)
    better_text, worse_text = answer(chosen, "chosen"), answer(rejected, "rejected")
    if prompt is None:
        return _parted(better_text, worse_text)
    return Sides(tuple(prompt), better_text, worse_text)


def _is_dialogue(value: Any, prompt: Sequence[Turn] | None) -> bool:
    return isinstance(value, list) and (prompt is None or len(value) > 1)


def _ending(value: Any, name: str, prompt: Sequence[Turn] | None) -> Dialogue:
    """The whole dialogue. What goes on after the prompt begins with the assistant; all else must
    have the prompt in it."""
    if prompt is None:
        return dialogue(value, name)
    if not isinstance(value, list):
        raise RowError(f"{name}: must be a list of messages, as the other one is")
    first = value[0] if value else None
    role = first.get("role", first.get("from")) if isinstance(first, Mapping) else None
    if isinstance(role, str) and SPOKEN.get(role, role) == ASSISTANT:
        return dialogue([*(turn.as_message() for turn in prompt), *value], name)
    whole = dialogue(value, name)
    if not _holds(whole.prompt, prompt):
        raise RowError(f"{name}: is a dialogue in which the prompt is not to be found")
    return whole


def _holds(turns: Sequence[Turn], prompt: Sequence[Turn]) -> bool:
    said = [(turn.role, turn.content.strip()) for turn in turns]
    asked = [(turn.role, turn.content.strip()) for turn in prompt]
    return any(
        said[start : start + len(asked)] == asked for start in range(len(said) - len(asked) + 1)
    )


def _parted(chosen: str, rejected: str) -> Sides:
    """Two texts that begin with the prompt: it ends at the last whole word that they share."""
    same = next(
        (
            place
            for place, (one, other) in enumerate(zip(chosen, rejected, strict=False))
            if one != other
        ),
        min(len(chosen), len(rejected)),
    )
    while same and not chosen[same - 1].isspace():
        same -= 1
    prompt = chosen[:same].rstrip()
    if not prompt:
        raise RowError("chosen and rejected do not begin alike, and there is no prompt")
    asked = conversation([{"role": "user", "content": prompt}], "chosen")
    return Sides(asked, chosen[same:].strip(), rejected[same:].strip())


def preference(
    row: Row,
    sides: Sides,
    *,
    used: Iterable[str],
    rater: str,
    kind: RaterKind = "human",
) -> PairRecord:
    """The pair of a row, of which one answer was chosen, or neither where their scores are equal.

    `used` are the columns that hold the prompt; `rater` labelled, if no column says who.
    """
    fields = row.fields
    name, column = rater_of(fields, rater)
    taken = {*used, "chosen", "rejected", *([column] if column else [])}
    models = next((two for two in MODELS if any(_model(fields.get(one)) for one in two)), ())
    chosen_model, rejected_model = [_model(fields.get(one)) for one in models] or (None, None)
    if sides.chosen == sides.rejected and chosen_model == rejected_model:
        raise RowError("chosen and rejected are identical")
    scored = next(
        (two for two in SCORES if all(number(fields.get(one)) is not None for one in two)), ()
    )
    scores = [number(fields.get(one)) or 0.0 for one in scored]
    margin = number(fields.get("margin"))
    if margin is not None:
        taken.add("margin")
    elif scores:
        margin = scores[0] - scores[1]
    return pair_of(
        prompt=sides.prompt,
        chosen=sides.chosen,
        rejected=sides.rejected,
        chosen_model=chosen_model,
        rejected_model=rejected_model,
        chosen_metadata={"score": scores[0]} if scores else None,
        rejected_metadata={"score": scores[1]} if scores else None,
        tie=bool(scores) and scores[0] == scores[1],
        label={"rater": name, "kind": kind, "margin": margin},
        **described(row, {*taken, *models, *scored}),
    )


def _model(value: Any) -> str | None:
    return value[:200] if isinstance(value, str) and value else None
