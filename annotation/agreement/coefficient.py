"""A figure with its interval, and the interval of a share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from figures.intervals import Z, wilson

__all__ = [
    "ONE_CATEGORY",
    "ONE_SIDED",
    "Coefficient",
    "Counts",
    "Floats",
    "Z",
    "as_counts",
    "beyond_chance",
    "wilson",
]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

ONE_CATEGORY = "Only one category was used, so agreement by chance is certain."
ONE_SIDED = (
    "One of the two used a single category, which makes κ 0 whatever the other chose; the interval "
    "is Wilson's of the observed agreement."
)


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A figure in [-1, 1], the number `n` of units behind it, and its 95 % interval.

    `value` is None where the figure is undefined; `low` and `high` are None where no honest
    interval can be given. `reason` says why, or what the interval is instead; it is empty when
    there is nothing to say.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, float | int | str | None]:
        """{value, n, low, high}, and `reason` where there is one."""
        figures: dict[str, float | int | str | None] = {
            "value": self.value,
            "n": self.n,
            "low": self.low,
            "high": self.high,
        }
        return figures | ({"reason": self.reason} if self.reason else {})


def beyond_chance(observed: Floats, expected: Floats) -> Floats:
    """(observed - expected) / (1 - expected), not below -1; NaN where chance is certain."""
    out = np.full(np.broadcast(observed, expected).shape, np.nan)
    above, left = observed - expected, 1 - expected
    ratio: Floats = np.divide(above, left, out=out, where=left > 1e-12)
    return np.maximum(ratio, -1.0)


def as_counts(values: ArrayLike, dimensions: int) -> Counts:
    """Whole numbers not below 0. ValueError for anything else."""
    counts = np.asarray(values, dtype=np.int64)
    if counts.ndim != dimensions:
        raise ValueError(f"Counts have {counts.ndim} dimensions; {dimensions} are needed.")
    if (counts < 0).any():
        raise ValueError("Counts must not be negative.")
    return counts
