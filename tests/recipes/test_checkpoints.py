"""Only a checkpoint that was finished is gone on from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from training.recipes.checkpoints import latest_valid_checkpoint, remove_incomplete_checkpoints


def checkpoint(folder: Path, step: int) -> Path:
    """A whole checkpoint, with the files that resuming reads."""
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    save_file({"weight": torch.ones(8)}, path / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        (path / name).write_bytes(b"state")
    (path / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return path


def test_the_highest_step_wins_and_not_the_last_name(tmp_path: Path) -> None:
    for step in (90, 100, 5):
        checkpoint(tmp_path, step)
    (tmp_path / "checkpoint-notes").mkdir()
    assert latest_valid_checkpoint(tmp_path) == tmp_path / "checkpoint-100"


def test_without_checkpoints_there_is_none(tmp_path: Path) -> None:
    assert latest_valid_checkpoint(tmp_path) is None
    assert latest_valid_checkpoint(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "missing",
    ["trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth", "model.safetensors"],
)
def test_an_unfinished_checkpoint_is_passed_over_and_removed(tmp_path: Path, missing: str) -> None:
    whole = checkpoint(tmp_path, 5)
    (checkpoint(tmp_path, 10) / missing).unlink()
    assert latest_valid_checkpoint(tmp_path) == whole
    assert remove_incomplete_checkpoints(tmp_path) == ["checkpoint-10"]
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-5"]


def test_half_written_files_are_seen(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 5)
    (checkpoint(tmp_path, 10) / "trainer_state.json").write_text('{"global_step": 10, "log_')
    weights = checkpoint(tmp_path, 15) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    (checkpoint(tmp_path, 20) / "trainer_state.json").write_text('{"global_step": 19}')
    assert latest_valid_checkpoint(tmp_path) == whole
