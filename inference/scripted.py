"""An engine that follows a script: for tests, and for measuring our own instruments.

A judge whose position bias is known must be reported with that bias; a server that fails the
first calls must be survived. Nothing here imports torch or needs a model.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from typing import Self

from inference.engine import Choice, Engine, FinishReason, Generation, Request, Sampling
from inference.errors import BadRequestError, EngineUnavailableError
from inference.validation import check_options, check_requests, check_sampling, cut_at_stop

Reply = Callable[[Request, int], str]
"""(request, its index in the call) -> the answer."""

Chooser = Callable[[Request, Sequence[str]], Sequence[float]]
"""(request, options) -> one weight ≥ 0 an option; the engine divides them by their sum."""


class ScriptedEngine:
    """Answers by two pure functions, under the same checks as every engine.

    Words stand for tokens: counts are counts of words, and an answer is cut after `max_tokens`
    words. A script is certain of what it says, so `logprob_sum` is 0 and `mass` None.
    `temperature` and `top_p` change nothing; a script that should vary reads `request.seed`.
    """

    name = "scripted"
    batch_requests = 256

    def __init__(
        self,
        *,
        reply: Reply | None = None,
        chooser: Chooser | None = None,
        model: str = "scripted",
    ) -> None:
        self.model = model
        self._reply = reply
        self._chooser = chooser

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Generation]:
        """The script's reply to each request, cut at stop strings and `max_tokens` words.

        Raises:
            BadRequestError: see `inference.validation`; or the engine has no `reply`.
        """
        check_requests(requests)
        check_sampling(sampling)
        if self._reply is None:
            raise BadRequestError(f"the scripted engine {self.model!r} has no reply function")
        return [
            _generation(request, self._reply(request, index), sampling)
            for index, request in enumerate(requests)
        ]

    def choose(self, requests: Sequence[Request], options: Sequence[str]) -> list[Choice]:
        """The script's weights for the options, divided by their sum.

        Raises:
            BadRequestError: see `inference.validation`; the engine has no `chooser`, or it gave
                weights that are no weights.
        """
        check_requests(requests)
        check_options(options)
        if self._chooser is None:
            raise BadRequestError(f"the scripted engine {self.model!r} has no chooser function")
        return [_choice(request, self._chooser(request, options), options) for request in requests]

    def close(self) -> None:
        """Nothing to give back. Safe to call twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class FlakyEngine:
    """Passes calls on to another engine after failing the first ones; see `flaky`."""

    def __init__(self, engine: Engine, fail_first_n: int) -> None:
        self.name = engine.name
        self.model = engine.model
        self.batch_requests = engine.batch_requests
        self._engine = engine
        self._failures_left = fail_first_n

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Generation]:
        """The inner engine's answers, once the failures are used up.

        Raises:
            EngineUnavailableError: on each of the first calls.
        """
        self._fail_at_first()
        return self._engine.generate(requests, sampling)

    def choose(self, requests: Sequence[Request], options: Sequence[str]) -> list[Choice]:
        """The inner engine's choices, once the failures are used up.

        Raises:
            EngineUnavailableError: on each of the first calls.
        """
        self._fail_at_first()
        return self._engine.choose(requests, options)

    def close(self) -> None:
        """Close the inner engine."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _fail_at_first(self) -> None:
        if self._failures_left > 0:
            self._failures_left -= 1
            raise EngineUnavailableError(
                f"scripted failure; {self._failures_left} more before this engine answers"
            )


def flaky(engine: Engine, fail_first_n: int) -> FlakyEngine:
    """`engine`, whose first `fail_first_n` calls (of either operation) find it unavailable.

    Raises:
        BadRequestError: a negative `fail_first_n`.
    """
    if fail_first_n < 0:
        raise BadRequestError(f"fail_first_n is {fail_first_n}; it must be at least 0")
    return FlakyEngine(engine, fail_first_n)


def position_biased_judge(bias: float, prefers: Callable[[Request], float]) -> ScriptedEngine:
    """A judge of two options with a known pull towards the one shown first.

    The two options stand in shown order. With p = `prefers(request)` in [0, 1], the probability
    with which an unbiased judge would take the first one, and b = `bias` in (0, 1),

        P(first) = p·b / (p·b + (1 − p)·(1 − b)),   that is   logit P = logit p + logit b.

    So b = 0.5 is no bias; a judge without preference (p = 0.5) takes the first shown with
    probability b; and where `prefers` gives 1 − p once the pair is swapped, the mean of the
    first answer's log-odds over both orders is logit p, free of the bias. Where p is 0 or 1 the
    bias changes nothing. Its `generate` is that of the script "hash".

    Raises:
        BadRequestError: a bias outside (0, 1); on use, a preference outside [0, 1] or other than
            two options.
    """
    if not 0 < bias < 1:
        raise BadRequestError(f"bias is {bias}; it must lie between 0 and 1, 0.5 being none")

    def chooser(request: Request, options: Sequence[str]) -> Sequence[float]:
        if len(options) != 2:
            raise BadRequestError(f"{len(options)} options; a position-biased judge takes two")
        p = prefers(request)
        if not 0 <= p <= 1:
            raise BadRequestError(f"the preference is {p}; it must lie in [0, 1]")
        return (p * bias, (1 - p) * (1 - bias))

    return ScriptedEngine(reply=hash_reply, chooser=chooser, model=f"position-biased:{bias}")


def hash_reply(request: Request, _index: int) -> str:
    """Eight words drawn from a hash of the conversation and the seed: always the same ones."""
    return " ".join(re.findall("....", _digest(request, "")[:32]))


def hash_chooser(request: Request, options: Sequence[str]) -> list[float]:
    """A weight in [1, 2) an option from a hash of the conversation and the option alone."""
    unseeded = Request(messages=request.messages)
    return [1 + int(_digest(unseeded, option)[:8], 16) / 2**32 for option in options]


def open_scripted(model: str) -> Engine:
    """A shipped script by name: `hash`, `position-biased:B` or `flaky:N:NAME`.

    `hash` answers and chooses by a hash of the request; `position-biased:B` is
    `position_biased_judge` with bias B and no preference of its own; `flaky:N:NAME` is the
    script NAME after N failures.

    Raises:
        BadRequestError: an unknown name or a number that is none.
    """
    script, _, argument = model.partition(":")
    try:
        if model == "hash":
            return ScriptedEngine(reply=hash_reply, chooser=hash_chooser, model=model)
        if script == "position-biased":
            return position_biased_judge(float(argument), lambda _request: 0.5)
        if script == "flaky":
            failures, _, inner = argument.partition(":")
            return flaky(open_scripted(inner), int(failures))
    except ValueError as error:
        raise BadRequestError(f"the script {model!r} has a bad number: {error}") from error
    raise BadRequestError(
        f"there is no script {model!r}; available: hash, position-biased:B and flaky:N:NAME"
    )


def _generation(request: Request, reply: str, sampling: Sampling) -> Generation:
    cut = cut_at_stop(reply, sampling.stop)
    text = reply if cut is None else cut
    words = list(re.finditer(r"\S+", text))
    finish_reason: FinishReason = "stop"
    if len(words) > sampling.max_tokens:
        words = words[: sampling.max_tokens]
        text, finish_reason = text[: words[-1].end()], "length"
    return Generation(
        text=text,
        prompt_tokens=_prompt_words(request),
        completion_tokens=len(words),
        finish_reason=finish_reason,
        logprob_sum=0.0,
    )


def _choice(request: Request, weights: Sequence[float], options: Sequence[str]) -> Choice:
    usable = len(weights) == len(options) and all(0 <= one < math.inf for one in weights)
    total = math.fsum(weights) if usable else 0.0
    if total <= 0:
        raise BadRequestError(
            f"the chooser gave {list(weights)} for {len(options)} options; it must give one "
            "finite weight ≥ 0 for each, not all 0"
        )
    return Choice(
        probabilities=tuple(one / total for one in weights),
        mass=None,
        prompt_tokens=_prompt_words(request),
    )


def _prompt_words(request: Request) -> int:
    return sum(len(message.content.split()) for message in request.messages)


def _digest(request: Request, salt: str) -> str:
    turns = [(message.role, message.content, *message.tool_calls) for message in request.messages]
    return hashlib.sha256(repr((turns, request.seed, salt)).encode()).hexdigest()
