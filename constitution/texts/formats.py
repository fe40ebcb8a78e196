"""Constitutions as files: our own YAML and JSON, and the public formats.

concord      ours: name, principles with all their fields, few_shots; YAML or JSON
critiques    a dict of name → {prompt: [critique request, …], edit_request}, as published with
             Constitutional AI (Bai et al. 2022, arXiv 2212.08073)
comparisons  a list of comparison principles, as published with it
swarm        {constitutions: [{critic, revision}], system_chat: [conversation, …]}, as in llm-swarm

Texts are kept as they are written, so that a file read and written again is the same. What a
format has no place for is named by `lost_by`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from constitution.errors import BadConstitutionFileError, BadVerifierError
from constitution.services import Example, PrincipleText
from constitution.verifiers import read_verifier
from corpus.storable import unstorable

FormatName = Literal["concord", "critiques", "comparisons", "swarm"]

MAX_FILE_BYTES = 5_000_000
# Between a public entry's name and the number of its further critique requests.
_NTH = "#"


@dataclass(frozen=True, slots=True)
class ConstitutionFile:
    """What a file held; `name` is empty where its format has none."""

    format: FormatName
    name: str
    principles: tuple[PrincipleText, ...]
    few_shots: tuple[tuple[dict[str, str], ...], ...] = ()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Turn(_Strict):
    role: Literal["system", "user", "assistant"]
    content: str


class _Example(_Strict):
    prompt: str = Field(min_length=1)
    response: str = ""
    critique: str = ""
    revision: str = ""


class _Principle(_Strict):
    name: str = Field(min_length=1, max_length=100)
    comparison: str = ""
    critique_request: str = ""
    revision_request: str = ""
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    tags: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    examples: tuple[_Example, ...] = ()
    verifier: dict[str, Any] | None = None


class _Concord(_Strict):
    name: str = Field(default="", max_length=200)
    principles: tuple[_Principle, ...] = Field(min_length=1)
    few_shots: tuple[tuple[_Turn, ...], ...] = ()


class _Critique(_Strict):
    prompt: tuple[str, ...] = Field(min_length=1)
    edit_request: str


class _SwarmPrinciple(_Strict):
    critic: str
    revision: str


class _Swarm(_Strict):
    constitutions: tuple[_SwarmPrinciple, ...] = Field(min_length=1)
    system_chat: tuple[tuple[_Turn, ...], ...] = ()


_CRITIQUES: TypeAdapter[dict[str, _Critique]] = TypeAdapter(dict[str, _Critique])
_COMPARISONS: TypeAdapter[list[str]] = TypeAdapter(
    Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
)


def read_constitution(text: str) -> ConstitutionFile:
    """A constitution from the text of a file, whose format its shape tells.

    Raises:
        BadConstitutionFileError: no YAML or JSON, no known shape, or a field that is wrong; the
            message names it.
    """
    if len(text.encode()) > MAX_FILE_BYTES:
        raise BadConstitutionFileError(f"the file is larger than {MAX_FILE_BYTES:,} bytes")
    try:
        # JSON is YAML, but for a few escapes and tabs; its own reader is also the quicker one.
        data = json.loads(text) if text.lstrip()[:1] in ("{", "[") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise BadConstitutionFileError(f"the file is neither YAML nor JSON: {error}") from error
    if why := unstorable(data):
        raise BadConstitutionFileError(f"the file contains {why}, which cannot be stored")
    try:
        found = _reader(data)(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadConstitutionFileError(f"{where}: {first['msg']}") from error
    _check_names(found.principles)
    return found


def write_constitution(
    format_name: FormatName,
    *,
    name: str,
    principles: Sequence[PrincipleText],
    few_shots: Sequence[Sequence[dict[str, str]]] = (),
    as_json: bool = False,
) -> str:
    """The text of a file in a format; our own is YAML unless `as_json`, the public ones are JSON.

    Raises:
        BadConstitutionFileError: no principle has what the format is about.
    """
    data = _WRITERS[format_name](name, principles, few_shots)
    if not data or (isinstance(data, dict) and data.get("constitutions") == []):
        raise BadConstitutionFileError(
            f"no principle has what the format {format_name!r} needs: {_ABOUT[format_name]}"
        )
    if format_name == "concord" and not as_json:
        return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=96)
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def lost_by(format_name: FormatName, principles: Sequence[PrincipleText]) -> list[str]:
    """What of these principles a format has no place for, one sentence each; empty for ours."""
    if format_name == "concord":
        return []
    kept = {"comparison"} if format_name == "comparisons" else {"critique", "revision"}
    lost = []
    for what, there in (
        ("comparison", any(one.comparison for one in principles)),
        ("critique", any(one.critique_request for one in principles)),
        ("weights", any(one.weight != 1.0 for one in principles)),
        ("tags", any(one.tags for one in principles)),
        ("examples", any(one.examples for one in principles)),
        ("verifiers", any(one.verifier for one in principles)),
    ):
        if there and what not in kept:
            lost.append(f"The format {format_name!r} cannot hold {what}.")
    return lost


def _reader(data: object) -> Callable[[Any], ConstitutionFile]:
    if isinstance(data, list):
        return _read_comparisons
    if isinstance(data, dict) and "constitutions" in data:
        return _read_swarm
    if isinstance(data, dict) and "principles" in data:
        return _read_concord
    if isinstance(data, dict) and data and all(isinstance(one, dict) for one in data.values()):
        return _read_critiques
    raise BadConstitutionFileError(
        "the file is not a constitution: it should hold `principles`, or `constitutions`, or a "
        "dict of name → {prompt, edit_request}, or a list of comparison principles"
    )


def _read_concord(data: Any) -> ConstitutionFile:
    read = _Concord.model_validate(data)
    principles = []
    for one in read.principles:
        if one.verifier is not None:
            try:
                read_verifier(one.verifier)
            except BadVerifierError as error:
                raise BadConstitutionFileError(f"the verifier of {one.name!r}: {error}") from error
        principles.append(
            PrincipleText(
                name=one.name,
                comparison=one.comparison,
                critique_request=one.critique_request,
                revision_request=one.revision_request,
                weight=one.weight,
                tags=one.tags,
                examples=tuple(Example(**example.model_dump()) for example in one.examples),
                verifier=one.verifier,
            )
        )
    return ConstitutionFile("concord", read.name, tuple(principles), _shots(read.few_shots))


def _read_critiques(data: Any) -> ConstitutionFile:
    principles = []
    for name, entry in _CRITIQUES.validate_python(data).items():
        for number, request in enumerate(entry.prompt, start=1):
            principles.append(
                PrincipleText(
                    name=name if number == 1 else f"{name}{_NTH}{number}",
                    comparison="",
                    critique_request=request,
                    revision_request=entry.edit_request,
                )
            )
    return ConstitutionFile("critiques", "", tuple(principles))


def _read_comparisons(data: Any) -> ConstitutionFile:
    texts = _COMPARISONS.validate_python(data)
    principles = (
        PrincipleText(name=f"comparison-{number}", comparison=text)
        for number, text in enumerate(texts, start=1)
    )
    return ConstitutionFile("comparisons", "", tuple(principles))


def _read_swarm(data: Any) -> ConstitutionFile:
    read = _Swarm.model_validate(data)
    principles = (
        PrincipleText(
            name=f"principle-{number}",
            comparison="",
            critique_request=one.critic,
            revision_request=one.revision,
        )
        for number, one in enumerate(read.constitutions, start=1)
    )
    return ConstitutionFile("swarm", "", tuple(principles), _shots(read.system_chat))


def _shots(chats: Sequence[Sequence[_Turn]]) -> tuple[tuple[dict[str, str], ...], ...]:
    return tuple(tuple(turn.model_dump() for turn in chat) for chat in chats)


def _check_names(principles: Sequence[PrincipleText]) -> None:
    seen: set[str] = set()
    for one in principles:
        if len(one.name) > 100:
            raise BadConstitutionFileError(f"the name {one.name[:40]!r}… has over 100 characters")
        if one.name in seen:
            raise BadConstitutionFileError(f"two principles are named {one.name!r}")
        if not (one.comparison or one.critique_request or one.verifier):
            raise BadConstitutionFileError(
                f"the principle {one.name!r} has no comparison, no critique request and no verifier"
            )
        seen.add(one.name)


Shots = Sequence[Sequence[dict[str, str]]]


def _write_concord(name: str, principles: Sequence[PrincipleText], few_shots: Shots) -> Any:
    written = []
    for one in principles:
        fields: dict[str, Any] = {
            "name": one.name,
            "comparison": one.comparison,
            "critique_request": one.critique_request,
            "revision_request": one.revision_request,
            "weight": one.weight,
            "tags": list(one.tags),
            "examples": [
                {key: text for key, text in example._asdict().items() if text}
                for example in one.examples
            ],
            "verifier": one.verifier,
        }
        written.append({key: value for key, value in fields.items() if value not in ("", [], None)})
    data: dict[str, Any] = {"name": name, "principles": written}
    if few_shots:
        data["few_shots"] = [[dict(turn) for turn in chat] for chat in few_shots]
    return data


def _write_critiques(_name: str, principles: Sequence[PrincipleText], _shots: Shots) -> Any:
    data: dict[str, dict[str, Any]] = {}
    for one in principles:
        if not one.critique_request:
            continue
        name, _, nth = one.name.rpartition(_NTH)
        if name in data and nth.isdecimal() and data[name]["edit_request"] == one.revision_request:
            data[name]["prompt"].append(one.critique_request)
        else:
            data[one.name] = {
                "prompt": [one.critique_request],
                "edit_request": one.revision_request,
            }
    return data


def _write_comparisons(_name: str, principles: Sequence[PrincipleText], _shots: Shots) -> Any:
    return [one.comparison for one in principles if one.comparison]


def _write_swarm(_name: str, principles: Sequence[PrincipleText], few_shots: Shots) -> Any:
    return {
        "constitutions": [
            {"critic": one.critique_request, "revision": one.revision_request}
            for one in principles
            if one.critique_request
        ],
        "system_chat": [[dict(turn) for turn in chat] for chat in few_shots],
    }


_WRITERS: dict[FormatName, Callable[[str, Sequence[PrincipleText], Shots], Any]] = {
    "concord": _write_concord,
    "critiques": _write_critiques,
    "comparisons": _write_comparisons,
    "swarm": _write_swarm,
}
FORMATS: tuple[FormatName, ...] = ("concord", "critiques", "comparisons", "swarm")

_ABOUT: dict[FormatName, str] = {
    "concord": "principles",
    "critiques": "critique requests",
    "comparisons": "comparison texts",
    "swarm": "critique requests",
}
