"""Turns of a conversation, as the chat formats of the field write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from corpus.storable import unstorable

ASSISTANT = "assistant"
ROLES = ("system", "developer", "user", "assistant", "tool")
SPOKEN = {
    "human": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "observation": "tool",
    "function": "tool",
}
"""Names that other formats have for the roles."""

FUNCTION_CALL = "function_call"
"""The role that ShareGPT has for an assistant's turn whose text is a call, or a list of them."""

MAX_NAME_CHARACTERS = 200
"""Of a tool, or of the id of a call."""

NOT_TEXT = {"image": "image", "audio": "audio", "video": "video", "file": "file"}


def storable(text: str) -> str:
    """What every database and file can hold: no NUL, no lone surrogate."""
    if why := unstorable(text):
        raise ValueError(f"contains {why}, which cannot be stored")
    return text


def _storable_name(name: str | None) -> str | None:
    if name is not None and len(storable(name)) > MAX_NAME_CHARACTERS:
        raise ValueError(f"is longer than {MAX_NAME_CHARACTERS} characters")
    return name


class Turn(BaseModel):
    """One turn. `tool_calls` of an assistant, and the id and name of a tool that answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str, AfterValidator(storable)]
    tool_calls: tuple[dict[str, Any], ...] | None = None
    tool_call_id: Annotated[str | None, AfterValidator(_storable_name)] = None
    name: Annotated[str | None, AfterValidator(_storable_name)] = None

    @model_validator(mode="before")
    @classmethod
    def _as_people_write(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        # The common case, of two texts, is the pydantic model's own business.
        if len(value) == 2 and type(value.get("content")) is str and value.get("role") in ROLES:
            return value
        return read_message(value)

    def as_message(self) -> dict[str, Any]:
        """The turn as it is stored: only what it has."""
        message: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            message["tool_calls"] = list(self.tool_calls)
        if self.tool_call_id is not None:
            message["tool_call_id"] = self.tool_call_id
        if self.name is not None:
            message["name"] = self.name
        return message


def read_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message in any usual spelling ({role, content}, {from, value}, content in parts) with the
    names that Turn has. What a turn cannot hold (counts of tokens, ids) is left out.

    ValueError, which says what is there, for an image or a sound.
    """
    role = message.get("role", message.get("from"))
    if role == FUNCTION_CALL:
        return {"role": ASSISTANT, "content": "", "tool_calls": _calls_in(message)}
    found: dict[str, Any] = {
        "role": SPOKEN.get(role, role) if isinstance(role, str) else role,
        "content": read_content(message.get("content", message.get("value"))),
    }
    calls = message.get("tool_calls")
    if calls:
        if not isinstance(calls, Sequence) or isinstance(calls, str):
            raise ValueError("tool_calls: must be a list")
        found["tool_calls"] = tuple(_tool_call(call) for call in calls)
    for name in ("tool_call_id", "name"):
        if message.get(name) not in (None, ""):
            found[name] = str(message[name])
    if message.get("content") is None and "value" not in message and not calls:
        found["content"] = None
    return found


def read_content(content: Any) -> Any:
    """A turn's text: a string as it is, null as empty, parts joined by line breaks."""
    if content is None:
        return ""
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list | tuple):
        return content
    texts = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
            continue
        if not isinstance(part, Mapping):
            raise ValueError(f"content: a part must be an object, got {type(part).__name__}")
        kind = str(part.get("type", "text"))
        for mark, word in NOT_TEXT.items():
            if kind.startswith((mark, f"input_{mark}")) or part.get(mark) not in (None, ""):
                raise ValueError(f"holds {_a(word)}; only text can be labelled")
        if not isinstance(part.get("text"), str):
            raise ValueError(f"content: a part of type {kind!r} has no text")
        texts.append(part["text"])
    return "\n".join(texts)


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _calls_in(message: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    said = message.get("value", message.get("content"))
    try:
        calls = json.loads(said) if isinstance(said, str) else said
    except ValueError as error:
        raise ValueError(f"the turn of a {FUNCTION_CALL} must be JSON: {error}") from error
    return tuple(_tool_call(call) for call in (calls if isinstance(calls, list) else [calls]))


def _tool_call(call: Any) -> dict[str, Any]:
    if not isinstance(call, Mapping):
        raise ValueError(f"tool_calls: must hold objects, got {type(call).__name__}")
    function = call.get("function", call)
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise ValueError("tool_calls: a call must name its function")
    arguments = function.get("arguments", {})
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False, allow_nan=False)
    found: dict[str, Any] = {
        "type": "function",
        "function": {"name": storable(function["name"]), "arguments": storable(arguments)},
    }
    if call.get("id") not in (None, ""):
        found["id"] = storable(str(call["id"]))
    return found


def as_turns(value: Any) -> Any:
    """A prompt as turns: a string is a user's turn, and empty system turns are none."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if isinstance(value, list | tuple):
        return [turn for turn in value if not _says_nothing(turn)]
    return value


def _says_nothing(turn: Any) -> bool:
    if isinstance(turn, Turn):
        return turn.role == "system" and not turn.content.strip()
    if not isinstance(turn, Mapping) or turn.get("role", turn.get("from")) != "system":
        return False
    content = turn.get("content", turn.get("value"))
    return content is None or (isinstance(content, str) and not content.strip())
