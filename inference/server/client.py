"""One call to one of the servers: deadline, retries, and what it comes to in the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from inference.errors import (
    AccessRefusedError,
    BadRequestError,
    EngineUnavailableError,
    ModelLoadError,
    RequestFailedError,
)
from inference.server.faults import (
    AccessFault,
    BrokenAnswerFault,
    BusyFault,
    ConnectionFault,
    Fault,
    RefusalFault,
    UnknownModelFault,
    answer_of,
)
from inference.server.metrics import ServerMetrics, parse_metrics
from inference.server.pool import Served, Server, ServerPool

Parsed = TypeVar("Parsed")

_BACKOFF = wait_random_exponential(multiplier=0.25, max=15)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may take.

    `deadline_seconds` is all it has, waits, retries and dead servers included;
    `attempt_seconds` bounds one try; after `attempts` tries that failed on the server's side, it
    is given up. Being asked for patience (429, 503) does not count as a try.
    """

    deadline_seconds: float = 900.0
    attempt_seconds: float = 180.0
    attempts: int = 6


class Preparation(Protocol):
    """Puts our model in place on a server; `adapters.Placement` is the one there is."""

    async def prepare(self, client: ServerClient, server: Server) -> Served: ...


class ServerClient:
    """Sends calls to the pool's servers, each placed before its first call: see `Preparation`."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        in_flight: int,
        patience: Patience,
        api_key: str,
        placement: Preparation,
    ) -> None:
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        # The pool bounds what is under way; httpx's own bound would hide a wait in it.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=in_flight)
        self.http = httpx.AsyncClient(
            headers=headers, limits=limits, timeout=patience.attempt_seconds, trust_env=False
        )
        self.pool = ServerPool(self.http, urls, in_flight)
        self._patience = patience
        self._placement = placement

    async def call(
        self,
        path: str,
        payload: Callable[[Server], dict[str, Any]],
        parse: Callable[[dict[str, Any], Server], Parsed],
        *,
        weight: int = 1,
    ) -> Parsed:
        """What `parse` makes of the answer to one call; `payload` is made for the server picked.

        `parse` raises a Fault for an answer that another try may mend.

        Raises:
            BadRequestError: the server refuses this call (4xx).
            AccessRefusedError: it refuses us, whatever the call (401, 403).
            RequestFailedError: no usable answer after all tries, or until the deadline.
            EngineUnavailableError: no server was there until the deadline.
        """
        tries: list[Fault] = []

        async def attempt() -> Parsed:
            async with self.pool.server(weight) as server:
                with self._noting(server, tries):
                    await self._place(server)
                    body = await self.post(server, path, payload(server))
                    parsed = parse(body, server)
                server.succeeded()
                return parsed

        retrying = AsyncRetrying(
            retry=retry_if_exception_type((ConnectionFault, BusyFault, BrokenAnswerFault)),
            wait=_pause,
            stop=lambda _state: self._is_given_up(tries),
            reraise=True,
        )
        try:
            async with asyncio.timeout(self._patience.deadline_seconds):
                return await retrying(attempt)
        except TimeoutError as error:
            raise self._too_late(tries) from error
        except AccessFault as fault:
            raise _no_access(fault) from fault
        except RefusalFault as fault:
            raise BadRequestError(f"the server rejects the request: {fault}") from fault
        except Fault as fault:
            raise RequestFailedError(
                f"no usable answer in {len(tries)} attempts; the last: {fault}"
            ) from fault

    async def try_one(self) -> bool:
        """Whether the least busy server could be made ready to serve our model.

        Raises:
            ModelLoadError: no server serves it.
            MissingFeatureError: the server lacks what the engine needs.
            AccessRefusedError: it does not let us in.
        """
        async with self.pool.server(0) as server:
            try:
                with self._noting(server, []):
                    await self._place(server)
            except AccessFault as fault:
                raise _no_access(fault) from fault
            except Fault:
                return False
            return True

    async def post(
        self, server: Server, path: str, payload: dict[str, Any], *, plain: bool = False
    ) -> dict[str, Any]:
        """One try, on this server; with `plain`, a good answer need not be JSON and is left out.

        Raises:
            Fault: see `inference.server.faults`.
        """
        response = await self._send("POST", server.url + path, payload)
        if plain and response.status_code == 200:
            return {}
        return answer_of(response)

    async def get(self, server: Server, path: str) -> dict[str, Any]:
        """One look at a JSON address of this server.

        Raises:
            Fault: see `inference.server.faults`.
        """
        return answer_of(await self._send("GET", server.url + path))

    async def metrics(self, server: Server) -> ServerMetrics | None:
        """What the server says of itself; None where it has no metrics or cannot be asked."""
        try:
            response = await self._send("GET", server.url + "/metrics")
            return parse_metrics(response.text) if response.status_code == 200 else None
        except (Fault, ValueError):
            return None

    async def _send(
        self, method: str, url: str, payload: dict[str, Any] | None = None
    ) -> httpx.Response:
        try:
            return await self.http.request(method, url, json=payload)
        except httpx.TimeoutException as error:
            raise ConnectionFault(
                f"{url} took more than {self._patience.attempt_seconds:g} s"
            ) from error
        except (httpx.RemoteProtocolError, httpx.DecodingError) as error:
            # Half a body, or a connection dropped between the question and the answer.
            raise BrokenAnswerFault(f"{url} closed the connection: {error}") from error
        except httpx.TransportError as error:
            raise ConnectionFault(
                f"{url}: {type(error).__name__}: {error or 'the connection was lost'}"
            ) from error

    async def close(self) -> None:
        self.pool.stop_probing()
        await self.http.aclose()

    async def _place(self, server: Server) -> None:
        """Make the server ready for our model, once until it goes away."""
        async with server.preparing:
            if server.served is not None:
                return
            try:
                server.served = await self._placement.prepare(self, server)
            except ModelLoadError as error:
                # Another request may have dropped it while this one waited for its turn: what
                # counts is whether any other is left.
                if not self.pool.has_others(server):
                    raise
                self.pool.drop(server)
                raise BusyFault(str(error)) from error

    @contextmanager
    def _noting(self, server: Server, tries: list[Fault]) -> Iterator[None]:
        try:
            yield
        except UnknownModelFault as fault:
            # The adapter was taken out meanwhile, or the server was replaced: look again.
            server.served = None
            tries.append(fault)
            raise BrokenAnswerFault(str(fault)) from fault
        except Fault as fault:
            tries.append(fault)
            self.pool.note_failure(server, fault)
            raise

    def _is_given_up(self, tries: Sequence[Fault]) -> bool:
        counted = sum(not isinstance(fault, BusyFault) for fault in tries)
        return counted >= self._patience.attempts

    def _too_late(self, tries: Sequence[Fault]) -> EngineUnavailableError | RequestFailedError:
        within = f"within {self._patience.deadline_seconds:g} s"
        if self.pool.all_open:
            return EngineUnavailableError(f"no server responded {within}: {self.pool.state()}")
        last = f"; the last of {len(tries)} attempts: {tries[-1]}" if tries else ""
        return RequestFailedError(f"no usable answer {within}{last}")


def _no_access(fault: AccessFault) -> AccessRefusedError:
    return AccessRefusedError(
        f"the server denies access: {fault}; set its key in INFERENCE_API_KEY"
    )


def _pause(state: RetryCallState) -> float:
    """Seconds until the next try: what the server asked for, else exponential with full jitter."""
    fault = state.outcome.exception() if state.outcome is not None else None
    asked = fault.retry_after_seconds if isinstance(fault, Fault) else 0.0
    # A little later than asked, and not everybody at once.
    return asked * random.uniform(1.0, 1.5) if asked else _BACKOFF(state)
