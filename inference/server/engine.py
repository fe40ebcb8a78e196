"""The engine for servers that speak OpenAI's protocol; made for `vllm serve`.

The calls run in an event loop in a thread of their own; requests are read, and answers handed
over, in the caller's thread.
"""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from itertools import islice
from typing import Any, Literal, Self

from anyio.from_thread import start_blocking_portal

from inference.engine import Answer, Choice, Generation, OnWait, Request, Result, Sampling
from inference.errors import (
    BadRequestError,
    EngineUnavailableError,
    InferenceError,
    RequestFailedError,
)
from inference.server.adapters import Placement
from inference.server.client import Patience, ServerClient
from inference.server.metrics import ServerMetrics
from inference.server.wires import ChatWire, TokenWire, Wire
from inference.sources import load_tokenizer, resolve_adapter, tokenizer_source
from inference.validation import check_options, check_requests, check_sampling

WireName = Literal["tokens", "chat"]

Ask = Callable[[Sequence[Request], int], Awaitable[list[Any]]]
"""(requests, index of the first) -> a result or InferenceError for each."""


class ServerEngine:
    """A model served elsewhere: by folder, hub name or the name that the server gives it.

    `model` may be a LoRA adapter's folder: its base is then what the servers must serve, and the
    adapter is loaded into them by name and taken out when the engine is closed; `adapter` does
    the same for a base named by `model`. The servers must be able to read the adapter's folder.

    With `wire` "tokens" conversations are rendered here by the model's own tokenizer (that of
    `tokenizer` where given, at `revision` on the hub) and travel as token ids, which needs vLLM;
    with "chat" the server renders them, and any OpenAI-compatible one will do.

    At most `in_flight` requests are under way on each server; `choose` sends up to `bundle` of
    them in one call. A request has `deadline_seconds`, of which a try takes at most
    `attempt_seconds`, and is given up after `attempts` tries: see `inference.server.client`.
    Opening waits up to `start_seconds` for the first server.

    Raises:
        BadRequestError: no servers, an address that is none, or a number out of range.
        ModelLoadError: no server serves the model, or there is no tokenizer or adapter.
        MissingFeatureError: the servers cannot do what the wire needs.
        AccessRefusedError: a server wants another `api_key`.
        EngineUnavailableError: no server answered in time.
    """

    name = "server"

    def __init__(
        self,
        model: str,
        *,
        servers: Sequence[str],
        adapter: str | None = None,
        wire: WireName = "tokens",
        tokenizer: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        in_flight: int = 256,
        bundle: int = 32,
        deadline_seconds: float = 900.0,
        attempt_seconds: float = 180.0,
        attempts: int = 6,
        start_seconds: float = 60.0,
        api_key: str = "",
    ) -> None:
        if not servers:
            raise BadRequestError("no inference servers are given; give at least one address")
        for what, number in (("in_flight", in_flight), ("bundle", bundle), ("attempts", attempts)):
            if number < 1:
                raise BadRequestError(f"{what} is {number}; it must be at least 1")
        self.model = model
        self.servers = tuple(servers)
        base, adapter_folder = resolve_adapter(model, adapter)
        self._bundle = bundle
        self._in_flight = in_flight
        self.batch_requests = in_flight * len(servers)
        self._start_seconds = start_seconds
        self._placement = Placement(base, adapter_folder, needs_vllm=wire == "tokens")
        self._tokenizer: Any = None
        if wire == "tokens":
            source = tokenizer or tokenizer_source(base, adapter_folder)
            self._tokenizer = load_tokenizer(
                source, revision=revision, trust_remote_code=trust_remote_code
            )
        elif wire != "chat":
            raise BadRequestError(f"the wire is {wire!r}; it must be 'tokens' or 'chat'")
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal("asyncio"))
        self._closed = False
        try:
            self._client = self._portal.call(
                self._make_client,
                servers,
                Patience(deadline_seconds, attempt_seconds, attempts),
                api_key,
            )
            self._wire: Wire[Any] = (
                ChatWire(self._client)
                if self._tokenizer is None
                else TokenWire(self._client, self._tokenizer)
            )
            self._portal.call(self._start)
        except BaseException:
            self.close()
            raise

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Generation]:
        """One answer a request, in order; see `inference.engine` for the fields.

        Raises:
            BadRequestError: see `inference.validation`; or a prompt longer than the context
                minus `max_tokens`.
            InferenceError: as `stream_generate`, for the first request that has no answer.
        """
        check_requests(requests)
        return _in_order(self.stream_generate(requests, sampling), len(requests))

    def choose(self, requests: Sequence[Request], options: Sequence[str]) -> list[Choice]:
        """The probabilities of the options as the start of each answer, in order.

        With the wire "tokens" they mean what they mean in `TransformersEngine.choose`. With
        "chat", an option of several tokens counts by the first of them under a constraint.

        Raises:
            BadRequestError: see `inference.validation`; a prompt longer than the context; options
                that begin alike.
            MissingFeatureError: the server lacks log-probabilities or structured outputs.
            InferenceError: as `stream_choose`, for the first request that has no answer.
        """
        check_requests(requests)
        return _in_order(self.stream_choose(requests, options), len(requests))

    def stream_generate(
        self, requests: Iterable[Request], sampling: Sampling, *, on_wait: OnWait | None = None
    ) -> Iterator[Answer[Generation]]:
        """Answers as they complete; see `inference.engine.StreamingEngine`."""
        check_sampling(sampling)
        self._check_open()

        def ask(some: Sequence[Request], first: int) -> Awaitable[list[Any]]:
            return self._wire.generate(some, first, sampling)

        # One request a call: with several, the quickest would wait for the slowest.
        return self._stream(requests, 1, ask, on_wait)

    def stream_choose(
        self, requests: Iterable[Request], options: Sequence[str], *, on_wait: OnWait | None = None
    ) -> Iterator[Answer[Choice]]:
        """Answers as they complete; see `inference.engine.StreamingEngine`."""
        check_options(options)
        self._check_open()
        asked = self._wire.prepare_options(options)

        def ask(some: Sequence[Request], first: int) -> Awaitable[list[Any]]:
            return self._wire.choose(some, first, asked)

        return self._stream(requests, self._bundle if self._wire.bundles else 1, ask, on_wait)

    def metrics(self) -> ServerMetrics | None:
        """What the servers say of themselves, added up; None where none of them says anything."""
        self._check_open()

        async def look() -> list[ServerMetrics | None]:
            servers = self._client.pool.servers
            return list(await asyncio.gather(*map(self._client.metrics, servers)))

        told = [one for one in self._portal.call(look) if one is not None]
        total = told[0] if told else None
        for one in told[1:]:
            total = one.plus(total) if total is not None else one
        return total

    def close(self) -> None:
        """Take out the adapters that were put in, and drop the connections. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        with self._stack:
            client = getattr(self, "_client", None)
            if client is not None:
                self._portal.call(self._placement.leave, client)
                self._portal.call(client.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def _make_client(
        self, servers: Sequence[str], patience: Patience, api_key: str
    ) -> ServerClient:
        return ServerClient(
            servers,
            in_flight=self._in_flight,
            patience=patience,
            api_key=api_key,
            placement=self._placement,
        )

    async def _start(self) -> None:
        pool = self._client.pool
        try:
            async with asyncio.timeout(self._start_seconds):
                while not await self._client.try_one():
                    await asyncio.sleep(0.2)
        except TimeoutError as error:
            raise EngineUnavailableError(
                f"no server responded within {self._start_seconds:g} s: {pool.state()}"
            ) from error

    def _check_open(self) -> None:
        if self._closed:
            raise BadRequestError(f"the engine for {self.model!r} is closed; open a new one")

    def _stream(
        self, requests: Iterable[Request], size: int, ask: Ask, on_wait: OnWait | None
    ) -> Iterator[Answer[Result]]:
        # Enough ahead that a server never waits for us, and bounded whatever is asked.
        window = 2 * self._in_flight * len(self._client.pool.servers)
        source = enumerate(requests)
        under_way: set[Future[list[Answer[Result]]]] = set()
        done: queue.SimpleQueue[Future[list[Answer[Result]]]] = queue.SimpleQueue()
        try:
            while True:
                while len(under_way) * size < window and (bundle := list(islice(source, size))):
                    some = [request for _, request in bundle]
                    future = self._portal.start_task_soon(_answered, ask, some, bundle[0][0])
                    under_way.add(future)
                    future.add_done_callback(done.put)
                if not under_way:
                    return
                finished = _wait(done, on_wait)
                under_way.discard(finished)
                yield from finished.result()
        finally:
            for future in under_way:
                future.cancel()


async def _answered(ask: Ask, some: Sequence[Request], first: int) -> list[Answer[Any]]:
    """The answers to requests that travel together; split up where they fail together."""
    started = time.monotonic()
    try:
        results = await ask(some, first)
    except (BadRequestError, RequestFailedError) as error:
        if len(some) > 1:
            parts = await asyncio.gather(
                *(_answered(ask, [one], first + offset) for offset, one in enumerate(some))
            )
            return [answer for part in parts for answer in part]
        results = [error]
    milliseconds = 1000 * (time.monotonic() - started) / len(some)
    return [
        Answer(index, None, result, milliseconds)
        if isinstance(result, InferenceError)
        else Answer(index, result, None, milliseconds)
        for index, result in enumerate(results, first)
    ]


def _wait(
    done: queue.SimpleQueue[Future[list[Answer[Result]]]], on_wait: OnWait | None
) -> Future[list[Answer[Result]]]:
    while True:
        try:
            return done.get(timeout=1.0)
        except queue.Empty:
            if on_wait is not None:
                on_wait()


def _in_order(answers: Iterator[Answer[Result]], count: int) -> list[Result]:
    """All results by index; the first error by index is raised once every answer is there."""
    by_index = {answer.index: answer for answer in answers}
    results: list[Result] = []
    for index in range(count):
        answer = by_index[index]
        if answer.result is None:
            raise answer.error or InferenceError(f"request {index} has no answer")
        results.append(answer.result)
    return results
