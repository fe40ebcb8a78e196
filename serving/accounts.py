"""Counts what inference takes, and prices it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from corpus.models import ModelVersion, Project
from inference.engine import Answer, Choice, Generation
from inference.server.metrics import ServerMetrics
from serving.models import Usage

MILLION = Decimal(1_000_000)


@dataclass(slots=True)
class Meter:
    """Adds up answers until they are written down. One a run; `record` starts it anew."""

    project: Project
    model: ModelVersion
    engine: str
    purpose: Usage.Purpose
    run_id: int | None = None
    requests: int = 0
    cached: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    milliseconds: float = 0.0

    def add(self, answer: Answer[Choice] | Answer[Generation], *, cached: bool = False) -> None:
        """Count one answer; a cached one has cost nothing."""
        if cached:
            self.cached += 1
            return
        self.requests += 1
        self.milliseconds += answer.milliseconds
        if answer.result is None:
            self.failed += 1
            return
        self.prompt_tokens += answer.result.prompt_tokens
        if isinstance(answer.result, Generation):
            self.completion_tokens += answer.result.completion_tokens

    def record(self, prefix_cache: ServerMetrics | None = None) -> None:
        """Write down what was added since the last time; in the transaction of the results.

        `prefix_cache` is what the servers' prefix caches did meanwhile, for whomever.
        """
        if not (self.requests or self.cached or prefix_cache):
            return
        Usage.objects.create(
            project=self.project,
            model_version=self.model,
            engine=self.engine,
            purpose=self.purpose,
            run_id=self.run_id,
            requests=self.requests,
            cached=self.cached,
            failed=self.failed,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            milliseconds=self.milliseconds,
            prefix_queries=prefix_cache.prefix_queries if prefix_cache else 0,
            prefix_hits=prefix_cache.prefix_hits if prefix_cache else 0,
            cost=cost_of(self.model, self.prompt_tokens, self.completion_tokens),
        )
        self.requests = self.cached = self.failed = 0
        self.prompt_tokens = self.completion_tokens = 0
        self.milliseconds = 0.0


def cost_of(model: ModelVersion, prompt_tokens: int, completion_tokens: int) -> Decimal | None:
    """At the model's prices a million tokens; None where it has none."""
    if model.price_prompt is None and model.price_completion is None:
        return None
    prompt = (model.price_prompt or Decimal(0)) * prompt_tokens
    completion = (model.price_completion or Decimal(0)) * completion_tokens
    return (prompt + completion) / MILLION
