"""Conversations between how they are stored and how a model gets them.

Stored: {role, content}, where an assistant's turn may have `tool_calls` (type, id, function with
name and arguments as JSON text) and a tool's turn the `tool_call_id` that it answers and a `name`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from inference.engine import Message, ToolCall

MAX_DEPTH = 50
"""Arguments that are nested deeper are text."""

Change = Callable[[str], str]
"""What is done to every text on its way: control tokens are disarmed."""


def read_messages(turns: Iterable[Mapping[str, Any]]) -> tuple[Message, ...]:
    """Stored turns as messages for an engine."""
    return tuple(
        Message(
            turn["role"],
            turn["content"],
            tool_calls=tuple(_read_call(call) for call in turn.get("tool_calls") or ()),
            tool_call_id=turn.get("tool_call_id") or "",
            name=turn.get("name") or "",
        )
        for turn in turns
    )


def _read_call(call: Mapping[str, Any]) -> ToolCall:
    function = call["function"]
    return ToolCall(function["name"], function["arguments"], id=call.get("id") or "")


def has_tools(messages: Sequence[Message]) -> bool:
    """Whether any turn calls a tool or answers for one."""
    return any(message.tool_calls or message.role == "tool" for message in messages)


def template_messages(messages: Sequence[Message], change: Change) -> list[dict[str, Any]]:
    """Messages as chat templates read them: a call's arguments are an object."""
    return [_message(message, change, as_text=False) for message in messages]


def wire_messages(messages: Sequence[Message], change: Change) -> list[dict[str, Any]]:
    """Messages as OpenAI-compatible servers read them: a call's arguments are JSON text, and the
    developer speaks as the system, which every server knows."""
    turns = [_message(message, change, as_text=True) for message in messages]
    return [{**turn, "role": "system"} if turn["role"] == "developer" else turn for turn in turns]


def _message(message: Message, change: Change, *, as_text: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role, "content": change(message.content)}
    if message.tool_calls:
        found["tool_calls"] = [_call(call, change, as_text) for call in message.tool_calls]
    if message.tool_call_id:
        found["tool_call_id"] = change(message.tool_call_id)
    if message.name:
        found["name"] = change(message.name)
    return found


def _call(call: ToolCall, change: Change, as_text: bool) -> dict[str, Any]:
    spelled = parsed(call.arguments)
    arguments: Any = change(call.arguments)
    if isinstance(spelled, dict):
        arguments = _changed(spelled, change)
    if as_text and not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    function = {"name": change(call.name), "arguments": arguments}
    found: dict[str, Any] = {"type": "function", "function": function}
    if call.id:
        found["id"] = change(call.id)
    return found


def parsed(arguments: str) -> Any:
    """The JSON object or list that a text spells; None where it spells none that can be walked
    and written again: no numbers beyond JSON's, no halves of surrogate pairs, not too deep."""
    try:
        found = json.loads(arguments, parse_constant=_refused, parse_float=_finite)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) and not _too_deep(found) else None


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    found = float(digits)
    if not math.isfinite(found):
        raise ValueError(f"{digits} is out of range")
    return found


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _changed(value: Any, change: Change) -> Any:
    """Every text in a value changed: an escaped token in JSON is the token once it is read."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _changed(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_changed(inner, change) for inner in value]
    return value
