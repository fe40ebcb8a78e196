"""Judges are set up, runs are launched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from django.contrib.auth.models import User
from django.db import transaction

from annotation.models import Rater
from annotation.services.calibration import first_status
from annotation.services.policy import policy_of
from constitution.models import ConstitutionVersion
from corpus.hashing import sha256_of
from corpus.models import ModelVersion, Project
from jobs.services import enqueue
from judging.asking.prompts import PLAIN, REASONED, default_template, template_named
from judging.asking.settings import JudgeSettings
from judging.errors import BadSettingsError, CannotRunError, JudgeExistsError, NotOursToRunError
from judging.models import JudgeConfig, JudgeRun, JuryMember
from judging.selectors import PairSelection, check_picked, dataset_pairs, judged_by
from serving.engines import why_not

NAME_CHARACTERS = 200


USUAL = JudgeSettings()


@transaction.atomic
def ensure_judge(
    *,
    project: Project,
    constitution_version: ConstitutionVersion,
    model_version: ModelVersion | None,
    engine: str = "transformers",
    template: str | None = None,
    tie_band: float = 0.05,
    settings: JudgeSettings = USUAL,
    name: str = "",
    store: bool = True,
) -> JudgeConfig:
    """The judge that applies this constitution version with this model and these settings, made
    when missing. `model_version` is None for a judge that asks the constitution's verifiers.
    With `store` False a missing one is described and not kept: it has no id.

    A new one begins like a new human rater: by calibration, once the project has gold enough.

    `template` defaults to the one its model understands, `name` to one that says what it is.

    Raises:
        UnknownTemplateError: a wrong template.
        BadSettingsError: settings that do not go with the template or the model, or a constitution
            without a principle to judge by in that mode.
        JudgeExistsError: a judge of that name judges otherwise.
    """
    asks_a_model = settings.mode in ("direct", "reasoned")
    if asks_a_model == (model_version is None) or settings.mode == "jury":
        raise BadSettingsError(
            "mode: direct and reasoned judges need a model, verifiers need none, and a jury needs "
            "judges"
        )
    judged_by(constitution_version, settings.mode)
    chosen = ""
    if model_version is not None:
        chosen = template or default_template(model_version.sandbox, settings.mode)
        _check_template(chosen, settings)
    said = settings.words()
    if model_version is None:
        usual = f"{constitution_version} by its verifiers"
    else:
        details = ", ".join(part for part in (engine, chosen, said) if part)
        usual = f"{constitution_version} by {model_version.name} ({details})"
    return _judge(
        project,
        name or _short(usual),
        {
            "constitution_version": constitution_version,
            "model_version": model_version,
            "engine": engine if asks_a_model else "",
            "template": chosen,
            "tie_band": tie_band,
            "options": _stored(settings),
        },
        store=store,
    )


@transaction.atomic
def ensure_jury(
    *,
    project: Project,
    name: str,
    judges: Sequence[tuple[JudgeConfig, float]],
    tie_band: float = 0.05,
    combine: Literal["mean", "majority"] = "mean",
) -> JudgeConfig:
    """A jury of judges of the project, each with its weight above 0; made when missing.

    Raises:
        BadSettingsError: fewer than two judges, one twice, another project's, another jury, or a
            weight that is none.
        JudgeExistsError: a judge of that name judges otherwise.
    """
    ids = [judge.pk for judge, _ in judges]
    if len(ids) < 2 or len(set(ids)) < len(ids):
        raise BadSettingsError("judges: a jury needs at least two different judges")
    if any(judge.project_id != project.pk for judge, _ in judges):
        raise BadSettingsError("judges: all must belong to this project")
    if any(judge.settings.mode == "jury" for judge, _ in judges):
        raise BadSettingsError("judges: a jury cannot be a member of another jury")
    if not all(0 < weight < math.inf for _, weight in judges):
        raise BadSettingsError("judges: each weight must be above 0")
    settings = JudgeSettings(mode="jury", combine=combine)
    jury = _judge(project, name.strip()[:200], {"tie_band": tie_band, "options": _stored(settings)})
    there = dict(jury.members.values_list("judge_id", "weight"))
    if not there:
        JuryMember.objects.bulk_create(
            [JuryMember(jury=jury, judge=judge, weight=weight) for judge, weight in judges]
        )
    elif there != {judge.pk: weight for judge, weight in judges}:
        raise JudgeExistsError(f"A jury {name!r} with other judges or weights already exists.")
    return jury


def _judge(
    project: Project, name: str, wanted: dict[str, Any], *, store: bool = True
) -> JudgeConfig:
    if not name:
        raise BadSettingsError("name: a judge needs a name")
    rater = Rater.objects.filter(project=project, kind=Rater.Kind.JUDGE, name=name).first()
    if rater is None:
        rater = Rater(project=project, kind=Rater.Kind.JUDGE, name=name)
        if not store:
            return JudgeConfig(rater=rater, project=project, **wanted)
        rater.status = first_status(policy_of(project.pk))
        rater.save()
    config, made = JudgeConfig.objects.get_or_create(
        rater=rater, defaults={"project": project, **wanted}
    )
    differing = [field for field, value in wanted.items() if getattr(config, field) != value]
    if not made and differing:
        raise JudgeExistsError(
            f"A judge {name!r} already exists with another {' and '.join(differing)}. Judges "
            "do not change: give this one another name."
        )
    return config


def _check_template(template: str, settings: JudgeSettings) -> None:
    template_named(template)
    if (settings.mode == "reasoned") != (template in REASONED):
        raise BadSettingsError(
            f"mode: {settings.mode} does not go with the template {template}; reasoned judges "
            f"have one of {', '.join(sorted(REASONED))}, and no other has"
        )
    if template in PLAIN and (settings.use_reference or settings.few_shots):
        raise BadSettingsError(
            f"template: {template} supports neither references nor few-shot examples; use another "
            "template"
        )


def _stored(settings: JudgeSettings) -> dict[str, Any]:
    """What is not as usual: the usual judge's options are empty."""
    usual = JudgeSettings(mode=settings.mode)
    chosen = settings.model_dump(mode="json")
    plain = usual.model_dump(mode="json")
    kept = {name: value for name, value in chosen.items() if value != plain[name]}
    return kept if settings.mode == "direct" else {"mode": settings.mode, **kept}


def _short(name: str) -> str:
    """Within the limit, and still told apart from another that begins alike."""
    if len(name) <= NAME_CHARACTERS:
        return name
    return f"{name[: NAME_CHARACTERS - 10]}… {sha256_of(name)[:8]}"


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

    NotOursToRunError for a judge whose verdicts were imported or are revisions' labels,
    CannotRunError where its engine cannot open its model, UnknownSelectionError for a dataset or a
    set of picked pairs that is not there.
    """
    check_picked(project, selection)
    if selection.dataset is not None:
        next(iter(dataset_pairs(project, selection.dataset)), None)
    if config.foreign:
        raise NotOursToRunError(f"{config} is an imported judge and cannot be run here.")
    if config.reviser:
        raise NotOursToRunError(
            f"{config} only carries the labels of revision runs and cannot be run."
        )
    model = config.model_version
    if start and model is not None and (why := why_not(config.engine, model)):
        raise CannotRunError(why)
    run = JudgeRun.objects.create(
        project=project,
        config=config,
        selection=selection.model_dump(exclude_none=True),
        seed=seed,
        accept_cut=accept_cut,
        created_by=created_by,
    )
    if start:
        enqueue(run)
    return run
