"""How often one model is preferred to another, by humans, by a judge, and by both together: pure.

Prediction-powered inference takes many judgements of a judge and corrects them by the few pairs
that humans judged too, so that the interval is valid however wrong the judge is, and narrower than
the humans' own where it is right.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotation.agreement.coefficient import Z

Floats = NDArray[np.float64]

LEAST = 2
"""Fewer values have no variance."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A win rate in [0, 1] with its 95 % interval, from `n` pairs; `value` None with a `reason`."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WinRate:
    """Three estimates of one rate. `power` is how much the judge counts in `together`, 0 to 1."""

    human: Rate
    judge: Rate
    together: Rate
    power: float | None


def win_rate(human: ArrayLike, judge_of_human: ArrayLike, judge_alone: ArrayLike) -> WinRate:
    """The rate by which the first of two models wins.

    `human` (n,) are humans' preferences, 1 for the first model, ½ for neither, 0 for the second;
    `judge_of_human` (n,) are the judge's probabilities on the same pairs; `judge_alone` (N,) those
    on pairs that no human judged. The pairs of both must be drawn alike: a judge corrected on hard
    pairs is not corrected on easy ones.

    Raises ValueError for values outside [0, 1] or n that differ.

    Source: Angelopoulos et al. 2023, "Prediction-powered inference" (arXiv 2301.09633, algorithm
        1), with the power tuning of Angelopoulos, Duchi and Zrnic 2023, "PPI++" (arXiv 2311.01453,
        §6), clipped to [0, 1].
    """
    y, f, more = (_checked(one) for one in (human, judge_of_human, judge_alone))
    if y.shape != f.shape:
        raise ValueError(f"{len(y)} human and {len(f)} judge values of the same pairs")
    power = _power(y, f, more)
    together = Rate(None, len(y) + len(more), reason=_lacking(y, more))
    if power is not None:
        residual = y - power * f
        value = power * float(more.mean()) + float(residual.mean())
        variance = power**2 * more.var(ddof=1) / len(more) + residual.var(ddof=1) / len(y)
        together = _rate(value, float(variance), len(y) + len(more))
    return WinRate(_mean(y), _mean(np.concatenate([f, more])), together, power)


def _power(y: Floats, f: Floats, more: Floats) -> float | None:
    """The share of the judge that makes the interval narrowest; None where it cannot be told."""
    if len(y) < LEAST or len(more) < LEAST:
        return None
    said = np.concatenate([f, more])
    if np.ptp(said) == 0:
        return 0.0
    spread = float(said.var(ddof=1))
    covariance = float(np.cov(y, f, ddof=1)[0, 1])
    return min(1.0, max(0.0, covariance / ((1 + len(y) / len(more)) * spread)))


def _lacking(y: Floats, more: Floats) -> str:
    if len(y) < LEAST:
        return f"{len(y)} pairs were judged by humans and the judge; at least {LEAST} are needed."
    if len(more) < LEAST:
        return f"{len(more)} pairs were judged by the judge alone; at least {LEAST} are needed."
    return ""


def _mean(values: Floats) -> Rate:
    n = len(values)
    if n < LEAST:
        value = float(values[0]) if n else None
        return Rate(value, n, reason=f"{n} pairs have no interval.")
    return _rate(float(values.mean()), float(values.var(ddof=1)) / n, n)


def _rate(value: float, variance: float, n: int) -> Rate:
    half = Z * float(np.sqrt(variance))
    return Rate(min(1.0, max(0.0, value)), n, max(0.0, value - half), min(1.0, value + half))


def _checked(values: ArrayLike) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not ((found >= 0) & (found <= 1)).all():
        raise ValueError("values in [0, 1] are wanted, as a column")
    return found
