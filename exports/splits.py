"""Which split a prompt belongs to: decided by the prompt alone, so that it never moves."""

from __future__ import annotations

import hashlib
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def split_of(prompt_sha256: str, *, seed: int, validation: float, test: float) -> Split:
    """The split of a prompt, from a hash of it and the seed.

    All pairs of a prompt stand in one split, and adding other prompts moves none.

    Args:
        validation, test: shares in [0, 1) whose sum is below 1.
    """
    digest = hashlib.sha256(f"{seed}:{prompt_sha256}".encode()).digest()
    position = int.from_bytes(digest[:8]) / 2**64
    if position < test:
        return "test"
    return "validation" if position < test + validation else "train"
