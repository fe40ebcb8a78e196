"""The playground: one prompt to one model, for a look at what it does."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from corpus.models import ModelVersion, Project
from inference.engine import Answer, Engine, Message, Request, Sampling
from jobs.runner import JobContext
from jobs.services import assert_lease, enqueue
from serving.accounts import Meter
from serving.engines import model_for_job
from serving.models import Trial, Usage

# Somebody waits for it: better an early word that no server is there.
PATIENCE = {"start_seconds": 5.0, "deadline_seconds": 120.0}


def try_prompt(context: JobContext[Trial]) -> None:
    """The work of a Trial: an answer and, where options are given, their probabilities.

    Never from the reply cache: what is seen is what the model does now. What it took is written
    down for the project.
    """
    trial = context.job
    model = trial.model_version
    meter = Meter(trial.project, model, trial.engine, Usage.Purpose.PLAYGROUND, run_id=trial.pk)
    patience = PATIENCE if trial.engine == "server" else {}
    started = time.monotonic()
    with model_for_job(trial.engine, model, **patience) as engine:
        result = _ask(engine, trial, meter)
    result["seconds"] = time.monotonic() - started
    with transaction.atomic():
        assert_lease(trial)
        Trial.objects.filter(pk=trial.pk).update(result=result)
        meter.record()


def _ask(engine: Engine, trial: Trial, meter: Meter) -> dict[str, Any]:
    turns = [Message("user", trial.prompt)]
    if trial.system:
        turns.insert(0, Message("system", trial.system))
    request = Request(tuple(turns), seed=trial.seed)
    sampling = Sampling(max_tokens=trial.max_tokens, temperature=trial.temperature)
    asked = time.monotonic()
    [generation] = engine.generate([request], sampling)
    meter.add(Answer(0, generation, None, 1000 * (time.monotonic() - asked)))
    result = asdict(generation)
    if trial.options:
        asked = time.monotonic()
        [choice] = engine.choose([request], trial.options)
        meter.add(Answer(0, choice, None, 1000 * (time.monotonic() - asked)))
        result |= {"probabilities": list(choice.probabilities), "mass": choice.mass}
    return result


@transaction.atomic
def launch_trial(
    *,
    project: Project,
    model: ModelVersion,
    engine: str,
    prompt: str,
    created_by: User,
    system: str = "",
    options: tuple[str, ...] = (),
    max_tokens: int = 256,
    temperature: float = 1.0,
    seed: int | None = None,
) -> Trial:
    """Have a worker try one prompt on one model."""
    trial = Trial.objects.create(
        project=project,
        model_version=model,
        engine=engine,
        prompt=prompt,
        system=system,
        options=list(options),
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        created_by=created_by,
    )
    enqueue(trial)
    return trial
