"""Conversations as token ids, the same for every engine that has the model's tokenizer.

Imports neither torch nor transformers until a tokenizer is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inference.engine import Request
from inference.errors import BadRequestError, PromptTooLongError
from inference.validation import disarm


def render_prompts(
    tokenizer: Any, requests: Sequence[Request], *, first_index: int = 0
) -> list[list[int]]:
    """Each conversation by the tokenizer's chat template, up to where the assistant speaks.

    Control tokens written in a message are made plain text: see `inference.validation.disarm`.

    Raises:
        BadRequestError: the template refuses a conversation, such as one that begins with the
            assistant; the message names its index.
    """
    from jinja2 import TemplateError

    controls = control_tokens(tokenizer)
    prompts: list[list[int]] = []
    for index, request in enumerate(requests, first_index):
        turns = [
            {"role": turn.role, "content": disarm(turn.content, controls)}
            for turn in request.messages
        ]
        try:
            ids = tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, tokenize=True, return_dict=False
            )
        except TemplateError as error:
            raise BadRequestError(f"the chat template rejects request {index}: {error}") from error
        prompts.append(list(ids))
    return prompts


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
