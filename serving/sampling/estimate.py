"""What a sampling run would ask and take, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import QuerySet

from corpus.models import ModelVersion, Project, Prompt
from inference.engine import Request
from serving.accounts import cost_of
from serving.lengths import lengths_on
from serving.sampling.runner import messages_of
from serving.sampling.selection import prompts_to_sample
from serving.sampling.services import SamplingRequest, described_run

SAMPLE_PROMPTS = 500


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """One model's part. Prompt tokens are estimated from the mean length of a sample of prompts,
    None where its tokenizer is not ours to have; completion tokens are the most there may be.
    `cost` is at the model's prices of now, None where it has none or tokens are unknown."""

    model: str
    requests: int
    prompt_tokens: int | None
    completion_tokens: int
    cost: float | None
    longest: int | None
    limit: int | None
    warning: str


@dataclass(frozen=True, slots=True)
class Estimate:
    prompts: int
    completions: int
    models: list[ModelEstimate]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate_sampling(project: Project, request: SamplingRequest) -> Estimate:
    """What `launch_sampling` would begin; nothing is asked, nothing is stored.

    BadSamplingError as there, for the settings; no prompt is no error.
    """
    run = described_run(project, request)
    prompts = prompts_to_sample(project.pk, request.selection)
    count = prompts.count()
    each = count * run.completions_each
    return Estimate(
        prompts=count,
        completions=each * len(request.models),
        models=[_of(model, prompts, count, each, run.max_tokens) for model in request.models],
    )


def _of(
    model: ModelVersion, prompts: QuerySet[Prompt], count: int, requests: int, max_tokens: int
) -> ModelEstimate:
    lengths = lengths_on(model, _sample(prompts, count), room=max_tokens)
    prompt_tokens = None
    if lengths is not None and lengths.checked > lengths.refused:
        prompt_tokens = round(lengths.mean * requests)
    cost = None
    if prompt_tokens is not None:
        cost = cost_of(model, prompt_tokens, requests * max_tokens)
    return ModelEstimate(
        model=model.name,
        requests=requests,
        prompt_tokens=prompt_tokens,
        completion_tokens=requests * max_tokens,
        cost=None if cost is None else float(cost),
        longest=None if lengths is None else lengths.longest,
        limit=None if lengths is None else lengths.limit,
        warning="" if lengths is None else lengths.warning,
    )


def _sample(prompts: QuerySet[Prompt], count: int) -> Iterator[Request]:
    step = max(1, count // SAMPLE_PROMPTS)
    chosen = list(prompts.values_list("pk", flat=True)[::step])[:SAMPLE_PROMPTS]
    for prompt in Prompt.objects.filter(pk__in=chosen).order_by("pk").iterator(chunk_size=100):
        yield Request(messages_of(prompt))
