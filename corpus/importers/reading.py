"""What the formats have in common when they read a row."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from corpus.hashing import sha256_of
from corpus.importers.records import ImportedChoice, LabelRecord, PairRecord, describe
from corpus.importers.turns import ASSISTANT, Turn, as_turns, read_message


class RowError(ValueError):
    """A row that holds no record; its words say why."""


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
    return tuple(turns)


def dialogue(value: Any, name: str) -> Dialogue:
    """A conversation that ends with an assistant's turn. RowError."""
    turns = conversation(value, name)
    if turns[-1].role != ASSISTANT:
        raise RowError(f"{name}: ends with a turn of the {turns[-1].role}, not of the assistant")
    if len(turns) == 1:
        raise RowError(f"{name}: there is no prompt before the answer")
    return Dialogue(turns[:-1], answer_text(turns[-1]))


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
    tie: bool = False,
    **known: Any,
) -> PairRecord:
    """A pair of which one answer was chosen (or neither, in a tie) by the rater of `label`.

    `label` has the other fields of a LabelRecord; `known` those of a PairRecord.
    """
    first = chosen_is_a(chosen, rejected)
    a, b = (chosen, rejected) if first else (rejected, chosen)
    models = (chosen_model, rejected_model) if first else (rejected_model, chosen_model)
    choice: ImportedChoice = "equal" if tie else ("a" if first else "b")
    return PairRecord(
        prompt=tuple(prompt) if not isinstance(prompt, str) else prompt,  # type: ignore[arg-type]
        response_a=a,
        response_b=b,
        model_a=models[0],
        model_b=models[1],
        labels=(LabelRecord(choice=choice, **label),),
        **known,
    )


def rest(fields: Mapping[str, Any], used: Iterable[str]) -> dict[str, Any]:
    """What a row says beyond the fields that were used: kept as metadata. Empty values are none."""
    taken = set(used)
    return {
        name: cleaned(value)
        for name, value in fields.items()
        if name not in taken and value not in (None, "", [], {})
    }


def cleaned(value: Any) -> Any:
    """A value without the numbers that JSON has not: NaN and the infinities become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(inner) for inner in value]
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


def short(value: Any, limit: int = 200) -> str:
    """A name or id of any type as a text that fits; "" for nothing."""
    return "" if value is None else str(value)[:limit]


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
