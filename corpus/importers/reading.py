"""What the formats have in common when they read a row."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from corpus.hashing import sha256_of
from corpus.importers.records import (
    MAX_DEPTH,
    ImportedChoice,
    LabelRecord,
    PairRecord,
    describe,
)
from corpus.importers.turns import ASSISTANT, Turn, as_turns, read_message


class RowError(ValueError):
    """A row that holds no record; its words say why."""


class WriteError(ValueError):
    """A record that a format cannot hold; its words say what of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number from 1, its fields, and the file's name."""

    number: int
    fields: Mapping[str, Any]
    source: str


class Dialogue(NamedTuple):
    """A prompt and the answer to it."""

    prompt: tuple[Turn, ...]
    answer: str


def conversation(value: Any, name: str) -> tuple[Turn, ...]:
    """A list of messages, in any usual spelling, as turns. RowError, which begins with `name`."""
    if not isinstance(value, list | tuple) or not value:
        raise RowError(f"{name}: must be a list of messages")
    turns = []
    for place, message in enumerate(as_turns(value)):
        if not isinstance(message, Mapping):
            raise RowError(f"{name}.{place}: must be a message with a role and content")
        try:
            turns.append(Turn.model_validate(read_message(message)))
        except ValidationError as error:
            raise RowError(f"{name}.{place}.{describe(error)}") from error
        except ValueError as error:
            raise RowError(f"{name}.{place}: {error}") from error
    if not turns:
        raise RowError(f"{name}: must hold a message that says something")
    return tuple(turns)


def prompt_turns(value: Any, name: str) -> tuple[Turn, ...]:
    """A prompt given as a text, one message, or a list of messages. RowError."""
    if isinstance(value, str):
        if not value.strip():
            raise RowError(f"{name}: is empty")
        return conversation([{"role": "user", "content": value}], name)
    if not isinstance(value, Mapping | list | tuple):
        raise RowError(f"{name}: must be a text or a list of messages, got {_kind(value)}")
    return conversation([value] if isinstance(value, Mapping) else value, name)


def dialogue(value: Any, name: str) -> Dialogue:
    """A conversation that ends with an assistant's turn. RowError."""
    return as_dialogue(conversation(value, name), name)


def as_dialogue(turns: Sequence[Turn], name: str) -> Dialogue:
    """Turns of which the last is the answer. RowError."""
    if turns[-1].role != ASSISTANT:
        raise RowError(f"{name}: ends with a turn of the {turns[-1].role}, not of the assistant")
    if len(turns) == 1:
        raise RowError(f"{name}: there is no prompt before the answer")
    return Dialogue(tuple(turns[:-1]), answer_text(turns[-1]))


def answer_text(turn: Turn) -> str:
    """An answer as a text: what it says, then the tools that it calls, one JSON object a line."""
    calls = [
        f'{{"name": "{call["function"]["name"]}", "arguments": {call["function"]["arguments"]}}}'
        for call in turn.tool_calls or ()
    ]
    return "\n".join([turn.content, *calls] if turn.content else calls)


def answer(value: Any, name: str) -> str:
    """An answer given as a text, as one message, or as a list of one message. RowError."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping | list | tuple):
        raise RowError(f"{name}: must be a text or a message, got {_kind(value)}")
    messages = [value] if isinstance(value, Mapping) else value
    turns = conversation(messages, name)
    if len(turns) != 1 or turns[0].role != ASSISTANT:
        raise RowError(f"{name}: must be one message of the assistant")
    return answer_text(turns[0])


def shared_prompt(chosen: Dialogue, rejected: Dialogue) -> tuple[Turn, ...]:
    """The prompt that two dialogues have in common. RowError where they part before the answer."""
    if chosen.prompt == rejected.prompt:
        return chosen.prompt
    for place, (one, other) in enumerate(zip(chosen.prompt, rejected.prompt, strict=False)):
        if one != other:
            raise RowError(f"chosen and rejected differ in turn {place + 1}, before the answer")
    raise RowError("chosen and rejected have different numbers of turns")


def chosen_is_a(chosen: str, rejected: str) -> bool:
    """Whether the chosen answer becomes response_a: by a hash of the two texts, so that the order
    tells nothing about the label, and the same file gives the same pairs."""
    return int(sha256_of(sorted([chosen, rejected])), 16) % 2 == 0


def pair_of(
    *,
    prompt: Sequence[Turn] | str,
    chosen: str,
    rejected: str,
    label: Mapping[str, Any],
    chosen_model: str | None = None,
    rejected_model: str | None = None,
    chosen_metadata: Mapping[str, Any] | None = None,
    rejected_metadata: Mapping[str, Any] | None = None,
    tie: bool = False,
    **known: Any,
) -> PairRecord:
    """A pair of which one answer was chosen (or neither, in a tie) by the rater of `label`.

    `label` has the other fields of a LabelRecord; `known` those of a PairRecord.
    """
    first = chosen_is_a(chosen, rejected)
    a, b = (chosen, rejected) if first else (rejected, chosen)
    models = (chosen_model, rejected_model) if first else (rejected_model, chosen_model)
    said = (dict(chosen_metadata or {}), dict(rejected_metadata or {}))
    choice: ImportedChoice = "equal" if tie else ("a" if first else "b")
    return PairRecord(
        prompt=tuple(prompt) if not isinstance(prompt, str) else prompt,  # type: ignore[arg-type]
        response_a=a,
        response_b=b,
        model_a=models[0],
        model_b=models[1],
        metadata_a=said[0] if first else said[1],
        metadata_b=said[1] if first else said[0],
        labels=(LabelRecord(choice=choice, **label),),
        **known,
    )


DESCRIBED = {"id": 200, "domain": 100, "difficulty": 50, "source": 200, "language": 35}
"""Columns that mean the same in every format, if they hold a text, with the room there is."""

RATERS = ("rater", "annotator", "annotator_id", "labeler")
"""Columns that say who labelled a row, in formats that have no such column of their own."""


def described(row: Row, used: Iterable[str]) -> dict[str, Any]:
    """What a row says of itself in columns that are named as ours are, the file as its source
    where it names none, and all else but the columns `used` as metadata. RowError."""
    taken = set(used)
    found: dict[str, Any] = {"source": row.source}
    for name, room in DESCRIBED.items():
        value = row.fields.get(name)
        if name == "id" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if name not in taken and isinstance(value, str) and value and len(value) <= room:
            found[name] = value
            taken.add(name)
    if "reference" not in taken and isinstance(row.fields.get("reference"), str):
        found["reference"] = row.fields["reference"]
        taken.add("reference")
    known = row.fields.get("metadata")
    if "metadata" in taken or not isinstance(known, Mapping):
        known = {}
    else:
        taken.add("metadata")
    return {**found, "metadata": {**cleaned(known), **rest(row.fields, taken)}}


def rater_of(fields: Mapping[str, Any], default: str) -> tuple[str, str | None]:
    """Who labelled a row, and the column that says so; `default` where none does."""
    for name in RATERS:
        value = fields.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()[:200], name
    return default, None


def rest(fields: Mapping[str, Any], used: Iterable[str]) -> dict[str, Any]:
    """What a row says beyond the fields that were used: kept as metadata. Empty values are none."""
    taken = set(used)
    return {
        name: cleaned(value)
        for name, value in fields.items()
        if name not in taken and value not in (None, "", [], {})
    }


def cleaned(value: Any, depth: int = 0) -> Any:
    """A value without the numbers that JSON has not: NaN and the infinities become null.

    RowError for what is nested so deep that no metadata may be.
    """
    if depth > MAX_DEPTH:
        raise RowError(f"a value is nested more than {MAX_DEPTH} deep")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): cleaned(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(inner, depth + 1) for inner in value]
    return value


def number(value: Any) -> float | None:
    """A number, also one written as a text; None for what is none ("N/A", NaN, null)."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def text(fields: Mapping[str, Any], name: str) -> str:
    """A field that must be a text. RowError."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise RowError(f"{name}: must be a string, got {_kind(value)}")
    return value


def objects(value: Any, name: str) -> list[Mapping[str, Any]]:
    """A list of objects; nothing is an empty one. RowError, which begins with `name`."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise RowError(f"{name}: must be a list of objects, got {_kind(value)}")
    for place, one in enumerate(value):
        if not isinstance(one, Mapping):
            raise RowError(f"{name}.{place}: must be an object, got {_kind(one)}")
    return list(value)


def moment_of(value: Any, name: str) -> dt.datetime | str | None:
    """A time as seconds since 1970 or as a text, for a record. RowError."""
    if value is None or value == "":
        return None
    seconds = number(value)
    if seconds is None:
        if isinstance(value, str):
            return value
        raise RowError(f"{name}: must be a time, got {_kind(value)}")
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise RowError(f"{name}: {seconds:g} seconds since 1970 is no time") from error


def thumb(fields: Mapping[str, Any], name: str) -> bool:
    """A field that must be true or false, which tables write as 1 and 0. RowError."""
    value = fields.get(name)
    if isinstance(value, bool | int) and value in (0, 1):
        return bool(value)
    raise RowError(f"{name}: must be true or false, got {_kind(value)}")


def short(value: Any, limit: int = 200) -> str:
    """A name or id of any type as a text that fits; "" for nothing."""
    return "" if value is None else str(value)[:limit]


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
