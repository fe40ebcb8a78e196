"""Conversations as token ids, the same for every engine that has the model's tokenizer.

Imports neither torch nor transformers until a tokenizer is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference.conversations import has_tools, template_messages
from inference.engine import Message, Request
from inference.errors import BadRequestError, PromptTooLongError
from inference.validation import disarm


def render_prompts(
    tokenizer: Any, requests: Sequence[Request], *, first_index: int = 0
) -> list[list[int]]:
    """Each conversation by the tokenizer's chat template, up to where the assistant speaks.

    Control tokens written in a message, or in a call of a tool, are made plain text: see
    `inference.validation.disarm`.

    Raises:
        BadRequestError: the template refuses a conversation, such as one that begins with the
            assistant, or has no place for tools; the message names its index.
    """
    controls = control_tokens(tokenizer)
    prompts: list[list[int]] = []
    for index, request in enumerate(requests, first_index):
        try:
            turns = template_turns(tokenizer, request.messages, controls)
            ids = apply_template(
                tokenizer, turns, add_generation_prompt=True, tokenize=True, return_dict=False
            )
        except TemplateRefusalError as error:
            raise BadRequestError(f"the chat template rejects request {index}: {error}") from error
        prompts.append(list(ids))
    return prompts


class TemplateRefusalError(Exception):
    """What a chat template does not take; its words say why."""


def template_turns(
    tokenizer: Any, messages: Sequence[Message], controls: Sequence[str]
) -> list[dict[str, Any]]:
    """Messages for the tokenizer's chat template. A developer is the system to a template that
    knows none.

    TemplateRefusalError where the template would leave out what a tool was asked or answered: many
    do so without a word, and the model would answer another conversation.
    """
    turns = template_messages(messages, lambda text: disarm(text, controls))
    if "developer" not in str(tokenizer.chat_template):
        turns = [
            {**turn, "role": "system"} if turn["role"] == "developer" else turn for turn in turns
        ]
    if has_tools(messages):
        _check_shown(tokenizer, turns)
    return turns


def apply_template(tokenizer: Any, turns: Sequence[Mapping[str, Any]], **options: Any) -> Any:
    """The conversation by the tokenizer's chat template. TemplateRefusalError where that does not
    take it: by its own words, or because it stumbles over what it does not know."""
    from jinja2 import TemplateError

    try:
        return tokenizer.apply_chat_template(list(turns), **options)
    except (TemplateError, TypeError, KeyError, AttributeError) as error:
        raise TemplateRefusalError(str(error) or type(error).__name__) from error


def _check_shown(tokenizer: Any, turns: Sequence[Mapping[str, Any]]) -> None:
    """Put a mark in the place of every call and answer, and see whether all of them come out."""
    marked: list[dict[str, Any]] = []
    marks: dict[str, str] = {}
    for place, turn in enumerate(turns):
        changed = dict(turn)
        if turn["role"] == "tool":
            changed["content"] = f"mark{place}answer"
            marks[changed["content"]] = "the answer of a tool"
        if "tool_calls" in turn:
            name = f"mark{place}call"
            call = turn["tool_calls"][0]
            changed["tool_calls"] = [{**call, "function": {"name": name, "arguments": {}}}]
            marks[name] = "the call of a tool"
        marked.append(changed)
    shown = apply_template(tokenizer, marked, add_generation_prompt=True, tokenize=False)
    for mark, what in marks.items():
        if mark not in shown:
            raise TemplateRefusalError(
                f"it has no place for {what}; use a model that was made for tools"
            )


def control_tokens(tokenizer: Any) -> list[str]:
    """The tokens that steer the model, as text: what no message may spell.

    Those that its configuration names (end, padding, …), and every other one that its vocabulary
    marks as special: chat templates use such for the roles without naming them.
    """
    marked = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    return list(dict.fromkeys([*tokenizer.all_special_tokens, *marked]))


def check_lengths(
    prompts: Sequence[Sequence[int]], room: int, limit: int | None, *, first_index: int = 0
) -> None:
    """Refuse prompts that leave fewer than `room` tokens of a context of `limit` tokens.

    Raises:
        PromptTooLongError: names the first such prompt and its length.
    """
    if limit is None:
        return
    for index, ids in enumerate(prompts, first_index):
        if len(ids) + room > limit:
            raise PromptTooLongError(
                f"request {index} has {len(ids)} prompt tokens; with {room} for the answer "
                f"that exceeds the model's context of {limit}"
            )
