"""A judge's faults in figures with intervals: for what stands first, and for what is long. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression

from annotation.agreement.coefficient import Z, wilson

Floats = NDArray[np.float64]

EDGE = 1e-6
"""Probabilities of exactly 0 and 1 have no log-odds."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over `n` units with its 95 % interval; `value` None with a `reason` where it is
    undefined."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PositionBias:
    """`first_shown` is the mean probability that the completion shown first gets, over both
    orders: one half where position means nothing, whatever the completions are worth.
    `equal_worth` is what it would get of a pair of equal worth: the mean over pairs in log-odds,
    which takes a pull towards the first for what it is where completions differ.
    `inconsistent` is the share of pairs whose winner differs between the orders."""

    first_shown: Figure
    equal_worth: Figure
    inconsistent: Figure


def position_bias(p_ab: ArrayLike, p_ba: ArrayLike) -> PositionBias:
    """Both from each pair's `p_first` with first shown first (`p_ab`) and second (`p_ba`), (n,).

    Each pair is shown in both orders, so that its own worth cancels: the mean over the two of what
    the first-shown got is (p_ab + 1 − p_ba) / 2. Its interval is that of a mean over pairs.

    Source: position swapping as in Zheng et al. 2023 (arXiv 2306.05685, §3.4).
    """
    ab, ba = _columns(p_ab, p_ba)
    n = len(ab)
    if not n:
        nothing = Figure(None, 0, reason="No pair was judged in both orders.")
        return PositionBias(nothing, nothing, nothing)
    shown = (ab + 1 - ba) / 2
    pull = _mean((_log_odds(ab) - _log_odds(ba)) / 2, (-np.inf, np.inf))
    differs = float(((ab - 0.5) * (ba - 0.5) <= 0).mean())
    low, high = wilson(differs, n)
    return PositionBias(
        _mean(shown, (0.0, 1.0)),
        Figure(_share(pull.value), n, _share(pull.low), _share(pull.high), pull.reason),
        Figure(differs, n, float(low), float(high)),
    )


def length_bias(
    p_first: ArrayLike, length_first: ArrayLike, length_second: ArrayLike, human: ArrayLike
) -> Figure:
    """How much a judge's odds for the longer grow with its length, humans' choice held fixed.

    The coefficient of log(length_first / length_second) in a logistic regression of the judge's
    winner on it and on the humans' choice: 0 where length means nothing beyond what humans see in
    it; 1 where an answer twice as long has twice the odds. Wald's interval.

    Args:
        p_first: the judge's probabilities (n,); pairs at exactly one half name no winner.
        length_first, length_second: lengths (n,) above 0, in any unit.
        human: 1 where humans prefer first, −1 second, 0 neither or unknown (n,).

    Source: length as a covariate as in Dubois et al. 2024 (arXiv 2404.04475).
    """
    p, human_says = _columns(p_first, human)
    first, second = _columns(length_first, length_second)
    if (first <= 0).any() or (second <= 0).any():
        raise ValueError("lengths above 0 are wanted")
    decided = p != 0.5
    p, human_says = p[decided], human_says[decided]
    ratio = np.log(first[decided] / second[decided])
    won = (p > 0.5).astype(int)
    n = len(won)
    if n < 10 or len(np.unique(won)) < 2:
        return Figure(None, n, reason="At least ten decided pairs with both outcomes are needed.")
    if np.ptp(ratio) == 0:
        return Figure(None, n, reason="All pairs have the same ratio of lengths.")
    design = np.column_stack([np.ones(n), ratio, human_says])
    if np.ptp(human_says) == 0:
        design = design[:, :2]
    # A ridge so light that it moves nothing that the data decide, and keeps what they separate
    # perfectly from running to infinity.
    model: Any = LogisticRegression(C=1e3, fit_intercept=False, max_iter=1_000)
    model.fit(design, won)
    weights = model.coef_[0]
    fitted = 1 / (1 + np.exp(-design @ weights))
    information = design.T @ (design * (fitted * (1 - fitted))[:, None])
    covariance = np.linalg.inv(information + np.eye(design.shape[1]) / 1e3)
    value, error = float(weights[1]), float(np.sqrt(covariance[1, 1]))
    return Figure(value, n, value - Z * error, value + Z * error)


def longer_wins(p_first: ArrayLike, length_first: ArrayLike, length_second: ArrayLike) -> Figure:
    """The share of decided pairs of unequal length in which the longer completion wins."""
    p, first = _columns(p_first, length_first)
    _, second = _columns(p_first, length_second)
    counted = (p != 0.5) & (first != second)
    n = int(counted.sum())
    if not n:
        return Figure(None, 0, reason="No decided pair has completions of unequal length.")
    share = float(((p > 0.5) == (first > second))[counted].mean())
    low, high = wilson(share, n)
    return Figure(share, n, float(low), float(high))


def _mean(values: Floats, bounds: tuple[float, float]) -> Figure:
    n, mean = len(values), float(values.mean())
    if n < 2:
        return Figure(mean, n, reason="One pair has no interval.")
    half = Z * float(values.std(ddof=1)) / float(np.sqrt(n))
    return Figure(mean, n, max(bounds[0], mean - half), min(bounds[1], mean + half))


def _log_odds(p: Floats) -> Floats:
    clipped = np.clip(p, EDGE, 1 - EDGE)
    odds: Floats = np.log(clipped / (1 - clipped))
    return odds


def _share(log_odds: float | None) -> float | None:
    return None if log_odds is None else float(1 / (1 + np.exp(-log_odds)))


def _columns(one: ArrayLike, other: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"the shapes are {a.shape} and {b.shape}; both must be (n,)")
    return a, b
