"""Rankings: a prompt with several answers, each with its rank (1 is the best) or its score.

No one published schema: this is the shape that they have in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, RowError, described, number, prompt_turns, rater_of, rest
from corpus.importers.records import Candidate, GroupRecord, Ranking, RaterKind, Record
from corpus.importers.turns import Turn

NAME = "rankings"
TITLE = "Rankings of several answers"

ANSWERS = ("answers", "completions", "responses", "outputs")
TEXTS = ("answer", "response", "completion", "output", "text", "content")
RANKS = ("rank",)
SCORES = ("score", "rating", "reward")


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where a row has a prompt, and answers with ranks or scores."""
    return int(any("prompt" in row and _answers_in(row) is not None for row in rows))


def parse(row: Row) -> list[Record]:
    """The answers of a row with their ranks or scores."""
    answers = _answers_in(row.fields)
    if answers is None:
        raise RowError(f"there are no answers with ranks or scores in any of {', '.join(ANSWERS)}")
    prompt = prompt_turns(row.fields.get("prompt"), "prompt")
    return [group(row, prompt=prompt, answers=answers, rater=NAME)]


def _answers_in(fields: Mapping[str, Any]) -> str | None:
    """The column with the answers, each of which is an object with a rank or score of its own, or
    a text whose rank or score stands in a list beside them."""
    for name in ANSWERS:
        answers = fields.get(name)
        if not isinstance(answers, list) or not answers:
            continue
        if _beside(fields) and all(isinstance(one, str) for one in answers):
            return name
        if any(isinstance(one, Mapping) and _said(one) is not None for one in answers):
            return name
    return None


def _beside(fields: Mapping[str, Any]) -> str | None:
    names = (f"{name}s" for name in (*RANKS, *SCORES))
    return next((name for name in names if isinstance(fields.get(name), list)), None)


def _said(answer: Mapping[str, Any]) -> str | None:
    return next((name for name in (*RANKS, *SCORES) if number(answer.get(name)) is not None), None)


def group(
    row: Row, *, prompt: Sequence[Turn], answers: str, rater: str, kind: RaterKind = "human"
) -> GroupRecord:
    """The answers in column `answers` with what one rater said of them. RowError."""
    fields = row.fields
    given = fields.get(answers)
    if not isinstance(given, list):
        raise RowError(f"{answers}: must be a list")
    name, column = rater_of(fields, rater)
    beside = _beside(fields)
    objects = [_object(one, f"{answers}.{place}") for place, one in enumerate(given)]
    used = {"prompt", answers, *([column] if column else [])}
    if beside and all(isinstance(one, str) for one in given):
        said = beside.removesuffix("s")
        values = list(fields[beside])
        used.add(beside)
    else:
        said = next((found for one in objects if (found := _said(one))), RANKS[0])
        values = [one.get(said) for one in objects]
    scores = [number(value) for value in values]
    ranked = said in RANKS
    ranking = Ranking(
        rater=name,
        kind=kind,
        scores=tuple(-one if one is not None and ranked else one for one in scores),
        measured=not ranked,
    )
    return GroupRecord(
        **described(row, used),
        prompt=tuple(prompt),
        completions=tuple(_candidate(one, said, answers, n) for n, one in enumerate(objects)),
        rankings=(ranking,),
    )


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if isinstance(value, str):
        return {"text": value}
    if not isinstance(value, Mapping):
        raise RowError(f"{where}: must be an object with a text and a rank")
    return value


def _candidate(one: Mapping[str, Any], said: str, answers: str, place: int) -> Candidate:
    name = next((name for name in TEXTS if isinstance(one.get(name), str)), None)
    if name is None:
        raise RowError(f"{answers}.{place}: has no text; it may be in {', '.join(TEXTS)}")
    return Candidate(
        text=one[name], model=one.get("model"), metadata=rest(one, (name, "model", said))
    )
