"""A project with a frozen dataset and a tiny base model, ready to train."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.models import ModelVersion, Project
from corpus.registry import register_base_model
from exports.models import DatasetVersion
from exports.services import FreezeFilters, freeze
from tests.builders import make_label, make_pair, make_project, make_rater
from tests.inference.tiny_model import build_tiny_model

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

    @property
    def heldout_pairs(self) -> int:
        rows: int = self.dataset.manifest["splits"]["validation"]["rows"]
        return rows


def make_workshop(folder: Path, *, pairs: int = 40) -> Workshop:
    """Pairs in which "yes" is always better than "no", labelled and frozen."""
    project = make_project("workshop")
    rater = make_rater(project, "ann")
    for number in range(pairs):
        pair = make_pair(
            project,
            prompt=f"q{number}",
            first=f"yes {number % 7}",
            second=f"no {number % 5}",
        )
        make_label(pair, rater, "first")
    dataset = freeze(project=project, name="small", filters=FreezeFilters(validation=0.2, test=0.0))
    model = register_base_model(project, str(build_tiny_model(folder / "tiny")))
    return Workshop(project, dataset, model)
