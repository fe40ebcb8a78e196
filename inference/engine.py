"""The protocol every inference engine fulfils, and the values that cross it.

Two operations are enough for the whole platform: `generate` samples text, `choose` reads the
probabilities of given options. A verdict is never parsed from prose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self, runtime_checkable

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One conversation to be continued.

    `seed` makes the sampling of this request reproducible, whatever batch it travels in;
    None draws a fresh one.
    """

    messages: tuple[Message, ...]
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. `temperature` 0 is greedy; `top_p` in (0, 1]; `max_tokens` ≥ 1."""

    max_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """One sampled answer.

    `logprob_sum` is the sum over the completion tokens of their log-probability (nats) under
    the model at temperature 1.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: FinishReason
    logprob_sum: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What a model thinks of given options.

    `probabilities` are in the order of the options and sum to 1. `mass` is the probability the
    options held together before they were renormalised, in (0, 1]: a low mass means that the
    model wanted to say something else. None where the engine cannot tell.
    """

    probabilities: tuple[float, ...]
    mass: float | None
    prompt_tokens: int


@runtime_checkable
class Engine(Protocol):
    """A loaded model, ready to answer.

    Both operations keep length and order: result i answers request i. They raise the errors of
    `inference.errors`, whose `permanent` alone decides whether a retry makes sense.
    """

    name: str
    """The engine's kind: transformers, scripted, server, vllm."""

    model: str
    """What was loaded: a folder or a hub name."""

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Generation]: ...

    def choose(self, requests: Sequence[Request], options: Sequence[str]) -> list[Choice]: ...

    def close(self) -> None:
        """Give the memory back. Safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...
