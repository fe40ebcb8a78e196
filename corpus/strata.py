"""Strata of prompts, and the rule that says which are too thin or too thick: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from figures.words import percent, percent_beside

SHORT_CHARACTERS = 200
LONG_CHARACTERS = 1_000

LEAST_SHARE = 0.05
MOST_SHARE = 0.40

AUDITED = ("domain", "difficulty", "length", "sensitivity", "language")
"""What the rule is about; source and origin say where a pair came from, not what it is."""


def length_stratum(characters: int) -> str:
    """short below 200 characters, medium below 1,000, else long."""
    if characters < SHORT_CHARACTERS:
        return "short"
    return "medium" if characters < LONG_CHARACTERS else "long"


def sensitivity_stratum(sensitive: bool) -> str:
    return "sensitive" if sensitive else "not sensitive"


@dataclass(frozen=True, slots=True)
class Finding:
    """A stratum whose share is out of bounds. `share` in [0, 1], of `total` rows."""

    dimension: str
    stratum: str
    rows: int
    total: int
    share: float
    fault: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def said_share(share: float) -> str:
    """The share of a finding, never rounded to the bound that it is beyond."""
    nearest = min((LEAST_SHARE, MOST_SHARE), key=lambda bound: abs(bound - share))
    return percent_beside(share, nearest)


def audit(counts: Mapping[str, Mapping[str, int]]) -> list[Finding]:
    """The strata below LEAST_SHARE or above MOST_SHARE of a set, by dimension.

    `counts` is {dimension: {stratum: rows}}. A dimension that says nothing (no value given, or one
    value only) is no stratification, and is left out; so are those that are not AUDITED.
    """
    found: list[Finding] = []
    for dimension in AUDITED:
        strata = {name: rows for name, rows in counts.get(dimension, {}).items() if rows}
        total = sum(strata.values())
        if len(strata) < 2:
            continue
        for name, rows in sorted(strata.items()):
            share = rows / total
            if share < LEAST_SHARE:
                fault = f"under {percent(LEAST_SHARE, 0)}"
            elif share > MOST_SHARE:
                fault = f"over {percent(MOST_SHARE, 0)}"
            else:
                continue
            found.append(
                Finding(dimension, name or "not specified", rows, total, round(share, 6), fault)
            )
    return found
