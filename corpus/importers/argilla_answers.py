"""Who answered which question of an Argilla record, and how, in each shape that records come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from corpus.importers.reading import RowError, objects, short
from corpus.importers.records import RaterKind

RATER = "argilla"
"""Who responded, where a response does not say."""

RESPONSES, SUGGESTION = ".responses", ".suggestion"
"""How the columns of a question end, in a table of records."""

NOT_SUBMITTED = "responses (drafts and discarded)"


class Given(NamedTuple):
    """One value that somebody gave to one question."""

    question: str
    rater: str
    kind: RaterKind
    value: Any


def is_flat(row: Mapping[str, Any]) -> bool:
    """Whether a row is a record in a table, with columns for each question."""
    return "fields" not in row and any(
        name.endswith(RESPONSES) and f"{name}.users" in row and f"{name}.status" in row
        for name in row
    )


def nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a table (`Dataset.records.to_datasets`) as `Record.to_dict` has it."""
    responses: dict[str, list[dict[str, Any]]] = {}
    suggestions: dict[str, dict[str, Any]] = {}
    plain_columns: dict[str, Any] = {}
    for name, value in row.items():
        question, mark, part = name.partition(RESPONSES)
        if mark and not part:
            who, status = (row.get(f"{name}.{of}") or [] for of in ("users", "status"))
            responses[question] = [
                {"value": one, "user_id": _at(who, place), "status": _at(status, place)}
                for place, one in enumerate(_listed(value, name))
            ]
        elif name.endswith(SUGGESTION) and value is not None:
            suggestions[name.removesuffix(SUGGESTION)] = {
                "value": value,
                "agent": row.get(f"{name}.agent"),
                "score": row.get(f"{name}.score"),
            }
        elif not mark and SUGGESTION not in name:
            plain_columns[name] = value
    own = ("id", "status", "_server_id", "vectors")
    return {
        **{name: plain_columns.pop(name) for name in own if name in plain_columns},
        "fields": {name: value for name, value in plain_columns.items() if value is not None},
        "responses": responses,
        "suggestions": suggestions,
    }


def _listed(value: Any, name: str) -> Sequence[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise RowError(f"{name}: must be a list, one entry a user")
    return value


def _at(values: Any, place: int) -> Any:
    return values[place] if isinstance(values, list | tuple) and place < len(values) else None


def given(fields: Mapping[str, Any], dropped: list[str]) -> Iterator[Given]:
    """Every submitted answer of a person, and every suggestion of a model."""
    for question, one in _by_question(fields.get("responses")):
        status = one.get("status") or "submitted"
        if status != "submitted":
            dropped.append(NOT_SUBMITTED)
            continue
        rater = short(one.get("user_id") or one.get("username")).strip() or RATER
        yield Given(question, rater, "human", one.get("value"))
    for question, one in suggested(fields.get("suggestions")):
        agent = short(one.get("agent")).strip() or "suggestion"
        yield Given(question, agent, "judge", one.get("value"))


def suggested(suggestions: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """Suggestions by question; in version 1 they are a list, each with the question's name."""
    if not isinstance(suggestions, Mapping):
        return [
            (short(one.get("question_name")), one) for one in objects(suggestions, "suggestions")
        ]
    for question, one in suggestions.items():
        if one is not None and not isinstance(one, Mapping):
            raise RowError(f"suggestions.{question}: must be an object with a value")
    return [(short(question), one) for question, one in suggestions.items() if one is not None]


def _by_question(responses: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(responses, Mapping):
        for question, answers in responses.items():
            for one in objects(answers, f"responses.{question}"):
                yield short(question), one
        return
    # Version 1: a list of users, each with the values of all questions.
    for place, user in enumerate(objects(responses, "responses")):
        values = user.get("values") or {}
        if not isinstance(values, Mapping):
            raise RowError(f"responses.{place}.values: must be an object")
        for question, held in values.items():
            value = held.get("value") if isinstance(held, Mapping) else held
            yield short(question), {**user, "value": value}
