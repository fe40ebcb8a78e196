"""A principle's fields as the editor shows them: texts, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from constitution.errors import BadPrincipleError
from constitution.services import Example

FIELDS = (
    "name", "weight", "tags", "comparison", "critique_request", "revision_request", "examples",
    "verifier",
)  # fmt: skip
LABELS = {
    "name": "Name",
    "weight": "Weight",
    "tags": "Tags",
    "comparison": "Comparison: “Choose the response that …”",
    "critique_request": "Critique request",
    "revision_request": "Revision request",
    "examples": "Examples",
    "verifier": "Verifier",
}
VERIFIERS = {
    "length": "kind: length\nunit: words\nmost: 100\n",
    "pattern": "kind: pattern\npattern: '\\bplease\\b'\nfound: true\nignore_case: true\n",
    "contains": "kind: contains\nall_of: []\nnone_of: [obviously]\n",
    "json_schema": "kind: json_schema\njson_schema:\n  type: object\n  required: [answer]\n",
    "refusal": "kind: refusal\nwanted: false\n",
}
"""What the editor puts in for each kind, to begin from."""

ROLES = ("system", "user", "assistant")
EXAMPLE = "- prompt: \n  response: \n  critique: \n  revision: \n"


def as_texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """The fields as the editor's inputs hold them."""
    return {
        "name": fields["name"],
        "weight": f"{fields['weight']:g}",
        "tags": ", ".join(fields["tags"]),
        "comparison": fields["comparison"],
        "critique_request": fields["critique_request"],
        "revision_request": fields["revision_request"],
        "examples": _yaml(
            [{key: text for key, text in one.items() if text} for one in fields["examples"]]
        ),
        "verifier": _yaml(fields["verifier"]),
    }


def from_text(field: str, text: str) -> Any:
    """What a field's text means. BadPrincipleError names the field and what would be right."""
    text = text.replace("\r\n", "\n")
    if field not in FIELDS:
        raise BadPrincipleError(field, f"There is no field {field[:40]!r}.")
    if "\x00" in text:
        raise BadPrincipleError(field, "NUL characters cannot be stored.")
    if field == "weight":
        try:
            return float(text)
        except ValueError as error:
            raise BadPrincipleError(field, f"{text[:40]!r} is not a number.") from error
    if field == "tags":
        return [tag.strip() for tag in text.split(",") if tag.strip()]
    if field == "examples":
        return _examples(_read_yaml(field, text))
    if field == "verifier":
        return _read_yaml(field, text) or None
    return text.strip()


def shots_as_text(few_shots: Sequence[Sequence[Mapping[str, str]]]) -> str:
    """A version's few-shot conversations as the editor holds them."""
    return _yaml([[{turn["role"]: turn["content"]} for turn in chat] for chat in few_shots])


def shots_from_text(text: str) -> list[list[dict[str, str]]]:
    """The conversations that a text means. BadPrincipleError says which turn is wrong."""
    value = _read_yaml("few_shots", text.replace("\r\n", "\n"))
    if value in (None, ""):
        return []
    if not isinstance(value, list) or not all(isinstance(chat, list) for chat in value):
        raise BadPrincipleError(
            "few_shots", "Write a list of conversations, each a list of turns: “- - user: Hi”."
        )
    chats = []
    for number, chat in enumerate(value, start=1):
        turns = []
        for place, turn in enumerate(chat, start=1):
            where = f"Conversation {number}, turn {place}"
            if not isinstance(turn, dict) or len(turn) != 1 or next(iter(turn)) not in ROLES:
                raise BadPrincipleError("few_shots", f"{where}: one of {', '.join(ROLES)}: text.")
            [(role, content)] = turn.items()
            turns.append({"role": role, "content": str(content).strip()})
        if turns:
            chats.append(turns)
    return chats


def _examples(value: Any) -> list[dict[str, str]]:
    if value in (None, ""):
        return []
    if not isinstance(value, list):
        raise BadPrincipleError("examples", "Write a list: each example begins with “- ”.")
    found = []
    for number, one in enumerate(value, start=1):
        if not isinstance(one, dict) or set(one) - set(Example._fields):
            raise BadPrincipleError(
                "examples", f"Example {number}: its fields are {', '.join(Example._fields)}."
            )
        texts = {key: str(text).strip() for key, text in one.items() if text is not None}
        if not texts.get("prompt"):
            raise BadPrincipleError("examples", f"Example {number} needs a prompt.")
        found.append({"response": "", "critique": "", "revision": "", **texts})
    return [Example(**one)._asdict() for one in found]


def _read_yaml(field: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" on line {place.line + 1}" if place is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise BadPrincipleError(field, f"Not valid YAML{where}: {problem}.") from error


def _yaml(value: Any) -> str:
    if not value:
        return ""
    text: str = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=80)
    return text
