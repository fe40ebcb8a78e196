"""Constitutions to begin with: one for real models, and one in the words of the sandbox model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from constitution.texts.formats import ConstitutionFile, read_constitution

Starter = Literal["starter", "sandbox"]
STARTERS: dict[Starter, str] = {
    "starter": "eighteen principles in plain words: helpful, honest, harmless and more",
    "sandbox": "the three principles that the sandbox model knows",
}


def starter(name: Starter) -> ConstitutionFile:
    """The constitution of that name."""
    return read_constitution((Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8"))
