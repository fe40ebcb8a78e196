"""What a vLLM server says of itself on /metrics."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class ServerMetrics:
    """Counters since the server's start, and gauges of now; tokens except where said otherwise.

    `prefix_queries` and `prefix_hits` count prompt tokens looked up in, and found in, the prefix
    cache; `kv_cache_use` is a share in [0, 1].
    """

    running_requests: int = 0
    waiting_requests: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0
    prefix_queries: int = 0
    prefix_hits: int = 0
    kv_cache_use: float = 0.0

    @property
    def prefix_hit_rate(self) -> float | None:
        """Share of looked-up prompt tokens found in the prefix cache; None before any lookup."""
        return self.prefix_hits / self.prefix_queries if self.prefix_queries else None

    def since(self, earlier: ServerMetrics) -> ServerMetrics:
        """The counters' growth since `earlier`, with the gauges of now.

        After a restart the counters begin anew; all of them then count.
        """
        if self.prompt_tokens < earlier.prompt_tokens:
            earlier = ServerMetrics()
        return ServerMetrics(
            running_requests=self.running_requests,
            waiting_requests=self.waiting_requests,
            prompt_tokens=self.prompt_tokens - earlier.prompt_tokens,
            generated_tokens=self.generated_tokens - earlier.generated_tokens,
            prefix_queries=self.prefix_queries - earlier.prefix_queries,
            prefix_hits=self.prefix_hits - earlier.prefix_hits,
            kv_cache_use=self.kv_cache_use,
        )

    def plus(self, other: ServerMetrics) -> ServerMetrics:
        """Both servers together; the fuller cache counts."""
        return ServerMetrics(
            running_requests=self.running_requests + other.running_requests,
            waiting_requests=self.waiting_requests + other.waiting_requests,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            generated_tokens=self.generated_tokens + other.generated_tokens,
            prefix_queries=self.prefix_queries + other.prefix_queries,
            prefix_hits=self.prefix_hits + other.prefix_hits,
            kv_cache_use=max(self.kv_cache_use, other.kv_cache_use),
        )


_NAMES = {
    "vllm:num_requests_running": "running_requests",
    "vllm:num_requests_waiting": "waiting_requests",
    "vllm:prompt_tokens_total": "prompt_tokens",
    "vllm:generation_tokens_total": "generated_tokens",
    "vllm:prefix_cache_queries_total": "prefix_queries",
    "vllm:prefix_cache_hits_total": "prefix_hits",
    "vllm:kv_cache_usage_perc": "kv_cache_use",
}


def parse_metrics(text: str) -> ServerMetrics:
    """The figures from Prometheus's text format; what a server leaves out is 0.

    Raises:
        ValueError: the text is not in that format.
    """
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = _NAMES.get(sample.name)
            if name is not None:
                found[name] = found.get(name, 0.0) + sample.value
    return ServerMetrics(
        **{name: int(value) for name, value in found.items() if name != "kv_cache_use"},
        kv_cache_use=found.get("kv_cache_use", 0.0),
    )
