"""What a number of servers say of themselves at this moment, for a page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from inference.server.metrics import ServerMetrics, parse_metrics

LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ServerReport:
    """One server: `error` says why it is not healthy; `models` and `adapters` are the names it
    serves; `vllm` its version, empty for another server; `metrics` None where it has none."""

    url: str
    healthy: bool
    error: str = ""
    vllm: str = ""
    models: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    context_tokens: int | None = None
    metrics: ServerMetrics | None = field(default=None)


def look_at_servers(urls: Sequence[str], *, api_key: str = "") -> list[ServerReport]:
    """One report a server, in order, all looked at together; takes a few seconds at most."""

    async def look() -> list[ServerReport]:
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        async with httpx.AsyncClient(
            timeout=LOOK_SECONDS, headers=headers, trust_env=False
        ) as client:
            return list(await asyncio.gather(*(_look(client, url) for url in urls)))

    return asyncio.run(look()) if urls else []


async def _look(client: httpx.AsyncClient, url: str) -> ServerReport:
    try:
        listed = await client.get(f"{url}/v1/models")
        if listed.status_code != 200:
            return ServerReport(
                url, healthy=False, error=f"/v1/models returns {listed.status_code}"
            )
        entries = _entries(listed.json())
        version = await _optional(client, f"{url}/version")
        metrics = await client.get(f"{url}/metrics")
        figures = parse_metrics(metrics.text) if metrics.status_code == 200 else None
    except httpx.HTTPError as error:
        return ServerReport(url, healthy=False, error=str(error) or type(error).__name__)
    except ValueError as error:
        return ServerReport(url, healthy=False, error=f"it sends invalid responses: {error}")
    return ServerReport(
        url,
        healthy=True,
        vllm=str(version.get("version", "")),
        models=tuple(str(one["id"]) for one in entries if not one.get("parent")),
        adapters=tuple(str(one["id"]) for one in entries if one.get("parent")),
        context_tokens=next(
            (one["max_model_len"] for one in entries if isinstance(one.get("max_model_len"), int)),
            None,
        ),
        metrics=figures,
    )


async def _optional(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    response = await client.get(url)
    body = response.json() if response.status_code == 200 else {}
    return body if isinstance(body, dict) else {}


def _entries(body: Any) -> list[dict[str, Any]]:
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list):
        raise ValueError("no list of models")
    return [one for one in data if isinstance(one, dict) and "id" in one]
