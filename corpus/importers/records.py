"""One line of pairs JSONL as a validated value, and what parsing a line can come to."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from corpus.hashing import completion_sha256
from corpus.storable import unstorable

ImportedChoice = Literal["a", "b", "equal", "both_bad"]

MAX_SAMPLING_DEPTH = 20
"""Deeper objects are refused: no sampling configuration is, and writers of JSON recurse."""

MAX_REASON_CHARACTERS = 300
"""A reason may quote the line, which may be megabytes long."""


def _storable(text: str) -> str:
    """What every database and file can hold: no NUL, no lone surrogate."""
    if why := unstorable(text):
        raise ValueError(f"contains {why}, which cannot be stored")
    return text


def _storable_json(value: Any, depth: int = 0) -> Any:
    """What a JSON column of every database can hold: finite numbers and storable texts."""
    if depth > MAX_SAMPLING_DEPTH:
        raise ValueError(f"is nested more than {MAX_SAMPLING_DEPTH} deep")
    if isinstance(value, str):
        _storable(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("contains a number outside the floating-point range")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _storable(key)
            _storable_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _storable_json(inner, depth + 1)
    return value


def _as_messages(value: Any) -> Any:
    return [{"role": "user", "content": value}] if isinstance(value, str) else value


def _as_moment(value: Any) -> Any:
    """ISO 8601 text as a moment in UTC; one without a zone is taken as UTC.

    In UTC, because the same moment written in two zones is the same label.
    """
    if not isinstance(value, str):
        return value
    try:
        moment = dt.datetime.fromisoformat(value)
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"got {value!r}; must be ISO 8601, such as 2026-01-31T12:00:00Z"
        ) from error


Text = Annotated[str, AfterValidator(_storable)]
Short = Annotated[str, AfterValidator(_storable), Field(max_length=200)]
Moment = Annotated[dt.datetime, BeforeValidator(_as_moment)]
Sampling = Annotated[dict[str, Any], AfterValidator(_storable_json)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        """Table tools write null for what a row lacks; a required field may not be lacking."""
        if not isinstance(value, dict) or None not in value.values():
            return value
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {
            name: inner
            for name, inner in value.items()
            if inner is not None or name not in optional
        }


class Turn(_Strict):
    role: Literal["system", "user", "assistant"]
    content: Text


class LabelRecord(_Strict):
    """A label that came with a pair. `choice` and `p_a` speak of response_a and response_b."""

    rater: Short = Field(min_length=1)
    kind: Literal["human", "judge"] = "human"
    choice: ImportedChoice | None = None
    strength: int | None = Field(None, ge=1, le=3)
    comment: Text = ""
    created_at: Moment | None = None
    order: Literal["ab", "ba"] | None = None
    p_a: Annotated[float | None, Field(ge=0, le=1)] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.kind == "human" and self.choice is None:
            raise ValueError("choice is missing; a human's label needs one")
        if self.kind == "human" and (self.order or self.p_a is not None):
            raise ValueError("order and p_a are only for judges, not for humans")
        if (self.order is None) != (self.p_a is None):
            raise ValueError("order and p_a must be given together")
        if self.choice is None and self.p_a is None:
            raise ValueError("a judge's label needs a choice, or order and p_a")
        return self


class PromptRecord(_Strict):
    """One prompt without answers, with what is known of it; see docs/data-format.md."""

    prompt: Annotated[tuple[Turn, ...], BeforeValidator(_as_messages), Field(strict=False)] = Field(
        min_length=1
    )
    domain: Annotated[Text, Field(max_length=100)] = ""
    difficulty: Annotated[Text, Field(max_length=50)] = ""
    source: Short = ""
    language: Annotated[Text, Field(max_length=35)] = ""
    reference: Text = ""
    sensitive: bool = False

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.prompt[-1].role == "assistant":
            raise ValueError("the prompt ends with an assistant turn; it must end before one")
        if not self.prompt[-1].content.strip():
            raise ValueError("the prompt is empty")
        return self


class PairRecord(_Strict):
    """One pair with what is known of it; see docs/data-format.md."""

    prompt: Annotated[tuple[Turn, ...], BeforeValidator(_as_messages), Field(strict=False)] = Field(
        min_length=1
    )
    response_a: Text
    response_b: Text
    id: Annotated[Short, Field(strict=False, coerce_numbers_to_str=True)] = ""
    domain: Annotated[Text, Field(max_length=100)] = ""
    difficulty: Annotated[Text, Field(max_length=50)] = ""
    source: Short = ""
    language: Annotated[Text, Field(max_length=35)] = ""
    reference: Text = ""
    model_a: Short | None = None
    model_b: Short | None = None
    sampling_a: Sampling | None = None
    sampling_b: Sampling | None = None
    gold: ImportedChoice | None = None
    labels: Annotated[tuple[LabelRecord, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _is_a_pair(self) -> Self:
        if self.prompt[-1].role == "assistant":
            raise ValueError("the prompt ends with an assistant turn; it must end before one")
        # Most answers differ at a glance; only those that may be one and the same are hashed.
        alike = self.response_a == self.response_b or not (
            self.response_a.isascii() and self.response_b.isascii()
        )
        if alike and self._identity("a") == self._identity("b"):
            raise ValueError("response_a and response_b are identical")
        said: dict[tuple[str, str], float | None] = {}
        for label in self.labels:
            if label.order and said.setdefault((label.rater, label.order), label.p_a) != label.p_a:
                raise ValueError(
                    f"labels: {label.rater!r} has two different values of p_a for the order "
                    f"{label.order}"
                )
        return self

    def _identity(self, side: Literal["a", "b"]) -> str:
        """The hash by which a response is stored, which alone says whether two are the same."""
        if side == "a":
            text, model, sampling = self.response_a, self.model_a, self.sampling_a
        else:
            text, model, sampling = self.response_b, self.model_b, self.sampling_b
        return completion_sha256("", text, model or None, sampling)


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """Line `line` (from 1) is a record, or cannot be one for `reason`."""

    line: int
    record: PairRecord | None = None
    reason: str = ""


def describe(error: ValidationError) -> str:
    """The first few faults of a record, in words that name the field."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False)[:3]:
        where = ".".join(str(part) for part in fault["loc"] if part != "function-after")
        message = fault["msg"].removeprefix("Value error, ")
        faults.append(f"{where}: {message}" if where else message)
    return _printable("; ".join(faults))


def _printable(reason: str) -> str:
    """A reason that can be printed on one line, whatever names and values it quotes."""
    cut = reason[:MAX_REASON_CHARACTERS] + "…" * (len(reason) > MAX_REASON_CHARACTERS)
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in cut)
