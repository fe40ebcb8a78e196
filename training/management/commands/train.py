"""`manage.py train`: launch a training run from a spec, or do it here and now with --wait."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import CommandParser

from corpus.models import Project
from corpus.registry import SANDBOX_NAME, sandbox_model
from exports.models import DatasetVersion
from figures.words import decimals, percent, said_number, said_share
from jobs.commands import BadInputError, ConcordCommand, Outcome
from jobs.models import JobState
from jobs.runner import run_job
from training.errors import TrainingError
from training.models import TrainingRun
from training.runs.runner import train
from training.runs.services import find_or_register_model, launch_training

POLL_SECONDS = 1.0


class Command(ConcordCommand):
    help = "Train a model on a frozen dataset version, following a YAML or JSON spec."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument(
            "spec",
            type=Path,
            help="The training spec. `dataset` is a sha256; `base_model` is the name of a model "
            "version, a folder or a hub name (default: the sandbox model); `project` is a slug, "
            "needed if several projects have the dataset.",
        )
        parser.add_argument(
            "--wait", action="store_true", help="Train in this process instead of in a worker."
        )

    def run(self, **options: Any) -> Outcome:
        fields = read_fields(options["spec"])
        dataset = dataset_named(fields.pop("dataset", None), fields.pop("project", None))
        try:
            reference = fields.pop("base_model", SANDBOX_NAME)
            if not isinstance(reference, str):
                raise BadInputError(f"base_model: got {reference!r}; it must be a name")
            base_model = (
                sandbox_model(dataset.project)
                if reference == SANDBOX_NAME
                else find_or_register_model(dataset.project, reference)
            )
            run = launch_training(
                project=dataset.project,
                dataset=dataset,
                base_model=base_model,
                parameters=fields,
                start=not options["wait"],
            )
        except TrainingError as error:
            raise BadInputError(str(error)) from error
        if options["wait"]:
            self.note(f"Run {run.pk}: {run.name}; its files are in {run.folder}")
            run_job(TrainingRun, run.pk, train)
            run = wait_until_finished(run)
        return outcome_of(run, failed=options["wait"] and run.state != JobState.SUCCEEDED)


def read_fields(path: Path) -> dict[str, Any]:
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInputError(f"The spec {path} cannot be read: {error}") from error
    if not isinstance(fields, dict):
        raise BadInputError(f"{path}: the spec must be a mapping of fields.")
    return fields


def dataset_named(sha256: object, slug: object) -> DatasetVersion:
    """The dataset version of that hash, in the named project or in the only one that has it."""
    found = DatasetVersion.objects.select_related("project").filter(sha256=str(sha256))
    if slug is not None:
        if not Project.objects.filter(slug=str(slug)).exists():
            raise BadInputError(f"project: there is no project {slug!r}.")
        found = found.filter(project__slug=str(slug))
    datasets = list(found.order_by("id"))
    if not datasets:
        raise BadInputError(f"dataset: there is no dataset version with sha256 {sha256!r}.")
    projects = sorted({dataset.project.slug for dataset in datasets})
    if len(projects) > 1:
        raise BadInputError(
            f"dataset: several projects have {sha256}: set project to one of {', '.join(projects)}."
        )
    return datasets[-1]


def wait_until_finished(run: TrainingRun) -> TrainingRun:
    """A worker may have claimed the run before us; its end is waited for."""
    run.refresh_from_db()
    while not run.is_finished:
        time.sleep(POLL_SECONDS)
        run.refresh_from_db()
    return run


def outcome_of(run: TrainingRun, *, failed: bool) -> Outcome:
    result = run.result or {}
    model = run.result_model
    data = {
        "run": run.pk,
        "state": run.state,
        "error": run.error,
        "dataset": run.dataset.sha256,
        "base_model": run.base_model.name,
        "model": model.name if model else None,
        "weights_sha256": model.weights_sha256 if model else None,
        "folder": str(run.folder),
        "steps": result.get("steps"),
        "train_loss": result.get("train_loss"),
        "train_pairs": result.get("train_pairs"),
        "truncated": result.get("truncated"),
        "max_length": result.get("max_length"),
        "dropped": result.get("dropped"),
        "heldout": result.get("heldout"),
    }
    lines = [f"Run {run.pk} ({run.name}): {run.state}"]
    if run.error:
        lines.append(run.error)
    if model:
        lines.append(f"Model {model.name}, weights sha256 {model.weights_sha256}")
        lines.append(
            f"{result.get('steps')} steps on {result.get('train_pairs')} rows, loss "
            f"{result.get('train_loss'):.4f}; truncated at {result.get('max_length')} tokens: "
            f"{result.get('truncated')}, dropped: {result.get('dropped')}"
        )
        heldout = result.get("heldout") or {}
        if heldout.get("before") and heldout.get("metric") == "completion_loss":
            before, after = heldout["before"], heldout["after"]
            lines.append(
                f"Held-out loss per completion token ({heldout['split']}, n = {heldout['n']}): "
                f"{decimals(before['loss'])} nats before, "
                + said_number(
                    after["loss"],
                    after["low"],
                    after["high"],
                    heldout["n"],
                    after.get("reason", ""),
                    units="completions",
                )
                + " after"
            )
        elif heldout.get("before"):
            before, after = heldout["before"], heldout["after"]
            lines.append(
                f"Held-out preference accuracy ({heldout['split']}, n = {heldout['n']}): "
                f"{percent(before['accuracy'])} before, "
                + said_share(
                    after["accuracy"],
                    after["low"],
                    after["high"],
                    heldout["n"],
                    after.get("reason", ""),
                )
                + " after"
            )
        else:
            lines.append(f"No held-out figure: {heldout.get('reason', 'not measured')}")
    return Outcome(data=data, summary="\n".join(lines), failed=failed)
