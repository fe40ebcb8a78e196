"""PRM800K: solutions in steps, with alternatives for each step that a person rated.

Source: Lightman et al. 2023, "Let's Verify Step by Step", arXiv 2305.20050.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from corpus.importers.reading import Row, RowError, described, prompt_turns, short
from corpus.importers.records import Record, StepLabels, StepsRecord

NAME = "prm800k"
TITLE = "PRM800K"

Rating = Literal[-1, 0, 1] | None


class Step(NamedTuple):
    """A step that somebody may go on from, with its rating."""

    text: str
    rating: Rating


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where a row has a question with a problem, and a label with steps."""
    return 2 * any(
        isinstance(row.get("question"), Mapping)
        and "problem" in row["question"]
        and isinstance(row.get("label"), Mapping)
        and "steps" in row["label"]
        for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The chosen path of a row, if it goes to the end; and for each rated alternative the path up
    to there with it as its last step."""
    question, label = _object(row.fields, "question"), _object(row.fields, "label")
    steps = label.get("steps")
    if not isinstance(steps, list) or not steps:
        raise RowError("label.steps: must be a list of steps")
    path: list[Step] = []
    found: list[tuple[str, list[Step]]] = []
    whole = True
    for place, step in enumerate(steps):
        where = f"label.steps.{place}"
        if not isinstance(step, Mapping):
            raise RowError(f"{where}: must be an object")
        if not whole:
            raise RowError(f"{where}: follows a step of which no alternative was chosen")
        alternatives = _alternatives(step, where)
        chosen = _chosen(step, alternatives, where)
        for number, one in enumerate(alternatives):
            if number != chosen and one.rating is not None:
                found.append((f"{place + 1}.{number + 1}", [*path, one]))
        whole = chosen is not None
        if chosen is not None:
            path.append(alternatives[chosen])
    if path and (whole or not found):
        found.insert(0, ("", path))
    if not found:
        raise RowError("label.steps: no step was chosen, and none is rated")
    known = _known(row, question, label)
    return [
        StepsRecord(
            **{**known, "id": f"{known['id']}{':' if at else ''}{at}"},
            prompt=prompt_turns(question.get("problem"), "question.problem"),
            steps=tuple(step.text for step in steps_taken),
            labels=(_labels(row, steps_taken),),
        )
        for at, steps_taken in found
    ]


def _labels(row: Row, steps: Sequence[Step]) -> StepLabels:
    return StepLabels(
        rater=short(row.fields.get("labeler")).strip() or NAME,
        values=tuple(step.rating for step in steps),
        created_at=row.fields.get("timestamp"),
    )


def _known(row: Row, question: Mapping[str, Any], label: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of all answers of a row."""
    inner = {
        **{name: value for name, value in question.items() if name != "problem"},
        **{name: value for name, value in label.items() if name != "steps"},
    }
    answer = inner.get("ground_truth_answer")
    if isinstance(answer, str):
        del inner["ground_truth_answer"]
    fields = {
        name: value for name, value in row.fields.items() if name not in ("question", "label")
    }
    known = described(Row(row.number, {**inner, **fields}, row.source), ("labeler", "timestamp"))
    known["reference"] = answer if isinstance(answer, str) else ""
    return {"id": str(row.number), **known}


def _object(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    if not isinstance(value, Mapping):
        raise RowError(f"{name}: must be an object")
    return value


def _alternatives(step: Mapping[str, Any], where: str) -> list[Step]:
    """The alternatives of a step in their order, that of the labeler last."""
    completions = step.get("completions")
    if completions is None:
        completions = []
    if not isinstance(completions, list):
        raise RowError(f"{where}.completions: must be a list")
    found = [_step(one, f"{where}.completions.{n}") for n, one in enumerate(completions)]
    if step.get("human_completion") is not None:
        own = _step(step["human_completion"], f"{where}.human_completion")
        # What the labeler wrote to go on from is right in the labeler's eyes.
        found.append(own if own.rating is not None else own._replace(rating=1))
    return found


def _step(value: Any, where: str) -> Step:
    if not isinstance(value, Mapping) or not isinstance(value.get("text"), str):
        raise RowError(f"{where}: must be an object with a text")
    rating = value.get("rating")
    if rating is not None and (isinstance(rating, bool) or rating not in (-1, 0, 1)):
        raise RowError(f"{where}.rating: must be -1, 0, 1 or null, got {short(rating, 40)!r}")
    return Step(value["text"], None if rating is None else _RATINGS[int(rating)])


_RATINGS: dict[int, Rating] = {-1: -1, 0: 0, 1: 1}


def _chosen(step: Mapping[str, Any], alternatives: Sequence[Step], where: str) -> int | None:
    """Which alternative was gone on from: the labeler's own where none of the others was."""
    chosen = step.get("chosen_completion")
    if chosen is None:
        return len(alternatives) - 1 if step.get("human_completion") is not None else None
    if isinstance(chosen, bool) or not isinstance(chosen, int):
        raise RowError(f"{where}.chosen_completion: must be a number or null")
    if not 0 <= chosen < len(alternatives):
        raise RowError(
            f"{where}.chosen_completion: is {chosen}, but there are {len(alternatives)} completions"
        )
    return chosen
