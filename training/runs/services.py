"""Training runs are prepared, launched and cancelled. Nothing here imports torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from corpus.models import ModelVersion, Project
from corpus.registry import (
    find_model,
    location_of,
    register_base_model,
    root_of,
    with_weights_of,
)
from exports.models import DatasetVersion
from inference.errors import ModelLoadError
from jobs.models import JobState
from jobs.services import enqueue, request_cancel
from training.errors import BadSpecError, UnknownModelError
from training.models import TrainingRun
from training.recipes.spec import SpecError, TrainingSpec, check_spec

SET_BY_CONCORD = ("base_model", "base_adapter", "dataset", "reference_model")
"""Fields that are resolved from the registry; a launch form does not set them."""

KIND_OF_METHOD = {"dpo": DatasetVersion.Kind.PREFERENCE, "sft": DatasetVersion.Kind.SFT}
"""What each recipe trains on."""


@transaction.atomic
def launch_training(
    *,
    project: Project,
    dataset: DatasetVersion,
    base_model: ModelVersion,
    parameters: Mapping[str, Any],
    reference_model: ModelVersion | None = None,
    created_by: User | None = None,
    name: str = "",
    start: bool = True,
) -> TrainingRun:
    """A queued run of the recipe `parameters["method"]` (default dpo) on a dataset version.

    Args:
        parameters: fields of the training spec, without those of SET_BY_CONCORD.
        reference_model: the fixed policy that a full model of a later round is compared with;
            None: what training starts from.
        start: False leaves it to the caller to do the job (a command that waits).

    Raises:
        BadSpecError: a field is unknown or has a wrong value; the message names it.
    """
    if {dataset.project_id, base_model.project_id} != {project.pk}:
        raise BadSpecError("dataset and base model must belong to the project of the run.")
    spec = resolve_spec(
        dataset=dataset,
        base_model=base_model,
        parameters=parameters,
        reference_model=reference_model,
    )
    wanted = KIND_OF_METHOD[spec.method]
    if dataset.kind != wanted:
        raise BadSpecError(
            f"method: {spec.method} needs a dataset of kind {wanted}; {dataset} is of kind "
            f"{dataset.kind}."
        )
    run = TrainingRun.objects.create(
        project=project,
        name=name or f"{spec.method.upper()} from {base_model.name} on {dataset}",
        method=spec.method,
        spec=dict(parameters),
        base_model=base_model,
        reference_model=reference_model,
        dataset=dataset,
        created_by=created_by,
    )
    if start:
        enqueue(run)
    return run


def resolve_spec(
    *,
    dataset: DatasetVersion,
    base_model: ModelVersion,
    parameters: Mapping[str, Any],
    reference_model: ModelVersion | None = None,
) -> TrainingSpec:
    """The recipe's spec with the folders of this machine in it. BadSpecError names the field."""
    forbidden = sorted(set(parameters) & set(SET_BY_CONCORD))
    if forbidden:
        raise BadSpecError(
            f"{forbidden[0]} cannot be given in the parameters: it is set from the registry."
        )
    fields: dict[str, Any] = {
        "method": "dpo",
        **parameters,
        "dataset": str(dataset.folder),
        "base_model": location_of(base_model),
    }
    if base_model.kind == ModelVersion.Kind.ADAPTER:
        fields |= {
            "base_model": location_of(root_of(base_model)),
            "base_adapter": location_of(base_model),
            "adapter": "lora",
        }
    if reference_model is not None:
        fields |= {"reference": "base", "reference_model": location_of(reference_model)}
    hardware = dict(fields.get("hardware") or {})
    hardware.setdefault("threads", settings.COMPUTE_THREADS)
    fields["hardware"] = hardware
    try:
        return check_spec(fields)
    except SpecError as error:
        raise BadSpecError(str(error)) from error


def cancel_training(run: TrainingRun) -> JobState:
    """Ask a run to stop with a checkpoint; a queued one is cancelled at once.

    The trainer is told directly too, by the file that it polls: its worker may be dead.
    """
    state = request_cancel(run)
    if state == JobState.CANCELLING:
        run.folder.mkdir(parents=True, exist_ok=True)
        (run.folder / "cancel").touch()
    return state


def find_or_register_model(project: Project, reference: str) -> ModelVersion:
    """A model version by name, or a base model by folder or hub name. UnknownModelError.

    A folder whose weights the project has under another name is that model, not a second one.
    """
    model = find_model(project, reference)
    if model is not None:
        return model
    looks_like_folder = reference.startswith((".", "/", "~")) or reference.count("/") > 1
    looks_like_hub_name = re.fullmatch(r"[\w.-]+/[\w.-]+", reference) is not None
    if Path(reference).expanduser().is_dir() or (looks_like_hub_name and not looks_like_folder):
        try:
            return with_weights_of(project, reference) or register_base_model(project, reference)
        except ModelLoadError as error:
            raise UnknownModelError(f"base_model: {error}") from error
    raise UnknownModelError(
        f"base_model: got {reference!r}: not a model version of {project.slug}, a folder or "
        "a hub name (owner/name)"
    )
