"""Sampling runs are launched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from corpus.models import ModelVersion, PairPolicy, Project, SamplingRun
from corpus.registry import root_of
from inference.engine import Sampling
from inference.errors import BadRequestError
from inference.validation import check_sampling
from jobs.services import enqueue
from serving.engines import why_not
from serving.errors import BadSamplingError, CannotSampleError
from serving.sampling.plan import POLICIES
from serving.sampling.selection import SamplingSelection, prompts_to_sample, settled

MAX_TOKENS = 512


@dataclass(frozen=True, slots=True)
class SamplingRequest:
    """What is wanted of a sampling run: each model answers every prompt `completions_each` times.

    `max_tokens` is of each completion; None takes 512, or a quarter of a smaller model's context.
    `pairs_per_prompt` is at most, under the random policy.
    """

    models: Sequence[ModelVersion]
    selection: SamplingSelection
    engine: str = "transformers"
    completions_each: int = 2
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = None
    seed: int = 0
    pair_policy: PairPolicy = PairPolicy.ALL
    pairs_per_prompt: int | None = None


@transaction.atomic
def launch_sampling(
    *,
    project: Project,
    request: SamplingRequest,
    created_by: User | None = None,
    start: bool = True,
) -> SamplingRun:
    """A queued run; with `start` False it is left to the caller to do.

    Raises:
        BadSamplingError: see `described_run`; or no prompt is selected.
        CannotSampleError: the engine cannot open one of the models here.
    """
    run = described_run(project, request)
    if start:
        for model in request.models:
            if why := why_not(request.engine, model):
                raise CannotSampleError(why)
    selection = settled(project, request.selection)
    if not prompts_to_sample(project.pk, selection).exists():
        lacking = "" if selection.with_pairs else " without pairs"
        raise BadSamplingError(f"{project.slug} has no prompts{lacking} that match.")
    run.selection = selection.model_dump(exclude_none=True)
    run.created_by = created_by
    run.save()
    run.model_versions.set(request.models)
    if start:
        enqueue(run)
    return run


def described_run(project: Project, request: SamplingRequest) -> SamplingRun:
    """The run that is wanted, not stored.

    BadSamplingError where it cannot be, with the setting's name and what would be right.
    """
    models = request.models
    _check_models(project, models)
    _check_pairs(request)
    if request.temperature == 0 and request.completions_each > 1:
        raise BadSamplingError(
            "completions_each: at temperature 0 all completions of a model are the same; ask for "
            "one each, or raise the temperature"
        )
    limit = request.max_tokens
    run = SamplingRun(
        project=project,
        selection=request.selection.model_dump(exclude_none=True),
        engine=request.engine,
        completions_each=request.completions_each,
        temperature=request.temperature,
        top_p=request.top_p,
        max_tokens=usual_max_tokens(models) if limit is None else limit,
        seed=request.seed,
        pair_policy=request.pair_policy,
        pairs_per_prompt=request.pairs_per_prompt,
    )
    try:
        check_sampling(sampling_of(run))
        run.clean_fields(exclude=["project"])
    except BadRequestError as error:
        raise BadSamplingError(str(error)) from error
    except ValidationError as error:
        name, said = next(iter(error.message_dict.items()))
        raise BadSamplingError(f"{name}: {said[0]}") from error
    for model in models:
        context = root_of(model).context_tokens
        if context is not None and run.max_tokens >= context:
            raise BadSamplingError(
                f"max_tokens is {run.max_tokens}, which leaves no room for a prompt in the "
                f"{context} tokens of {model.name}; give less than half of them"
            )
    return run


def _check_models(project: Project, models: Sequence[ModelVersion]) -> None:
    if not models:
        raise BadSamplingError("models: choose at least one")
    if len({model.pk for model in models}) < len(models):
        raise BadSamplingError("models: each can be chosen once")
    if any(model.project_id != project.pk for model in models):
        raise BadSamplingError("models: all must belong to this project")


def _check_pairs(request: SamplingRequest) -> None:
    policy, most = request.pair_policy, request.pairs_per_prompt
    if policy not in POLICIES:
        raise BadSamplingError(
            f"pair_policy is {policy}; sampled completions have no ranks, so it must be one of: "
            f"{', '.join(POLICIES)}"
        )
    if most is not None and policy != PairPolicy.RANDOM:
        raise BadSamplingError("pairs_per_prompt: goes with the random pair policy only")
    if most is not None and most < 1:
        raise BadSamplingError(f"pairs_per_prompt is {most}; it must be at least 1")
    if request.selection.between_models and len(request.models) < 2:
        raise BadSamplingError("between_models: needs at least two models")


def usual_max_tokens(models: Sequence[ModelVersion]) -> int:
    """What a completion may have where nobody says: it leaves room for the prompt in each model."""
    contexts = [root_of(model).context_tokens for model in models]
    return min([MAX_TOKENS, *(context // 4 for context in contexts if context)])


def sampling_of(run: SamplingRun) -> Sampling:
    return Sampling(max_tokens=run.max_tokens, temperature=run.temperature, top_p=run.top_p)
