"""Reads of serving: how the servers stand, and what inference took."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, QuerySet, Sum

from corpus.models import Project
from inference.server.metrics import ServerMetrics
from inference.server.report import ServerReport, look_at_servers
from serving.models import ModelServer, Usage
from serving.servers import ENDED, is_lost, server_urls

# Between two looks of a page that is left open, and some more.
SAMPLE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ServerView:
    """A server as the page shows it: what it says, and what its supervisor here says of it.

    `tokens_per_second` counts prompt and generated tokens since the last look; None at the first.
    """

    report: ServerReport
    supervised: ModelServer | None
    tokens_per_second: float | None


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """Added up; `cost` is None where no part of it had a price."""

    requests: int
    cached: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    milliseconds: float
    cost: Decimal | None
    prefix_hit_rate: float | None

    @property
    def milliseconds_each(self) -> float | None:
        """What one request took on average; None where none was asked."""
        return self.milliseconds / self.requests if self.requests else None


def server_views() -> list[ServerView]:
    """Every server there is, looked at now."""
    supervised = {server.url: server for server in ModelServer.objects.exclude(state__in=ENDED)}
    reports = look_at_servers(server_urls(), api_key=settings.ENGINE_OPTIONS["server"]["api_key"])
    return [
        ServerView(report, supervised.get(report.url), _tokens_per_second(report))
        for report in reports
    ]


def ended_servers() -> QuerySet[ModelServer]:
    """Those that were started here and run no more, the latest first."""
    return ModelServer.objects.filter(state__in=ENDED).order_by("-heartbeat_at")


def lost_servers() -> list[ModelServer]:
    """Those whose supervisor has fallen silent."""
    return [one for one in ModelServer.objects.exclude(state__in=ENDED) if is_lost(one)]


def usage_of_run(purpose: Usage.Purpose, run_id: int) -> UsageTotals:
    return _totals(Usage.objects.filter(purpose=purpose, run_id=run_id).aggregate(**_SUMS))


def usage_of_project(project: Project) -> list[dict[str, Any]]:
    """Per model, engine and purpose: a row with `totals`, the dearest first."""
    rows: Any = (
        Usage.objects.filter(project=project)
        .values("model_version__name", "engine", "purpose")
        .annotate(**_SUMS, runs=Count("run_id", distinct=True))
        .order_by()
    )
    dearest_first = sorted(rows, key=lambda row: -row["prompt_tokens_sum"])
    return [
        {
            "model": row["model_version__name"] or "a deleted model",
            "engine": row["engine"],
            "purpose": Usage.Purpose(row["purpose"]).label,
            "runs": row["runs"],
            "totals": _totals(row),
        }
        for row in dearest_first
    ]


_COUNTED = (
    "requests",
    "cached",
    "failed",
    "prompt_tokens",
    "completion_tokens",
    "milliseconds",
    "prefix_queries",
    "prefix_hits",
    "cost",
)
# Django's types cannot follow names made by a loop.
_SUMS: dict[str, Any] = {f"{name}_sum": Sum(name) for name in _COUNTED}


def _totals(row: dict[str, Any]) -> UsageTotals:
    summed = {name: row[f"{name}_sum"] for name in _COUNTED}
    return UsageTotals(
        requests=summed["requests"] or 0,
        cached=summed["cached"] or 0,
        failed=summed["failed"] or 0,
        prompt_tokens=summed["prompt_tokens"] or 0,
        completion_tokens=summed["completion_tokens"] or 0,
        milliseconds=summed["milliseconds"] or 0.0,
        cost=summed["cost"],
        prefix_hit_rate=(
            summed["prefix_hits"] / summed["prefix_queries"] if summed["prefix_queries"] else None
        ),
    )


def _tokens_per_second(report: ServerReport) -> float | None:
    if report.metrics is None:
        return None
    key = f"server-metrics:{report.url}"
    now = time.time()
    earlier: tuple[float, ServerMetrics] | None = cache.get(key)
    cache.set(key, (now, report.metrics), SAMPLE_SECONDS)
    if earlier is None or now - earlier[0] < 0.5:
        return None
    grown = report.metrics.since(earlier[1])
    return (grown.prompt_tokens + grown.generated_tokens) / (now - earlier[0])
