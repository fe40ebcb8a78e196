"""Label Studio's JSON export: tasks with the annotations of people and the predictions of models.

Source: labelstud.io/guide/export, "JSON".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from corpus.importers.mapping import NAMES, THUMBS, Field, guess
from corpus.importers.reading import (
    Row,
    RowError,
    answer,
    conversation,
    number,
    objects,
    rest,
    short,
)
from corpus.importers.records import (
    CompletionRecord,
    ImportedChoice,
    LabelRecord,
    PairRecord,
    RaterKind,
    Record,
    ThumbRecord,
)
from corpus.importers.said import Said, Side, likeliest, named_choice, overall_of, plain, side_named

NAME = "label-studio"
TITLE = "Label Studio tasks"
RATER = "label-studio"
"""Who annotated, where an annotation does not say."""

USED = ("id", "data", "annotations", "predictions", "drafts")
CANCELLED = "annotations (cancelled)"
EMPTY = "annotations (without an answer)"


class _Controls(NamedTuple):
    """What the controls of one annotation hold, by their names."""

    choices: dict[str, ImportedChoice]
    unknown: dict[str, str]
    ratings: dict[str, dict[Side, float]]
    strength: int | None
    comment: str
    dropped: list[str]


class _Task(NamedTuple):
    data: Mapping[str, Any]
    columns: Mapping[Field, str]


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows are tasks: data with a list of annotations."""
    return 2 * any(
        isinstance(row.get("data"), Mapping) and isinstance(row.get("annotations"), list)
        for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The record of a task: a pair, or where its data has one answer, a completion with thumbs."""
    data = row.fields.get("data")
    if not isinstance(data, Mapping):
        raise RowError("data: must be an object with the task's texts")
    task = _Task(data, guess(data))
    annotations = objects(row.fields.get("annotations"), "annotations")
    live = [(place, one) for place, one in enumerate(annotations) if not one.get("was_cancelled")]
    dropped = [CANCELLED] if len(live) < len(annotations) else []
    if row.fields.get("drafts"):
        dropped.append("drafts")
    if {"response_a", "response_b"} <= task.columns.keys():
        return [_pair(row, task, live, dropped)]
    if "completion" in task.columns:
        return [_completion(row, task, live, dropped)]
    raise RowError(
        f"data: names no two answers; its fields: {', '.join(map(str, data)) or 'none'}. Call "
        "them response_a and response_b, or answer1 and answer2"
    )


def _pair(
    row: Row,
    task: _Task,
    annotations: Sequence[tuple[int, Mapping[str, Any]]],
    dropped: list[str],
) -> PairRecord:
    labels: list[LabelRecord] = []
    truths: set[ImportedChoice] = set()
    for place, one in annotations:
        where = f"annotations.{place}"
        controls = _controls(one.get("result"), f"{where}.result", task)
        said = _said(controls, f"{where}.result", dropped)
        if said is None:
            dropped.append(EMPTY)
            continue
        seconds = number(one.get("lead_time"))
        labels.append(
            LabelRecord(
                rater=_person(one.get("completed_by")),
                choice=said.choice,
                criteria=said.criteria,
                margin=said.margin,
                strength=controls.strength,
                comment=controls.comment,
                seconds=seconds if seconds is not None and seconds >= 0 else None,
                created_at=one.get("created_at"),
            )
        )
        if one.get("ground_truth") is True:
            truths.add(said.choice)
    if len(truths) > 1:
        dropped.append("ground_truth (several that contradict)")
    scores = _predicted(row, task, labels, dropped)
    a, b = task.columns["response_a"], task.columns["response_b"]
    return PairRecord(
        **_known(row, task, (a, b), scores),
        response_a=answer(task.data[a], f"data.{a}"),
        response_b=answer(task.data[b], f"data.{b}"),
        model_a=_named(task, "model_a"),
        model_b=_named(task, "model_b"),
        gold=truths.pop() if len(truths) == 1 else None,
        labels=tuple(labels),
        dropped=tuple(dict.fromkeys(dropped)),
    )


def _predicted(
    row: Row, task: _Task, labels: list[LabelRecord], dropped: list[str]
) -> dict[str, float]:
    """Labels of the models whose predictions say which answer is better, added to `labels`; and
    the models' scores."""
    scores: dict[str, float] = {}
    for place, one in enumerate(objects(row.fields.get("predictions"), "predictions")):
        where = f"predictions.{place}.result"
        controls = _controls(one.get("result"), where, task)
        said = None if controls.unknown else _said(controls, where, dropped)
        if said is None:
            dropped.append("predictions (without a known choice)")
            continue
        rater = short(one.get("model_version")).strip() or "prediction"
        kind: RaterKind = "judge"
        labels.append(
            LabelRecord(
                rater=rater,
                kind=kind,
                choice=said.choice,
                criteria=said.criteria,
                margin=said.margin,
                comment=controls.comment,
                created_at=one.get("created_at"),
            )
        )
        if (score := number(one.get("score"))) is not None:
            scores[rater] = score
    return scores


def _completion(
    row: Row,
    task: _Task,
    annotations: Sequence[tuple[int, Mapping[str, Any]]],
    dropped: list[str],
) -> CompletionRecord:
    labels: list[ThumbRecord] = []
    for place, one in annotations:
        controls = _controls(one.get("result"), f"annotations.{place}.result", task)
        dropped += controls.dropped + [f"annotations.{name}" for name in controls.ratings]
        words = {**controls.unknown, **controls.choices}
        if not words:
            dropped.append(EMPTY)
            continue
        word = controls.unknown.get(likeliest(words) or next(iter(words)), "")
        if (good := THUMBS.get(word.strip().lower())) is None:
            raise RowError(
                f"annotations.{place}.result: {short(word, 60)!r} is neither up nor down; write "
                "good or bad, up or down, yes or no"
            )
        labels.append(
            ThumbRecord(
                rater=_person(one.get("completed_by")),
                good=good,
                comment=controls.comment,
                created_at=one.get("created_at"),
            )
        )
    if row.fields.get("predictions"):
        dropped.append("predictions")
    column = task.columns["completion"]
    return CompletionRecord(
        **_known(row, task, (column,), {}),
        completion=answer(task.data[column], f"data.{column}"),
        model=_named(task, "model"),
        labels=tuple(labels),
        dropped=tuple(dict.fromkeys(dropped)),
    )


def _known(
    row: Row, task: _Task, answers: Sequence[str], scores: Mapping[str, float]
) -> dict[str, Any]:
    """What the task says of its prompt, and what it says beyond."""
    column = task.columns.get("prompt")
    if column is None:
        raise RowError(f"data: names no prompt; its fields: {', '.join(map(str, task.data))}")
    prompt = task.data[column]
    if isinstance(prompt, list | tuple):
        prompt = conversation(prompt, f"data.{column}")
    elif not isinstance(prompt, str):
        raise RowError(f"data.{column}: must be a text or a list of messages")
    taken = {column, *answers}
    known: dict[str, Any] = {"prompt": prompt, "id": short(row.fields.get("id"))}
    for name, limit in (("domain", 100), ("difficulty", 50), ("language", 35), ("source", 200)):
        if name in task.columns and isinstance(task.data[task.columns[name]], str):  # type: ignore[index]
            known[name] = short(task.data[task.columns[name]], limit)  # type: ignore[index]
            taken.add(task.columns[name])  # type: ignore[index]
    known["source"] = known.get("source") or row.source
    for name in ("model_a", "model_b", "model"):
        if name in task.columns:
            taken.add(task.columns[name])  # type: ignore[index]
    metadata = {**rest(row.fields, USED), **rest(task.data, taken)}
    if scores:
        metadata["prediction_scores"] = dict(scores)
    return {**known, "metadata": metadata}


def _named(task: _Task, field: Field) -> str | None:
    return short(task.data.get(task.columns.get(field, ""))) or None


def _person(value: Any) -> str:
    """An annotator: an id, an email address, or an object with either."""
    if isinstance(value, Mapping):
        value = value.get("email") or value.get("username") or value.get("id")
    return short(value).strip() or RATER


def _said(controls: _Controls, where: str, dropped: list[str]) -> Said | None:
    """What an annotation says of the two answers. RowError where its one choice is no known
    word."""
    dropped += controls.dropped
    both = {
        name: (sides["a"], sides["b"])
        for name, sides in controls.ratings.items()
        if len(sides) == 2
    }
    dropped += [f"annotations.{name}" for name in controls.ratings if name not in both]
    if controls.unknown and not controls.choices:
        name = likeliest(controls.unknown) or next(iter(controls.unknown))
        raise RowError(
            f"{where}: {name!r} says {short(controls.unknown[name], 60)!r}, which is no known "
            "choice; write left, right, A, B, Tie or Both bad"
        )
    dropped += [f"annotations.{name}" for name in controls.unknown]
    return overall_of(controls.choices, both)


def _controls(result: Any, where: str, task: _Task) -> _Controls:
    found = _Controls({}, {}, {}, None, "", [])
    strength, comments = None, []
    for place, one in enumerate(objects(result, where)):
        kind, name = short(one.get("type"), 50), short(one.get("from_name"), 100) or "choice"
        value = one.get("value")
        if not isinstance(value, Mapping):
            raise RowError(f"{where}.{place}.value: must be an object")
        if kind == "pairwise":
            _choose(found, name, value.get("selected"), task)
        elif kind == "choices":
            picked = value.get("choices")
            if not isinstance(picked, list) or len(picked) != 1:
                raise RowError(f"{where}.{place}: must be one choice, got {short(picked, 60)}")
            _choose(found, name, picked[0], task)
        elif kind in ("rating", "number"):
            score = number(value.get(kind))
            side = _side(one, task)
            if score is not None and side:
                axis = _axis(name, task)
                found.ratings.setdefault(axis, {})[side] = score
            elif score in (1, 2, 3) and plain(name) in NAMES["strength"]:
                strength = int(score)
            else:
                found.dropped.append(f"annotations.{name}")
        elif kind == "textarea":
            texts = value.get("text")
            texts = texts if isinstance(texts, list) else [texts]
            comments += [text for text in texts if isinstance(text, str)]
        else:
            found.dropped.append(f"annotations.{kind or 'result'}")
    return found._replace(strength=strength, comment="\n".join(comments))


def _choose(found: _Controls, name: str, word: Any, task: _Task) -> None:
    columns = task.columns
    names_a, names_b = columns.get("response_a", ""), columns.get("response_b", "")
    choice = named_choice(word, [names_a], [names_b]) if names_a else None
    if choice is None:
        found.unknown[name] = short(word)
    else:
        found.choices[name] = choice  # type: ignore[assignment]


def _side(result: Mapping[str, Any], task: _Task) -> Side | None:
    """Which answer a rating is of, by the text that it was given to or by its own name."""
    about, name = short(result.get("to_name"), 100), short(result.get("from_name"), 100)
    for word in (about, name, *_endings(name)):
        if word and word == task.columns.get("response_a"):
            return "a"
        if word and word == task.columns.get("response_b"):
            return "b"
        if side := side_named(word):
            return side
    return None


def _axis(name: str, task: _Task) -> str:
    """A rating's name without the part that says which answer it is of."""
    columns = (task.columns.get("response_a"), task.columns.get("response_b"))
    if name in columns or side_named(name):
        return "rating"
    for ending in _endings(name):
        if ending in columns or side_named(ending):
            return name[: -len(ending)].strip("_- ") or "rating"
    return name


def _endings(name: str) -> list[str]:
    """The parts of a name from each of its marks on, the longest first: `help_answer_1` ends in
    `answer_1` and `1`."""
    parts = name.replace("-", "_").replace(" ", "_")
    places = [place + 1 for place, mark in enumerate(parts) if mark == "_"]
    return [name[place:] for place in places if name[place:]]
