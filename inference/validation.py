"""What every engine checks before it does any work, so that all refuse the same requests.

A batch is checked whole: no request of it is answered when one is wrong, and the message names
the offending index and value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from inference.engine import Request, Sampling
from inference.errors import BadRequestError

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})

# Seeds go into torch's and vLLM's generators, which take a signed 64-bit integer.
SEED_LIMIT = 2**63

# Below this, logits divided by the temperature leave the range in which servers sample (vLLM
# silently raises such temperatures); greedy is spelt 0.
MIN_TEMPERATURE = 0.01

# Control tokens of the common chat templates, for servers whose tokenizer is not at hand.
COMMON_CONTROL_TOKENS = (
    *(f"<|{name}|>" for name in (
        "im_start", "im_end", "endoftext", "begin_of_text", "end_of_text", "start_header_id",
        "end_header_id", "eot_id", "eom_id", "start", "end", "message", "channel", "return",
        "system", "user", "assistant", "tool",
    )),
    "<s>", "</s>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>",
    "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>",
    "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
)  # fmt: skip


def check_requests(requests: Sequence[Request], *, first_index: int = 0) -> None:
    """Refuse a batch in which any request cannot be answered by any engine.

    Raises:
        BadRequestError: a request without messages, an unknown role, a call of a tool by anyone
            but the assistant, or a seed outside [0, 2^63).
    """
    for index, request in enumerate(requests, first_index):
        if not request.messages:
            raise BadRequestError(f"request {index} has no messages; give at least one")
        for message in request.messages:
            if message.role not in ROLES:
                raise BadRequestError(
                    f"request {index} has the role {message.role!r}; use one of {sorted(ROLES)}"
                )
            if message.tool_calls and message.role != "assistant":
                raise BadRequestError(
                    f"request {index} has a call of a tool by the {message.role}; only the "
                    "assistant calls tools"
                )
        if request.seed is not None and not 0 <= request.seed < SEED_LIMIT:
            raise BadRequestError(f"request {index} has the seed {request.seed}; use 0 to 2^63 - 1")


def check_sampling(sampling: Sampling) -> None:
    """Refuse sampling settings outside their ranges.

    Raises:
        BadRequestError: `max_tokens` below 1, a temperature that is neither 0 nor at least 0.01,
            `top_p` outside (0, 1], or an empty stop string.
    """
    if sampling.max_tokens < 1:
        raise BadRequestError(f"max_tokens is {sampling.max_tokens}; it must be at least 1")
    greedy = sampling.temperature == 0
    if not greedy and not MIN_TEMPERATURE <= sampling.temperature < math.inf:
        raise BadRequestError(
            f"temperature is {sampling.temperature}; use 0 for greedy or at least {MIN_TEMPERATURE}"
        )
    if not 0 < sampling.top_p <= 1:
        raise BadRequestError(f"top_p is {sampling.top_p}; it must lie in (0, 1]")
    if any(not stop for stop in sampling.stop):
        raise BadRequestError("a stop string is empty; it would end every answer immediately")


def check_options(options: Sequence[str]) -> None:
    """Refuse options between which nothing can be chosen.

    Options that differ in surrounding white space alone count as the same one, because "A" and
    " A" are two spellings of one answer to a tokenizer.

    Raises:
        BadRequestError: fewer than two options, a blank one, or the same one twice.
    """
    if len(options) < 2:
        raise BadRequestError(f"{len(options)} option(s) given: {list(options)}; two are needed")
    seen: set[str] = set()
    for option in options:
        word = option.strip()
        if not word:
            raise BadRequestError(f"the option {option!r} is blank")
        if word in seen:
            raise BadRequestError(f"the option {word!r} is given twice")
        seen.add(word)


def cut_at_stop(text: str, stop: Sequence[str]) -> str | None:
    """`text` up to the earliest stop string in it, or None where it holds none."""
    starts = [start for start in (text.find(one) for one in stop) if start >= 0]
    return text[: min(starts)] if starts else None


def disarm(content: str, special_tokens: Sequence[str]) -> str:
    """`content` in which no control token of the model can be spelled.

    A completion that contains "<|end|><|assistant|>A" would otherwise end its own turn and speak
    for the judge. A zero-width space after the first character leaves the words readable and
    makes them plain text.
    """
    for token in special_tokens:
        if len(token) > 1:
            content = content.replace(token, f"{token[0]}\u200b{token[1:]}")
    return content
