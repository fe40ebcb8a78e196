"""Which checkpoint a run started again goes on from."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from safetensors import SafetensorError, safe_open

_NAME = re.compile(r"checkpoint-(\d+)")
_STATE = "trainer_state.json"


def latest_valid_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step that is whole, or None.

    transformers 5.17 writes the weights, the optimiser, the scheduler, the random states and, as
    the very last file, `trainer_state.json`. A process killed on the way leaves a folder without
    that file, or with a part of it.
    """
    return max((path for path in _numbered(folder) if is_complete(path)), key=_step, default=None)


def remove_incomplete_checkpoints(folder: Path) -> list[str]:
    """Delete checkpoints that were never finished; returns their names.

    Left in place they would count when old checkpoints are rotated out, and a whole one could be
    deleted for them.
    """
    broken = [path for path in _numbered(folder) if not is_complete(path)]
    for path in broken:
        shutil.rmtree(path)
    return sorted(path.name for path in broken)


def is_complete(checkpoint: Path) -> bool:
    """Whether every file that resuming reads is there and readable."""
    try:
        state = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    present = {path.name for path in checkpoint.iterdir()}
    weights = [name for name in present if name.endswith(".safetensors")]
    return (
        state.get("global_step") == _step(checkpoint)
        and {"optimizer.pt", "scheduler.pt"} <= present
        and any(name.startswith("rng_state") for name in present)
        and bool(weights)
        and all(_readable(checkpoint / name) for name in weights)
    )


def _readable(path: Path) -> bool:
    """Whether the header of a safetensors file agrees with the file's length."""
    try:
        with safe_open(path, framework="pt"):
            return True
    except (OSError, SafetensorError):
        return False


def _numbered(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.is_dir() and _NAME.fullmatch(path.name)]


def _step(checkpoint: Path) -> int:
    match = _NAME.fullmatch(checkpoint.name)
    if match is None:
        raise ValueError(f"{checkpoint} is not a checkpoint folder: must be named checkpoint-STEP")
    return int(match.group(1))
