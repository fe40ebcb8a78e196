"""The protocol every inference engine fulfils, and the values that cross it.

Two operations are enough for the whole platform: `generate` samples text, `choose` reads the
probabilities of given options. A verdict is never parsed from prose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, Self, TypeVar, runtime_checkable

from inference.errors import InferenceError

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool by the assistant; `arguments` are JSON text."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is system, developer, user, assistant or tool.

    An assistant's turn may call tools; a tool's turn says which call it answers, and its name.
    """

    role: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""


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


Result = TypeVar("Result", Generation, Choice)

OnWait = Callable[[], None]
"""Called about once a second while a stream waits; what it raises ends the stream."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Result]):
    """What became of one request of a stream: exactly one of `result` and `error` is set.

    `index` counts the requests as they were given, from 0. `milliseconds` is what the answer took
    from when it was sent, waits and retries included, divided evenly where several travelled
    together.
    """

    index: int
    result: Result | None
    error: InferenceError | None
    milliseconds: float


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

    batch_requests: int
    """How many requests a call should hold to make good use of the engine."""

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Generation]: ...

    def choose(self, requests: Sequence[Request], options: Sequence[str]) -> list[Choice]: ...

    def close(self) -> None:
        """Give the memory back. Safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


@runtime_checkable
class StreamingEngine(Engine, Protocol):
    """An engine that hands over answers as they complete, in any order.

    Requests are read lazily, a bounded number ahead of the answers, in the caller's thread. What
    is wrong with one request is its answer's error; EngineUnavailableError, which concerns all,
    is raised. Closing the iterator gives up what is under way.
    """

    def stream_generate(
        self, requests: Iterable[Request], sampling: Sampling, *, on_wait: OnWait | None = None
    ) -> Iterator[Answer[Generation]]: ...

    def stream_choose(
        self, requests: Iterable[Request], options: Sequence[str], *, on_wait: OnWait | None = None
    ) -> Iterator[Answer[Choice]]: ...
