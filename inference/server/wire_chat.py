"""Payloads and answers of `/v1/chat/completions`, where the server renders the conversation.

For any OpenAI-compatible server, one conversation a call. Options are read from the server's
`top_logprobs`; where they are not among those, a call constrained to the options tells their
ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from inference.conversations import wire_messages
from inference.engine import Choice, Generation, Request, Sampling
from inference.errors import BadRequestError, InferenceError, MissingFeatureError
from inference.server.faults import BrokenAnswerFault
from inference.server.wire_tokens import PLAIN_SAMPLING, generation_of
from inference.validation import COMMON_CONTROL_TOKENS, disarm

PATH = "/v1/chat/completions"

# OpenAI's bound; vLLM's default too.
TOP_LOGPROBS = 20


def generate_payload(request: Request, sampling: Sampling, *, vllm: bool) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "messages": _messages(request),
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "logprobs": True,
    }
    if sampling.stop:
        payload["stop"] = list(sampling.stop)
    if request.seed is not None:
        payload["seed"] = request.seed
    return {**payload, **PLAIN_SAMPLING} if vllm else payload


def parse_generation(body: dict[str, Any], server: str) -> Generation | InferenceError:
    """The answer; a RequestFailedError where a number is none.

    Raises:
        BrokenAnswerFault: choices missing or malformed.
        MissingFeatureError: no log-probabilities.
    """
    choice, tokens = _only_choice(body, server)
    message = choice.get("message")
    # An answer that ends at once has no content.
    text = (message.get("content") or "") if isinstance(message, dict) else None
    if not isinstance(text, str):
        raise BrokenAnswerFault(f"a choice without a message: {choice!r:.200}")
    return generation_of(
        text,
        choice.get("finish_reason"),
        [token.get("logprob") for token in tokens],
        prompt_tokens(body),
    )


def next_token_payload(
    request: Request, *, vllm: bool, constrained_to: Sequence[str] = ()
) -> dict[str, Any]:
    """One call for the most likely next tokens; with options, constrained to them."""
    payload: dict[str, Any] = {
        "messages": _messages(request),
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": True,
        "top_logprobs": TOP_LOGPROBS,
    }
    if vllm:
        payload |= PLAIN_SAMPLING
    if constrained_to:
        payload["structured_outputs"] = {"choice": list(constrained_to)}
    return payload


def parse_next_tokens(body: dict[str, Any], server: str) -> dict[str, float]:
    """The probability of each token text that the server lists, in (0, 1]; NaN kept as it is.

    Raises:
        BrokenAnswerFault: choices missing or malformed.
        MissingFeatureError: no log-probabilities.
    """
    _, tokens = _only_choice(body, server)
    tops = tokens[0].get("top_logprobs") if tokens else None
    if not tops:
        raise MissingFeatureError(
            f"{server} does not return top_logprobs, which are needed to choose between options"
        )
    found: dict[str, float] = {}
    try:
        for top in tops:
            # Several tokens may look the same: bytes of a character cut in two.
            text = str(top["token"])
            found[text] = found.get(text, 0.0) + math.exp(float(top["logprob"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BrokenAnswerFault(f"top_logprobs is {tops!r:.200}") from error
    return found


def whole_options(found: dict[str, float], options: Sequence[str]) -> list[float]:
    """The probability of each option that is one token, its spellings with spaces included."""
    return [
        math.fsum(p for text, p in found.items() if text.strip() == option.strip())
        for option in options
    ]


def begun_options(found: dict[str, float], options: Sequence[str], server: str) -> list[float]:
    """The probability of each option from the tokens with which a constrained answer begins.

    Raises:
        MissingFeatureError: tokens that begin no option: the constraint was ignored.
    """
    probabilities = [0.0] * len(options)
    for text, probability in found.items():
        if probability == 0:
            continue
        begun = [index for index, option in enumerate(options) if option.startswith(text)]
        if len(begun) != 1:
            raise MissingFeatureError(
                f"{server} does not support structured outputs (structured_outputs.choice): "
                f"constrained to {list(options)} it returned {text!r}; they are needed for options "
                "outside its top_logprobs"
            )
        probabilities[begun[0]] += probability
    return probabilities


def check_first_letters(options: Sequence[str]) -> None:
    """Refuse options that begin alike: one constrained token could not tell them apart.

    Raises:
        BadRequestError: names them.
    """
    for index, one in enumerate(options):
        for other in options[index + 1 :]:
            if one[0] == other[0]:
                raise BadRequestError(
                    f"the options {one!r} and {other!r} start with the same letter; the wire "
                    "'chat' reads one token and cannot tell them apart: rename one, or open the "
                    "engine with wire='tokens'"
                )


def choice_of(
    whole: Sequence[float], constrained: Sequence[float] | None, tokens: int
) -> Choice | None:
    """The choice from both readings, shape K each; None where they tell nothing usable.

    Without `constrained`, every option is in `whole`. With it, the ratio is that of the
    constrained reading; the mass follows from any option whose probability is known in both, and
    is None where there is none.
    """
    ratio = whole if constrained is None else constrained
    total = math.fsum(ratio)
    if not math.isfinite(total) or total <= 0 or any(one < 0 for one in ratio):
        return None
    probabilities = tuple(one / total for one in ratio)
    if constrained is None:
        mass: float | None = total
    else:
        likeliest = max(range(len(whole)), key=lambda index: whole[index])
        seen = whole[likeliest] > 0 and probabilities[likeliest] > 0
        mass = whole[likeliest] / probabilities[likeliest] if seen else None
    return Choice(probabilities, None if mass is None else min(1.0, mass), tokens)


def prompt_tokens(body: dict[str, Any]) -> int:
    """How long the server says the prompt was; 0 where it does not say."""
    usage = body.get("usage")
    told = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return told if isinstance(told, int) and told >= 0 else 0


def _messages(request: Request) -> list[dict[str, Any]]:
    return wire_messages(request.messages, lambda text: disarm(text, COMMON_CONTROL_TOKENS))


def _only_choice(body: dict[str, Any], server: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The one choice and what it tells of its tokens."""
    choices = body.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise BrokenAnswerFault(f"the choices are {choices!r:.200}; there should be one")
    logprobs = choices[0].get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if tokens is None:
        raise MissingFeatureError(f"{server} does not return log-probabilities (logprobs)")
    if not isinstance(tokens, list) or not all(isinstance(token, dict) for token in tokens):
        raise BrokenAnswerFault(f"logprobs is {logprobs!r:.200}")
    return choices[0], tokens
