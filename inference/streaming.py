"""Answers one by one from any engine: those that stream, and those that answer in batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from inference.engine import (
    Answer,
    Choice,
    Engine,
    Generation,
    OnWait,
    Request,
    Result,
    Sampling,
    StreamingEngine,
)
from inference.errors import AccessRefusedError, InferenceError, MissingFeatureError, ModelLoadError

# What concerns every request, not one of them.
_GENERAL = (ModelLoadError, MissingFeatureError, AccessRefusedError)


def stream_generate(
    engine: Engine,
    requests: Iterable[Request],
    sampling: Sampling,
    *,
    on_wait: OnWait | None = None,
) -> Iterator[Answer[Generation]]:
    """Exactly one answer a request, as they complete; `index` says to which.

    What is wrong with one request is its answer's error and spoils no other. `on_wait` is called
    between batches, or every second of waiting; what it raises ends the stream.

    Raises:
        BadRequestError: sampling settings that no request could be answered with.
        ModelLoadError, MissingFeatureError, AccessRefusedError, EngineUnavailableError: what
            concerns all of them.
    """
    if isinstance(engine, StreamingEngine):
        return engine.stream_generate(requests, sampling, on_wait=on_wait)
    engine.generate([], sampling)  # refuses bad settings once, instead of every request
    return _in_batches(engine, requests, lambda some: engine.generate(some, sampling), on_wait)


def stream_choose(
    engine: Engine,
    requests: Iterable[Request],
    options: Sequence[str],
    *,
    on_wait: OnWait | None = None,
) -> Iterator[Answer[Choice]]:
    """As `stream_generate`, for the probabilities of options."""
    if isinstance(engine, StreamingEngine):
        return engine.stream_choose(requests, options, on_wait=on_wait)
    engine.choose([], options)
    return _in_batches(engine, requests, lambda some: engine.choose(some, options), on_wait)


def _in_batches(
    engine: Engine,
    requests: Iterable[Request],
    ask: Callable[[Sequence[Request]], list[Result]],
    on_wait: OnWait | None,
) -> Iterator[Answer[Result]]:
    source = iter(requests)
    first = 0
    while batch := list(islice(source, engine.batch_requests)):
        if on_wait is not None:
            on_wait()
        started = time.monotonic()
        results = _each(ask, batch)
        milliseconds = 1000 * (time.monotonic() - started) / len(batch)
        for index, result in enumerate(results, first):
            if isinstance(result, InferenceError):
                yield Answer(index, None, result, milliseconds)
            else:
                yield Answer(index, result, None, milliseconds)
        first += len(batch)


def _each(
    ask: Callable[[Sequence[Request]], list[Result]], batch: Sequence[Request]
) -> list[Result | InferenceError]:
    """A result or the reason for none, in order; a batch that is refused is asked in halves."""
    try:
        return list(ask(batch))
    except _GENERAL:
        raise
    except InferenceError as error:
        if not error.permanent:
            raise
        if len(batch) == 1:
            return [error]
    half = len(batch) // 2
    first: list[Result | InferenceError] = _each(ask, batch[:half])
    return first + _each(ask, batch[half:])
