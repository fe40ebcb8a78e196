"""Programmatic verifiers: what a principle can have checked without a model.

A verifier reads a response and gives a verifiable reward, 1 where the response keeps the rule and
0 where it breaks it, with a reason. Each kind is one validated type; `read_verifier` makes one of
what a constitution holds.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NamedTuple

import jsonschema
import regex
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from constitution.errors import BadVerifierError

# A pattern that an admin wrote may be catastrophic on a text that a model wrote.
PATTERN_SECONDS = 0.5

# How refusals begin in English chat models; a principle may name its own.
REFUSAL_PHRASES = (
    "i can't", "i cannot", "i can not", "i'm unable", "i am unable", "i'm not able",
    "i am not able", "i won't", "i will not", "i must decline", "i'm sorry, but", "i am sorry, but",
    "sorry, but i can", "as an ai",
)  # fmt: skip
# A refusal stands at the beginning; later the same words may be part of an answer.
REFUSAL_CHARACTERS = 200


class Reward(NamedTuple):
    """`value` is 0 or 1, None where the response could not be checked; `reason` says why."""

    value: float | None
    reason: str


class _Verifier(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Length(_Verifier):
    """Between `least` and `most` words or characters, both included."""

    kind: Literal["length"] = "length"
    unit: Literal["words", "characters"] = "words"
    least: int = Field(default=0, ge=0)
    most: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _says_something(self) -> Length:
        if self.most is None and self.least == 0:
            raise ValueError("give least, most, or both")
        if self.most is not None and self.most < self.least:
            raise ValueError(f"most is {self.most}, below least, {self.least}")
        return self

    def check(self, response: str) -> Reward:
        length = len(response.split()) if self.unit == "words" else len(response)
        if length < self.least:
            return Reward(0.0, f"{length} {self.unit}, fewer than {self.least}")
        if self.most is not None and length > self.most:
            return Reward(0.0, f"{length} {self.unit}, more than {self.most}")
        return Reward(1.0, f"{length} {self.unit}")


class Pattern(_Verifier):
    """A regular expression that must be found in the response, or must not."""

    kind: Literal["pattern"] = "pattern"
    pattern: str = Field(min_length=1, max_length=2_000)
    found: bool = True
    ignore_case: bool = False

    @model_validator(mode="after")
    def _compiles(self) -> Pattern:
        try:
            regex.compile(self.pattern)
        except regex.error as error:
            raise ValueError(
                f"{self.pattern!r} is not a valid regular expression: {error}"
            ) from error
        return self

    def check(self, response: str) -> Reward:
        flags = regex.IGNORECASE if self.ignore_case else 0
        try:
            match = regex.search(self.pattern, response, flags=flags, timeout=PATTERN_SECONDS)
        except TimeoutError:
            return Reward(None, f"the pattern took longer than {PATTERN_SECONDS:g} s")
        said = f"found {match.group()[:80]!r}" if match else "the pattern was not found"
        return Reward(float((match is not None) == self.found), said)


class Contains(_Verifier):
    """Words or phrases that must all be in the response, and others none of which may be."""

    kind: Literal["contains"] = "contains"
    all_of: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    none_of: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    ignore_case: bool = True

    @model_validator(mode="after")
    def _says_something(self) -> Contains:
        if not self.all_of and not self.none_of:
            raise ValueError("give all_of, none_of, or both")
        return self

    def check(self, response: str) -> Reward:
        text = self._fold(response)
        missing = [phrase for phrase in self.all_of if self._fold(phrase) not in text]
        there = [phrase for phrase in self.none_of if self._fold(phrase) in text]
        if missing:
            return Reward(0.0, f"lacks {', '.join(map(repr, missing))}")
        if there:
            return Reward(0.0, f"contains {', '.join(map(repr, there))}")
        return Reward(1.0, "contains everything required and nothing forbidden")

    def _fold(self, text: str) -> str:
        return text.casefold() if self.ignore_case else text


class JsonSchema(_Verifier):
    """The whole response is JSON that fulfils a schema (draft 2020-12); no references outside."""

    kind: Literal["json_schema"] = "json_schema"
    json_schema: dict[str, Any]

    @model_validator(mode="after")
    def _is_a_schema(self) -> JsonSchema:
        try:
            jsonschema.Draft202012Validator.check_schema(self.json_schema)
        except jsonschema.SchemaError as error:
            raise ValueError(f"not a valid JSON schema: {error.message}") from error
        if any(not ref.startswith("#") for ref in _references(self.json_schema)):
            raise ValueError("a schema may only refer to its own parts ($ref starting with #)")
        return self

    def check(self, response: str) -> Reward:
        try:
            value = json.loads(response)
        except (ValueError, RecursionError) as error:
            return Reward(0.0, f"not valid JSON: {error}")
        errors = jsonschema.Draft202012Validator(self.json_schema).iter_errors(value)
        first = next(iter(errors), None)
        if first is not None:
            return Reward(0.0, f"{first.json_path}: {first.message[:200]}")
        return Reward(1.0, "matches the schema")


class Refusal(_Verifier):
    """Whether the response begins by refusing; `wanted` says whether it should."""

    kind: Literal["refusal"] = "refusal"
    wanted: bool = False
    phrases: tuple[Annotated[str, Field(min_length=3)], ...] = REFUSAL_PHRASES

    def check(self, response: str) -> Reward:
        phrase = refusal_in(response, self.phrases)
        said = "does not refuse" if phrase is None else f"refuses: {phrase!r}"
        return Reward(float((phrase is not None) == self.wanted), said)


Verifier = Annotated[
    Length | Pattern | Contains | JsonSchema | Refusal, Field(discriminator="kind")
]

_ADAPTER: TypeAdapter[Length | Pattern | Contains | JsonSchema | Refusal] = TypeAdapter(Verifier)

KINDS = ("length", "pattern", "contains", "json_schema", "refusal")


def read_verifier(stored: object) -> Length | Pattern | Contains | JsonSchema | Refusal:
    """The verifier that a principle's JSON describes.

    Raises:
        BadVerifierError: names the field and what is wrong with it.
    """
    try:
        return _ADAPTER.validate_python(stored)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "verifier"
        raise BadVerifierError(
            f"{where}: {first['msg']}; valid kinds are {', '.join(KINDS)}"
        ) from error


def refusal_in(response: str, phrases: tuple[str, ...] = REFUSAL_PHRASES) -> str | None:
    """The phrase with which a response refuses in its first 200 characters, or None."""
    beginning = response.strip()[:REFUSAL_CHARACTERS].casefold().replace("\u2019", "'")
    return next((phrase for phrase in phrases if phrase.casefold() in beginning), None)


def _references(schema: object) -> list[str]:
    if isinstance(schema, dict):
        own = [
            ref for ref in [schema.get("$ref"), schema.get("$dynamicRef")] if isinstance(ref, str)
        ]
        return own + [ref for value in schema.values() for ref in _references(value)]
    if isinstance(schema, list):
        return [ref for value in schema for ref in _references(value)]
    return []
