"""Asks an engine on a model version's behalf: the reply cache first, then the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from corpus.models import ModelVersion
from inference.engine import Answer, Choice, Engine, Generation, OnWait, Request, Result, Sampling
from inference.streaming import stream_choose, stream_generate
from serving.replies import (
    choice_from,
    find_replies,
    generation_from,
    reply_key,
    store_replies,
    weights_key,
)

PAGE = 512

DeliverChoice = Callable[[Answer[Choice], bool], None]
DeliverGeneration = Callable[[Answer[Generation], bool], None]
"""Takes an answer and whether it came from the cache."""


def ask_choices(
    engine: Engine,
    model: ModelVersion,
    requests: Iterable[Request],
    options: Sequence[str],
    deliver: DeliverChoice,
    *,
    on_wait: OnWait | None = None,
) -> None:
    """Hand exactly one answer a request to `deliver`, as they come, in this thread.

    Requests are read a bounded number ahead, so nothing grows with their number; see
    `inference.streaming.stream_choose` for errors and `on_wait`.
    """
    weights = weights_key(model)

    def key(request: Request) -> str | None:
        if weights is None:
            return None
        return reply_key(weights, engine.name, request, sampling=None, options=options)

    def stream(missing: Iterable[Request]) -> Iterator[Answer[Choice]]:
        return stream_choose(engine, missing, options, on_wait=on_wait)

    _ask(requests, key, choice_from, stream, deliver)


def ask_generations(
    engine: Engine,
    model: ModelVersion,
    requests: Iterable[Request],
    sampling: Sampling,
    deliver: DeliverGeneration,
    *,
    on_wait: OnWait | None = None,
) -> None:
    """As `ask_choices`, for sampled answers; see `inference.streaming.stream_generate`."""
    weights = weights_key(model)

    def key(request: Request) -> str | None:
        if weights is None:
            return None
        return reply_key(weights, engine.name, request, sampling=sampling, options=())

    def stream(missing: Iterable[Request]) -> Iterator[Answer[Generation]]:
        return stream_generate(engine, missing, sampling, on_wait=on_wait)

    _ask(requests, key, generation_from, stream, deliver)


def _ask(
    requests: Iterable[Request],
    key_of: Callable[[Request], str | None],
    read: Callable[[dict[str, Any]], Result],
    stream: Callable[[Iterable[Request]], Iterator[Answer[Result]]],
    deliver: Callable[[Answer[Result], bool], None],
) -> None:
    """What the cache has is delivered while the engine reads what it has not."""
    asked: dict[int, tuple[int, str | None]] = {}
    fresh: dict[str, Result] = {}

    def missing() -> Iterator[Request]:
        source = enumerate(requests)
        number = 0
        while page := list(islice(source, PAGE)):
            keys = [key_of(request) for _, request in page]
            found = find_replies(key for key in keys if key is not None)
            for (index, request), key in zip(page, keys, strict=True):
                if key is not None and key in found:
                    deliver(Answer(index, read(found[key]), None, 0.0), True)
                    continue
                asked[number] = (index, key)
                number += 1
                yield request

    try:
        for answer in stream(missing()):
            index, key = asked.pop(answer.index)
            if key is not None and answer.result is not None:
                fresh[key] = answer.result
                if len(fresh) >= PAGE:
                    store_replies(fresh)
                    fresh.clear()
            deliver(Answer(index, answer.result, answer.error, answer.milliseconds), False)
    finally:
        store_replies(fresh)
