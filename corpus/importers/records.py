"""One line of pairs JSONL as a validated value, and what parsing a line can come to."""

from __future__ import annotations

import datetime as dt
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

ImportedChoice = Literal["a", "b", "equal", "both_bad"]


def _storable(text: str) -> str:
    """What every database and file can hold: no NUL, no lone surrogate."""
    if "\x00" in text:
        raise ValueError("contains a NUL character, which cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("contains half of a surrogate pair, which is no text") from error
    return text


def _as_messages(value: Any) -> Any:
    return [{"role": "user", "content": value}] if isinstance(value, str) else value


def _as_moment(value: Any) -> Any:
    """ISO 8601 text as a moment; one without a zone is taken as UTC."""
    if not isinstance(value, str):
        return value
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"got {value!r}; ISO 8601 is wanted, 2026-01-31T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


Text = Annotated[str, AfterValidator(_storable)]
Short = Annotated[str, AfterValidator(_storable), Field(max_length=200)]
Moment = Annotated[dt.datetime, BeforeValidator(_as_moment)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


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
            raise ValueError("order and p_a belong to judges, not to humans")
        if (self.order is None) != (self.p_a is None):
            raise ValueError("order and p_a go together")
        if self.choice is None and self.p_a is None:
            raise ValueError("a judge's label needs a choice, or order and p_a")
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
    model_a: Short | None = None
    model_b: Short | None = None
    sampling_a: dict[str, Any] | None = None
    sampling_b: dict[str, Any] | None = None
    gold: ImportedChoice | None = None
    labels: Annotated[tuple[LabelRecord, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _is_a_pair(self) -> Self:
        if self.prompt[-1].role == "assistant":
            raise ValueError("the prompt ends with an assistant's turn; it must end before one")
        same = (self.model_a, self.sampling_a) == (self.model_b, self.sampling_b)
        if same and self.response_a == self.response_b:
            raise ValueError("response_a and response_b are identical")
        return self


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
    return "; ".join(faults)
