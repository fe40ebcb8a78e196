"""What a file holds, as validated values: a record is one of five kinds, whatever the format.

Record
├── PairRecord           two answers, with labels, gold and what else is known of them
├── GroupRecord          n answers of one prompt, ranked or rated; pairs are made of them by policy
├── CompletionRecord     one answer, with thumbs
├── StepsRecord          one answer in steps, with a label a step
└── DemonstrationRecord  one answer that shows how it is done
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
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

from corpus.conversations import changed
from corpus.hashing import completion_sha256
from corpus.importers.turns import ASSISTANT, Turn, as_turns, storable

ImportedChoice = Literal["a", "b", "equal", "both_bad"]

HARD: dict[str | None, float] = {"a": 1.0, "b": 0.0, "equal": 0.5, "both_bad": 0.5}
"""What a judge's bare choice in one order is as a probability."""

MAX_DEPTH = 20
"""Deeper objects are refused: no sampling configuration is, and writers of JSON recurse."""

MAX_REASON_CHARACTERS = 300
"""A reason may quote the line, which may be megabytes long."""

MAX_METADATA_BYTES = 100_000
"""Of one record, roughly. What is longer is no metadata but a document."""

MAX_COMPLETIONS = 64
"""Of one prompt in one record. Every two of them make 2,016 pairs."""


def storable_json(value: Any, depth: int = 0) -> Any:
    """What a JSON column of every database can hold: finite numbers and storable texts."""
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("contains a number outside the floating-point range")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            storable(key)
            storable_json(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            storable_json(inner, depth + 1)
    return value


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


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if value and len(repr(value)) > MAX_METADATA_BYTES:
        raise ValueError(f"is larger than {MAX_METADATA_BYTES:,} bytes")
    return value


Text = Annotated[str, AfterValidator(storable)]
Short = Annotated[str, AfterValidator(storable), Field(max_length=200)]
Id = Annotated[
    str,
    Field(max_length=200, strict=False, coerce_numbers_to_str=True),
    AfterValidator(storable),
]
Name = Annotated[
    str,
    Field(min_length=1, max_length=200, strict=False, coerce_numbers_to_str=True),
    AfterValidator(storable),
]
Moment = Annotated[dt.datetime, BeforeValidator(_as_moment)]
Sampling = Annotated[dict[str, Any], AfterValidator(storable_json)]
Metadata = Annotated[dict[str, Any], AfterValidator(storable_json), AfterValidator(_small)]
RaterKind = Literal["human", "judge"]


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


class LabelRecord(_Strict):
    """A label that came with a pair. `choice`, `criteria` and `p_a` speak of response_a and
    response_b. A judge's choice in one order, without a probability, is a hard verdict; its
    probability without an order is a label that stands for all orders."""

    rater: Name
    kind: RaterKind = "human"
    choice: ImportedChoice | None = None
    strength: int | None = Field(None, ge=1, le=3)
    margin: float | None = None
    criteria: dict[str, ImportedChoice] = Field(default_factory=dict)
    comment: Text = ""
    seconds: Annotated[float | None, Field(ge=0)] = None
    created_at: Moment | None = None
    order: Literal["ab", "ba"] | None = None
    p_a: Annotated[float | None, Field(ge=0, le=1)] = None

    @model_validator(mode="before")
    @classmethod
    def _hard_verdict(cls, value: Any) -> Any:
        if (
            isinstance(value, dict)
            and value.get("kind") == "judge"
            and value.get("order") is not None
            and value.get("p_a") is None
            and value.get("choice") in HARD
        ):
            return {**value, "p_a": HARD[value["choice"]]}
        return value

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.kind == "human" and self.choice is None:
            raise ValueError("choice is missing; a human's label needs one")
        if self.kind == "human" and (self.order or self.p_a is not None):
            raise ValueError("order and p_a are only for judges, not for humans")
        if self.order is not None and self.p_a is None:
            raise ValueError("order is given without p_a or choice")
        if self.choice is None and self.p_a is None:
            raise ValueError("a judge's label needs a choice or p_a")
        for key in self.criteria:
            storable(key)
        return self


class ThumbRecord(_Strict):
    """Thumb up or down for one completion."""

    rater: Name
    kind: RaterKind = "human"
    good: bool
    comment: Text = ""
    created_at: Moment | None = None


class StepLabels(_Strict):
    """What one rater said of the steps, in order: 1 right, 0 neither, -1 wrong, or nothing."""

    rater: Name
    kind: RaterKind = "human"
    values: Annotated[tuple[Literal[-1, 0, 1] | None, ...], Field(strict=False)]
    created_at: Moment | None = None


class Candidate(_Strict):
    """One of the n answers of a GroupRecord."""

    text: Text
    model: Short | None = None
    sampling: Sampling | None = None
    metadata: Metadata = Field(default_factory=dict)


class Ranking(_Strict):
    """What one rater said of a group's answers, in their order: higher scores are better, equal
    ones are ties, and None is unsaid. `criteria` holds the scores on each axis likewise.

    `measured` says that the differences of scores mean something (ratings do, ranks do not).
    """

    rater: Name
    kind: RaterKind = "human"
    scores: Annotated[tuple[float | None, ...], Field(strict=False)]
    criteria: dict[str, tuple[float | None, ...]] = Field(default_factory=dict)
    measured: bool = False
    comment: Text = ""
    created_at: Moment | None = None


class _Described(_Strict):
    """What every record has: its prompt, what is known of that, and what the file said beyond.

    `dropped` names fields that could be kept nowhere, for the report.
    """

    prompt: Annotated[tuple[Turn, ...], BeforeValidator(as_turns), Field(strict=False)]
    id: Id = ""
    domain: Annotated[Text, Field(max_length=100)] = ""
    difficulty: Annotated[Text, Field(max_length=50)] = ""
    source: Short = ""
    language: Annotated[Text, Field(max_length=35)] = ""
    reference: Text = ""
    metadata: Metadata = Field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.prompt and self.prompt[-1].role == ASSISTANT:
            raise ValueError("the prompt ends with an assistant turn; it must end before one")
        if not any(turn.content.strip() or turn.tool_calls for turn in self.prompt):
            raise ValueError("the prompt is empty")
        return self

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """A copy whose prompt, reference and answers went through `change`."""
        turns = tuple(Turn(**changed(turn.as_message(), change)) for turn in self.prompt)
        return self.model_copy(
            update={
                "prompt": turns,
                "reference": change(self.reference),
                **self._answers(change),
            }
        )

    def _answers(self, change: Callable[[str], str]) -> dict[str, Any]:
        return {}

    def messages(self) -> list[dict[str, Any]]:
        """The prompt as it is stored."""
        return [turn.as_message() for turn in self.prompt]


class PromptRecord(_Described):
    """One prompt without answers, with what is known of it; see docs/data-format.md."""

    sensitive: bool = False


class PairRecord(_Described):
    """One pair with what is known of it; see docs/data-format.md."""

    response_a: Text
    response_b: Text
    model_a: Short | None = None
    model_b: Short | None = None
    sampling_a: Sampling | None = None
    sampling_b: Sampling | None = None
    metadata_a: Metadata = Field(default_factory=dict)
    metadata_b: Metadata = Field(default_factory=dict)
    gold: ImportedChoice | None = None
    labels: Annotated[tuple[LabelRecord, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _is_a_pair(self) -> Self:
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

    def _answers(self, change: Callable[[str], str]) -> dict[str, Any]:
        return {"response_a": change(self.response_a), "response_b": change(self.response_b)}


class GroupRecord(_Described):
    """n answers of one prompt, and what raters said of them."""

    completions: Annotated[tuple[Candidate, ...], Field(strict=False)] = Field(
        min_length=1, max_length=MAX_COMPLETIONS
    )
    rankings: Annotated[tuple[Ranking, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _ranks_all(self) -> Self:
        n = len(self.completions)
        for ranking in self.rankings:
            for name, scores in (("scores", ranking.scores), *ranking.criteria.items()):
                if len(scores) != n:
                    raise ValueError(
                        f"{name} of {ranking.rater!r} has {len(scores)} entries for {n} completions"
                    )
        return self

    def _answers(self, change: Callable[[str], str]) -> dict[str, Any]:
        return {
            "completions": tuple(
                one.model_copy(update={"text": change(one.text)}) for one in self.completions
            )
        }


class CompletionRecord(_Described):
    """One answer, with the thumbs it was given."""

    completion: Text
    model: Short | None = None
    sampling: Sampling | None = None
    labels: Annotated[tuple[ThumbRecord, ...], Field(strict=False)] = ()

    def _answers(self, change: Callable[[str], str]) -> dict[str, Any]:
        return {"completion": change(self.completion)}


class StepsRecord(_Described):
    """One answer in steps. Its text is the steps, joined by an empty line."""

    steps: Annotated[tuple[Text, ...], Field(strict=False)] = Field(min_length=1, max_length=1000)
    model: Short | None = None
    labels: Annotated[tuple[StepLabels, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _labels_all(self) -> Self:
        for one in self.labels:
            if len(one.values) != len(self.steps):
                raise ValueError(
                    f"there are {len(one.values)} labels for {len(self.steps)} steps; "
                    "each step needs one"
                )
        return self

    @property
    def completion(self) -> str:
        return "\n\n".join(self.steps)

    def _answers(self, change: Callable[[str], str]) -> dict[str, Any]:
        return {"steps": tuple(change(step) for step in self.steps)}


class DemonstrationRecord(_Described):
    """One answer that shows how it is done, for supervised fine-tuning."""

    completion: Text
    model: Short | None = None

    def _answers(self, change: Callable[[str], str]) -> dict[str, Any]:
        return {"completion": change(self.completion)}


Record = PairRecord | GroupRecord | CompletionRecord | StepsRecord | DemonstrationRecord


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """Line `line` (from 1), and the lines `others` that belong to it, the last of which is `last`,
    hold records, or none for `reason`."""

    line: int
    records: tuple[Record, ...] = ()
    reason: str = ""
    rows: int = 1
    last: int = 0
    others: tuple[int, ...] = ()


def describe(error: ValidationError) -> str:
    """The first few faults of a record, in words that name the field."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False)[:3]:
        where = ".".join(str(part) for part in fault["loc"] if part != "function-after")
        message = fault["msg"].removeprefix("Value error, ")
        faults.append(f"{where}: {message}" if where else message)
    return printable("; ".join(faults))


def printable(reason: str) -> str:
    """A reason that can be printed on one line, whatever names and values it quotes."""
    cut = reason[:MAX_REASON_CHARACTERS] + "…" * (len(reason) > MAX_REASON_CHARACTERS)
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in cut)
