"""Judges are set up, runs are launched."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from annotation.models import Rater
from constitution.models import ConstitutionVersion
from corpus.models import ModelVersion, Project
from jobs.services import enqueue
from judging.errors import NotOursToRunError
from judging.models import JudgeConfig, JudgeRun, Trial
from judging.prompts import default_template, template_named
from judging.selectors import PairSelection


@transaction.atomic
def ensure_judge(
    *,
    project: Project,
    constitution_version: ConstitutionVersion,
    model_version: ModelVersion,
    engine: str = "transformers",
    template: str | None = None,
    tie_band: float = 0.05,
) -> JudgeConfig:
    """The judge that applies this constitution version with this model, made when missing.

    `template` defaults to the one its model understands. UnknownTemplateError for a wrong one.
    """
    chosen = template or default_template(model_version.sandbox)
    template_named(chosen)
    name = f"{constitution_version} by {model_version.name} ({engine}, {chosen})"[:200]
    rater, _ = Rater.objects.get_or_create(project=project, kind=Rater.Kind.JUDGE, name=name)
    config, _ = JudgeConfig.objects.get_or_create(
        rater=rater,
        defaults={
            "project": project,
            "constitution_version": constitution_version,
            "model_version": model_version,
            "engine": engine,
            "template": chosen,
            "tie_band": tie_band,
        },
    )
    return config


@transaction.atomic
def launch_judge_run(
    *,
    project: Project,
    config: JudgeConfig,
    selection: PairSelection,
    created_by: User | None = None,
    seed: int = 0,
    accept_cut: bool = False,
    start: bool = True,
) -> JudgeRun:
    """A queued run; with `start` False it is left to the caller to do.

    Without `accept_cut` it does not begin where more than 1 % of its questions would not fit.

    NotOursToRunError for a judge whose verdicts were imported.
    """
    if config.constitution_version is None or config.model_version is None:
        raise NotOursToRunError(
            f"{config} is a foreign judge: its verdicts were imported, it cannot be run here."
        )
    run = JudgeRun.objects.create(
        project=project,
        config=config,
        selection=selection.model_dump(),
        seed=seed,
        accept_cut=accept_cut,
        created_by=created_by,
    )
    if start:
        enqueue(run)
    return run


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
