"""The words of principles as values: what forms, files and the database exchange."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from constitution.errors import BadPrincipleError, BadVerifierError
from constitution.models import ConstitutionVersion, Principle
from constitution.verifiers import read_verifier

MOST_CHARACTERS = 20_000


class Example(NamedTuple):
    """What a principle means, shown: a response with its critique and revision."""

    prompt: str
    response: str = ""
    critique: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class PrincipleText:
    """The words of one principle; `comparison` reads “Choose the response that …”.

    `verifier` is the JSON of one of `constitution.verifiers`, None for none.
    """

    name: str
    comparison: str
    critique_request: str = ""
    revision_request: str = ""
    weight: float = 1.0
    tags: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    verifier: dict[str, Any] | None = None


FewShots = Sequence[Sequence[Mapping[str, str]]]
"""Conversations of {role, content}."""


def texts_of(version: ConstitutionVersion) -> list[PrincipleText]:
    """The principles of a version in order, as they would be written again."""
    return [
        PrincipleText(
            name=one.name,
            comparison=one.comparison,
            critique_request=one.critique_request,
            revision_request=one.revision_request,
            weight=one.weight,
            tags=tuple(one.tags),
            examples=tuple(Example(**example) for example in one.examples),
            verifier=one.verifier,
        )
        for one in version.principles.order_by("position")
    ]


def fields_of(text: PrincipleText | Principle) -> dict[str, Any]:
    """The principle's fields as JSON, in the order of the editor."""
    examples = [
        example._asdict() if isinstance(example, Example) else dict(example)
        for example in text.examples
    ]
    return {
        "name": text.name,
        "comparison": text.comparison,
        "critique_request": text.critique_request,
        "revision_request": text.revision_request,
        "weight": text.weight,
        "tags": list(text.tags),
        "examples": examples,
        "verifier": text.verifier,
    }


def text_of(fields: Mapping[str, Any]) -> PrincipleText:
    """A principle from its fields as JSON; what is left out is empty. BadPrincipleError."""
    try:
        return PrincipleText(
            name=str(fields["name"]).strip(),
            comparison=fields.get("comparison", ""),
            critique_request=fields.get("critique_request", ""),
            revision_request=fields.get("revision_request", ""),
            weight=float(fields.get("weight", 1.0)),
            tags=_tags(fields.get("tags") or []),
            examples=tuple(_example(one) for one in fields.get("examples") or []),
            verifier=fields.get("verifier"),
        )
    except (TypeError, ValueError) as error:
        raise BadPrincipleError("examples", f"A field has the wrong type: {error}.") from error


def _tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise BadPrincipleError("tags", "Tags must be a list of words.")
    return tuple(value)


def _example(value: Any) -> Example:
    known = Example._fields
    if not isinstance(value, Mapping) or not set(value) <= set(known) or "prompt" not in value:
        raise BadPrincipleError(
            "examples", f"An example must be an object with {', '.join(known)}."
        )
    if not all(isinstance(one, str) for one in value.values()):
        raise BadPrincipleError("examples", "The fields of an example must be strings.")
    return Example(**value)


def row_of(version: ConstitutionVersion, position: int, text: PrincipleText) -> Principle:
    """A principle to be stored in a draft, not stored yet."""
    return Principle(
        version=version, position=position, revision=version.revision, **fields_of(text)
    )


def check_principle(text: PrincipleText) -> None:
    """Refuse what no principle can be. BadPrincipleError names the field."""
    if not text.name.strip():
        raise BadPrincipleError("name", "A principle needs a name.")
    if len(text.name) > 100:
        raise BadPrincipleError("name", f"The name has {len(text.name)} characters; at most 100.")
    if not (math.isfinite(text.weight) and text.weight >= 0):
        raise BadPrincipleError("weight", f"The weight is {text.weight}; it must be 0 or more.")
    for field in ("comparison", "critique_request", "revision_request"):
        length = len(getattr(text, field))
        if length > MOST_CHARACTERS:
            raise BadPrincipleError(
                field, f"{field} has {length:,} characters; at most {MOST_CHARACTERS:,}."
            )
    for example in text.examples:
        if not example.prompt.strip():
            raise BadPrincipleError("examples", "An example needs a prompt.")
    if text.verifier is not None:
        try:
            read_verifier(text.verifier)
        except BadVerifierError as error:
            raise BadPrincipleError("verifier", str(error)) from error
