"""Sampling runs done with an engine that follows a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from corpus.models import ModelVersion, Project, SamplingRun
from inference.engine import Engine, Request
from inference.scripted import ScriptedEngine
from jobs.runner import run_job
from serving.sampling.runner import sample_with
from serving.sampling.selection import SamplingSelection
from serving.sampling.services import SamplingRequest, launch_sampling
from tests.builders import make_prompt


def make_model(project: Project, name: str = "m") -> ModelVersion:
    return ModelVersion.objects.create(project=project, name=name, kind="api", location="hash")


def make_prompts(project: Project, count: int = 5) -> None:
    for number in range(count):
        make_prompt(project, f"Question {number}?")


def launch(project: Project, *models: ModelVersion, **options: Any) -> SamplingRun:
    """A run of the scripted engine, queued; options of the selection and of the request."""
    selection = {
        name: options.pop(name) for name in SamplingSelection.model_fields if name in options
    }
    request = SamplingRequest(
        models=models or [make_model(project)],
        selection=SamplingSelection(**selection),
        engine="scripted",
        **options,
    )
    return launch_sampling(project=project, request=request, start=False)


def answer(request: Request, _index: int) -> str:
    """A different answer for each seed."""
    return f"Answer {request.seed} to {request.messages[-1].content}"


def do(
    run: SamplingRun,
    reply: Callable[[Request, int], str] = answer,
    engines: Mapping[str, Engine] | None = None,
) -> SamplingRun:
    """The run, done by a script, or by an engine for each model's name."""

    def opener(model: ModelVersion) -> AbstractContextManager[Engine]:
        return nullcontext((engines or {}).get(model.name) or ScriptedEngine(reply=reply))

    run_job(SamplingRun, run.pk, lambda context: sample_with(context, opener))
    run.refresh_from_db()
    return run
