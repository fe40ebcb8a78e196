"""Payloads and answers of `/v1/completions`, where this side has the tokenizer.

Prompts travel as token ids, several in one call where they share a seed: exactly what the model
reads is decided here, no message can spell a control token, and lengths are known before anything
is sent. Needs vLLM: `logprob_token_ids` gives the log-probabilities of the options' tokens over
the whole vocabulary, so one unconstrained call tells both their ratio and their mass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from inference.engine import Choice, FinishReason, Generation, Sampling
from inference.errors import InferenceError, MissingFeatureError, RequestFailedError
from inference.option_spelling import OptionTokens, choice_from_logprobs, read_options
from inference.server.faults import BrokenAnswerFault

PATH = "/v1/completions"

# What a model's own generation config would otherwise change behind the caller's back.
PLAIN_SAMPLING = {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}


def generate_payload(
    prompts: Sequence[Sequence[int]], seed: int | None, sampling: Sampling
) -> dict[str, Any]:
    """One call for prompts that share a seed. The model's name is put in later."""
    payload = {
        "prompt": prompts,
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stop": list(sampling.stop),
        "logprobs": 0,
        **PLAIN_SAMPLING,
    }
    return payload if seed is None else {**payload, "seed": seed}


def parse_generations(
    body: dict[str, Any], prompts: Sequence[Sequence[int]], server: str
) -> list[Generation | InferenceError]:
    """The answers in the order of the prompts; a RequestFailedError where a number is none.

    Raises:
        BrokenAnswerFault: choices missing or malformed.
        MissingFeatureError: no log-probabilities.
    """
    return [
        _generation(choice, len(ids), server)
        for choice, ids in zip(_choices(body, len(prompts)), prompts, strict=True)
    ]


def next_token_payload(
    prompts: Sequence[Sequence[int]], token_ids: Sequence[int]
) -> dict[str, Any]:
    """One call that tells the log-probabilities of given next tokens."""
    return {
        "prompt": prompts,
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": 1,
        "logprob_token_ids": list(token_ids),
        "return_tokens_as_token_ids": True,
        **PLAIN_SAMPLING,
    }


def parse_next_tokens(
    body: dict[str, Any], count: int, token_ids: Sequence[int], server: str
) -> list[dict[int, float]]:
    """For each of `count` prompts, the log-probability (nats) of each of the tokens.

    Raises:
        BrokenAnswerFault: choices missing or malformed.
        MissingFeatureError: the server left the tokens out.
    """
    found: list[dict[int, float]] = []
    for choice in _choices(body, count):
        tops = (choice.get("logprobs") or {}).get("top_logprobs") or [{}]
        if not isinstance(tops[0], dict):
            raise BrokenAnswerFault(f"top_logprobs is {tops!r:.200}")
        try:
            found.append({one: float(tops[0][f"token_id:{one}"]) for one in token_ids})
        except KeyError as error:
            raise MissingFeatureError(
                f"{server} does not return log-probabilities of given tokens (logprob_token_ids); "
                "use a vLLM that does (such as 0.31), or open the engine with wire='chat'"
            ) from error
    return found


def choice_of(
    options: Sequence[OptionTokens],
    prefixes: Sequence[tuple[int, ...]],
    after: Sequence[dict[int, float]],
    prompt_tokens: int,
) -> Choice | InferenceError:
    """One prompt's choice from what was told after each of the prefixes."""
    logprobs = read_options(options, dict(zip(prefixes, after, strict=True)))
    try:
        return choice_from_logprobs(0, logprobs, prompt_tokens)
    except InferenceError:
        return RequestFailedError(f"the server returned invalid log-probabilities: {logprobs}")


def _choices(body: dict[str, Any], count: int) -> list[dict[str, Any]]:
    choices = body.get("choices")
    if not isinstance(choices, list) or len(choices) != count:
        number = len(choices) if isinstance(choices, list) else "no"
        raise BrokenAnswerFault(f"{number} choices for {count} prompts")
    try:
        return sorted(choices, key=lambda choice: int(choice["index"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenAnswerFault(f"choices without an index: {choices!r:.200}") from error


def _generation(
    choice: dict[str, Any], prompt_tokens: int, server: str
) -> Generation | InferenceError:
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict) or not isinstance(logprobs.get("token_logprobs"), list):
        raise MissingFeatureError(f"{server} does not return log-probabilities (logprobs)")
    text = choice.get("text")
    if not isinstance(text, str):
        raise BrokenAnswerFault(f"a choice without text: {choice!r:.200}")
    return generation_of(
        text, choice.get("finish_reason"), logprobs["token_logprobs"], prompt_tokens
    )


def generation_of(
    text: str, finish_reason: object, token_logprobs: Sequence[Any], prompt_tokens: int
) -> Generation | InferenceError:
    """A checked answer.

    Raises:
        BrokenAnswerFault: the generation was broken off, or log-probabilities are no numbers.
    """
    reason: FinishReason
    if finish_reason == "stop":
        reason = "stop"
    elif finish_reason == "length":
        reason = "length"
    else:
        raise BrokenAnswerFault(f"the answer ended for the reason {finish_reason!r}")
    try:
        logprob_sum = math.fsum(float(one) for one in token_logprobs)
    except (TypeError, ValueError) as error:
        raise BrokenAnswerFault(f"log-probabilities {token_logprobs!r:.200}") from error
    if not math.isfinite(logprob_sum):
        return RequestFailedError(f"the server gave the log-probability {logprob_sum}")
    return Generation(
        text=text,
        prompt_tokens=prompt_tokens,
        completion_tokens=len(token_logprobs),
        finish_reason=reason,
        logprob_sum=logprob_sum,
    )
