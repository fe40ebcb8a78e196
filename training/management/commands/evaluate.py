"""`manage.py evaluate`: held-out preference accuracy, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from corpus.models import ModelVersion
from corpus.registry import SANDBOX_NAME, find_model, location_of, root_of, sandbox_model
from exports.models import DatasetVersion
from figures.words import said_share
from jobs.commands import BadInputError, ConcordCommand, Outcome
from training.management.commands.train import dataset_named
from training.models import Evaluation
from training.runs.process import trainer_environment

SPLITS = ("train", "validation", "test")


class Command(ConcordCommand):
    help = "Measure how often a model gives the preferred completion the higher likelihood."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="Name of a model version.")
        parser.add_argument("--dataset", required=True, help="sha256 of a dataset version.")
        parser.add_argument(
            "--project", help="Project slug, needed if several projects have the dataset."
        )
        parser.add_argument("--split", choices=SPLITS, default="test")

    def run(self, **options: Any) -> Outcome:
        dataset = dataset_named(options["dataset"], options["project"])
        name = options["model"]
        model = find_model(dataset.project, name)
        if model is None and name == SANDBOX_NAME:
            model = sandbox_model(dataset.project)
        if model is None:
            raise BadInputError(f"{dataset.project.slug} has no model version {name!r}.")
        measured, error = measure(model, dataset, options["split"])
        if measured is None:
            return Outcome(data={"error": error}, summary=error, failed=True)
        return record(model, dataset, options["split"], measured)


def measure(
    model: ModelVersion, dataset: DatasetVersion, split: str
) -> tuple[dict[str, Any] | None, str]:
    """What the recipe wrote, or None and why."""
    root = root_of(model)
    adapter = [] if root == model else ["--adapter", location_of(model)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "evaluation.json"
        command = [sys.executable, "-m", "training.recipes.evaluate", "--model", location_of(root)]
        command += [*adapter, "--dataset", str(dataset.folder), "--split", split]
        process = subprocess.run(
            [*command, "--out", str(out)],
            capture_output=True,
            text=True,
            check=False,
            cwd=settings.BASE_DIR,
            env=trainer_environment(),
        )
        if not out.exists():
            return None, process.stderr.strip() or (
                f"The recipe ended with exit status {process.returncode}."
            )
        return json.loads(out.read_text()), ""


def record(
    model: ModelVersion, dataset: DatasetVersion, split: str, measured: dict[str, Any]
) -> Outcome:
    if measured.get("accuracy") is None:
        reason = str(measured.get("reason") or measured.get("error") or "not measured")
        data = {"model": model.name, "split": split, "accuracy": None, "reason": reason}
        return Outcome(data=data, summary=f"Undefined: {reason}", failed=True)
    keys = ("accuracy", "low", "high", "n")
    accuracy, low, high, n = (measured[key] for key in keys)
    Evaluation.objects.update_or_create(
        model_version=model,
        dataset=dataset,
        split=split,
        metric="preference_accuracy",
        defaults={"value": accuracy, "low": low, "high": high, "n": n},
    )
    data = {"model": model.name, "dataset": dataset.sha256, "split": split}
    return Outcome(
        data=data
        | {key: measured[key] for key in keys}
        | ({"reason": measured["reason"]} if measured.get("reason") else {}),
        summary=f"{model.name} on {dataset} ({split}, n = {n}): preference accuracy "
        f"{said_share(accuracy, low, high, n, measured.get('reason', ''))}",
    )
