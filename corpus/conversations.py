"""Stored turns, {role, content} and what tools add to them, as they are read: by people, by judges,
and by what counts or changes their texts.

An assistant's turn may have `tool_calls`, each with a `function` (its `name`, and its `arguments`
as JSON text) and an `id`; a tool's turn may have the `tool_call_id` that it answers and a `name`.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference.conversations import parsed

Turns = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool; `arguments` are laid out to be read."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """A turn as it is read. `tool` names the tool whose answer it is, where that is known; then
    `content` is laid out if it is JSON."""

    role: str
    content: str
    calls: tuple[Call, ...] = ()
    tool: str = ""


def shown(turns: Turns) -> list[ShownTurn]:
    """The turns of a conversation as they are read."""
    called = {
        call["id"]: call["function"]["name"]
        for turn in turns
        for call in turn.get("tool_calls") or ()
        if call.get("id")
    }
    found = []
    for turn in turns:
        content, tool = turn["content"], ""
        if turn["role"] == "tool":
            content = laid_out(content)
            tool = turn.get("name") or called.get(turn.get("tool_call_id"), "")
        calls = tuple(
            Call(call["function"]["name"], laid_out(call["function"]["arguments"]))
            for call in turn.get("tool_calls") or ()
        )
        found.append(ShownTurn(turn["role"], content, calls, tool))
    return found


def laid_out(text: str) -> str:
    """A JSON object or list with a line for each member; any other text as it is."""
    found = parsed(text)
    return text if found is None else json.dumps(found, indent=2, ensure_ascii=False)


def as_text(turns: Turns) -> str:
    """A conversation in plain text, as a judge reads it."""
    said = []
    for turn in turns:
        who = turn["role"].capitalize()
        if turn["role"] == "tool" and turn.get("name"):
            who = f"{who} ({turn['name']})"
        calls = [
            f"[calls {call['function']['name']} with {call['function']['arguments']}]"
            for call in turn.get("tool_calls") or ()
        ]
        texts = [turn["content"], *calls] if turn["content"] or not calls else calls
        said.append(f"{who}: " + "\n".join(texts))
    return "\n\n".join(said)


def all_text(turns: Turns) -> str:
    """All that is said in a conversation, calls of tools included."""
    return "\n".join(_texts(turns))


def characters(turns: Turns) -> int:
    """How long a conversation is."""
    return sum(len(text) for text in _texts(turns))


def _texts(turns: Turns) -> Iterable[str]:
    for turn in turns:
        yield turn["content"]
        for call in turn.get("tool_calls") or ():
            yield f"{call['function']['name']} {call['function']['arguments']}"


def last_asked(turns: Turns) -> str:
    """What was asked last, to know a conversation by in a list: the newest turn of a user that
    says something, else the last thing that was said."""
    asked = (turn["content"] for turn in reversed(turns) if turn["role"] == "user")
    return next(filter(str.strip, asked), "") or summary(turns)


def summary(turns: Turns) -> str:
    """The last thing that was said, to know a conversation by: of a turn that only calls a tool,
    the call."""
    if not turns:
        return ""
    return turns[-1]["content"] or "\n".join(list(_texts(turns[-1:]))[1:])


def changed(turn: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The turn with every text in it changed: what it says, and what it gives to tools."""
    found = {**turn, "content": change(turn["content"])}
    if turn.get("tool_calls"):
        found["tool_calls"] = [
            {
                **call,
                "function": {
                    **call["function"],
                    "arguments": _changed_json(call["function"]["arguments"], change),
                },
            }
            for call in turn["tool_calls"]
        ]
    return found


def _changed_json(text: str, change: Callable[[str], str]) -> str:
    value = parsed(text)
    if value is None:
        return change(text)
    after = _changed_values(value, change)
    # Untouched arguments stay as they were written.
    return text if after == value else json.dumps(after, ensure_ascii=False)


def _changed_values(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {change(key): _changed_values(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_changed_values(inner, change) for inner in value]
    if isinstance(value, str):
        return change(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A telephone number may be written as a number.
        written = json.dumps(value)
        return value if change(written) == written else change(written)
    return value


def identity(turns: Turns) -> list[dict[str, Any]]:
    """What makes a conversation the same as another: roles and texts without regard to white space
    and Unicode form, and the calls of tools. The ids of calls differ wherever they come from, so
    that an answer counts by the place of its call."""
    places: dict[str, int] = {}
    made = 0
    found = []
    for turn in turns:
        one: dict[str, Any] = {"role": turn["role"], "content": _plain(turn["content"])}
        if calls := turn.get("tool_calls"):
            one["calls"] = [_call_identity(call) for call in calls]
            for call in calls:
                made += 1
                if call.get("id"):
                    places[call["id"]] = made
        if turn.get("tool_call_id") in places:
            one["answers"] = places[turn["tool_call_id"]]
        if turn.get("name"):
            one["name"] = _plain(turn["name"])
        found.append(one)
    return found


def _call_identity(call: Mapping[str, Any]) -> list[Any]:
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    found = parsed(arguments)
    return [name, arguments if found is None else found]


def _plain(text: str) -> str:
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())
