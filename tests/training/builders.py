"""A project with a frozen dataset and a tiny base model, ready to train."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.models import ModelVersion, Project
from corpus.registry import register_base_model
from exports.models import DatasetVersion
from tests.builders import make_project
from tests.inference.tiny_model import build_tiny_model
from tests.recipes.builders import rows, write_dataset

QUICK: dict[str, Any] = {
    "learning_rate": 1e-3,
    "batch_size": 4,
    "max_length": 64,
    "max_steps": 4,
    "hardware": {"use_cpu": True},
}


@dataclass(frozen=True)
class Workshop:
    project: Project
    dataset: DatasetVersion
    base_model: ModelVersion


def make_workshop(folder: Path, *, pairs: int = 32) -> Workshop:
    """The dataset's folder is where DATASETS_FOLDER expects it; its hash is made up."""
    project = make_project("workshop")
    sha256 = "d" * 64
    dataset = DatasetVersion.objects.create(
        project=project, name="small", number=1, sha256=sha256, manifest={}
    )
    write_dataset(dataset.folder, train=rows(pairs), validation=rows(8, start=500))
    model = register_base_model(project, str(build_tiny_model(folder / "tiny")))
    return Workshop(project, dataset, model)
