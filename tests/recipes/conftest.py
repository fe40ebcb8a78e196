"""Models and adapters that several recipe tests start from, built once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inference.tiny_model import build_tiny_model
from tests.recipes.builders import rows, write_dataset, write_spec
from training.recipes import dpo


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with a byte-level tokenizer and a chat template."""
    return build_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 pairs to train on, 12 to measure with."""
    folder = tmp_path_factory.mktemp("datasets") / "small"
    return write_dataset(folder, train=rows(40), validation=rows(12, start=100))


@pytest.fixture(scope="session")
def adapter(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, dataset: Path) -> Path:
    """A LoRA adapter on the tiny model that a real run trained, so that it is not zero."""
    folder = tmp_path_factory.mktemp("adapter")
    spec = write_spec(
        folder / "spec.json",
        tiny_model,
        dataset,
        adapter="lora",
        learning_rate=1e-2,
        max_steps=6,
    )
    assert dpo.main([str(spec), "--run-dir", str(folder / "run")]) == 0
    return folder / "run" / "model"
