"""The servers of one engine: which is least busy, which is dead, which is back.

All of it runs in one event loop, so nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from inference.errors import BadRequestError
from inference.server.faults import BrokenAnswerFault, ConnectionFault, Fault

FAULTS_BEFORE_OPEN = 5
FIRST_PROBE_SECONDS = 0.5
LONGEST_PROBE_SECONDS = 10.0
PROBE_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Served:
    """What a server offers for our model.

    `model` is the name to put into requests: the base model's, or the adapter's once it is loaded.
    `vllm` is the version of vLLM, empty for another server; `context_tokens` the longest prompt
    plus answer, None where the server does not say.
    """

    model: str
    vllm: str
    context_tokens: int | None


@dataclass(slots=True, eq=False)
class Server:
    """One server and what we know of it.

    Its circuit is closed while `is_open` is False. It opens when the server cannot be reached, or
    after a row of broken answers; while it is open nothing is sent but probes of its health, and
    it closes again with the first good probe: on trial, so that one more fault opens it.
    """

    url: str
    outstanding: int = 0
    faults_in_a_row: int = 0
    last_fault: str = ""
    is_open: bool = False
    served: Served | None = None
    """What it was found to serve; None until asked, and again once it went away."""
    preparing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def model_name(self) -> str:
        """What the server calls our model; it has been prepared when this is asked."""
        if self.served is None:
            raise BrokenAnswerFault(f"{self.url} went away")
        return self.served.model

    @property
    def is_vllm(self) -> bool:
        return self.served is not None and bool(self.served.vllm)

    def succeeded(self) -> None:
        self.faults_in_a_row = 0

    def failed(self, fault: Fault) -> bool:
        """Take note of a fault; whether the circuit opened by it just now."""
        self.last_fault = str(fault)
        if isinstance(fault, ConnectionFault):
            self.faults_in_a_row += FAULTS_BEFORE_OPEN
        elif isinstance(fault, BrokenAnswerFault):
            self.faults_in_a_row += 1
        else:
            return False
        if self.is_open or self.faults_in_a_row < FAULTS_BEFORE_OPEN:
            return False
        self.is_open = True
        self.served = None
        return True

    def came_back(self) -> None:
        self.is_open = False
        self.faults_in_a_row = FAULTS_BEFORE_OPEN - 1


def server_root(url: str) -> str:
    """The address without the `/v1` that OpenAI's own clients want at its end.

    Raises:
        BadRequestError: no http or https address.
    """
    root = url.strip().rstrip("/").removesuffix("/v1")
    if not root.startswith(("http://", "https://")):
        raise BadRequestError(f"{url!r} is not a server address; use http://HOST:PORT")
    return root


class ServerPool:
    """Hands out the usable server with the least outstanding work, at most `in_flight` each."""

    def __init__(self, client: httpx.AsyncClient, urls: Sequence[str], in_flight: int) -> None:
        self.servers = [Server(server_root(url)) for url in urls]
        self._client = client
        self._in_flight = in_flight
        self._changed = asyncio.Condition()
        self._probes: set[asyncio.Task[None]] = set()

    @property
    def all_open(self) -> bool:
        return all(server.is_open for server in self.servers)

    @property
    def context_tokens(self) -> int | None:
        """The smallest context of the servers asked so far; None where none of them says it."""
        told = [server.served.context_tokens for server in self.servers if server.served]
        return min((one for one in told if one is not None), default=None)

    def has_others(self, server: Server) -> bool:
        return any(one is not server for one in self.servers)

    def drop(self, server: Server) -> None:
        """Use this server no more: it serves something else."""
        self.servers = [one for one in self.servers if one is not server]

    def state(self) -> str:
        """One line on each dead server, for messages."""
        return "; ".join(
            f"{server.url} ({server.last_fault})" for server in self.servers if server.is_open
        )

    @asynccontextmanager
    async def server(self, weight: int) -> AsyncIterator[Server]:
        """A usable server, once one has room for `weight` requests; waits as long as it takes."""
        async with self._changed:
            while (picked := self._pick(weight)) is None:
                await self._changed.wait()
            picked.outstanding += weight
        try:
            yield picked
        finally:
            picked.outstanding -= weight
            async with self._changed:
                # Each waiter takes at least one place, so no more of them can go on.
                self._changed.notify(max(1, weight))

    def note_failure(self, server: Server, fault: Fault) -> None:
        if server.failed(fault):
            probe = asyncio.create_task(self._probe(server))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)

    def stop_probing(self) -> None:
        for probe in self._probes:
            probe.cancel()

    def _pick(self, weight: int) -> Server | None:
        usable = [
            server
            for server in self.servers
            # A bundle larger than the bound is let in where nothing else is under way.
            if not server.is_open
            and (server.outstanding + weight <= self._in_flight or not server.outstanding)
        ]
        return min(usable, key=lambda server: server.outstanding, default=None)

    async def _probe(self, server: Server) -> None:
        pause = FIRST_PROBE_SECONDS
        while True:
            await asyncio.sleep(pause)
            if await self.is_healthy(server):
                server.came_back()
                async with self._changed:
                    self._changed.notify_all()
                return
            pause = min(2 * pause, LONGEST_PROBE_SECONDS)

    async def is_healthy(self, server: Server) -> bool:
        """Whether it answers on /health, or on /v1/models where it has no such address."""
        try:
            for path in ("/health", "/v1/models"):
                response = await self._client.get(server.url + path, timeout=PROBE_TIMEOUT_SECONDS)
                if response.status_code != 404:
                    return response.status_code == 200
        except httpx.HTTPError as error:
            server.last_fault = f"{type(error).__name__}: {error}"
        return False
