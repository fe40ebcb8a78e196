"""A judge's faults in figures with intervals: for what stands first, and for what is long. Pure."""

from __future__ import annotations

import itertools
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
    decided = p != 0.5
    ratio = _log_ratio(length_first, length_second)[decided]
    return _coefficient(
        (p[decided] > 0.5).astype(int), ratio, [human_says[decided]], "ratio of lengths"
    )


def formatting_bias(
    p_first: ArrayLike,
    marks_first: ArrayLike,
    marks_second: ArrayLike,
    length_first: ArrayLike,
    length_second: ArrayLike,
    human: ArrayLike,
) -> Figure:
    """How much a judge's odds grow for the more formatted, length and humans' choice held fixed.

    The coefficient of sign(marks_first − marks_second) beside the log ratio of lengths and the
    humans' choice, as `length_bias`: 0 where headings, lists, bold and tables mean nothing beyond
    what humans see in them. `marks` (n,) are counts (see `judging.formatting`).
    """
    p, human_says = _columns(p_first, human)
    first, second = _columns(marks_first, marks_second)
    decided = p != 0.5
    ratio = _log_ratio(length_first, length_second)[decided]
    return _coefficient(
        (p[decided] > 0.5).astype(int),
        np.sign(first - second)[decided],
        [ratio, human_says[decided]],
        "amount of formatting",
    )


def self_preference(p_own: ArrayLike, human_own: ArrayLike) -> Figure:
    """How much more often than humans a judge takes the answer of its own family of models.

    The mean over pairs, of which one answer is its own family's and the other is not, of the
    judge's probability for its own minus the humans' choice of it: 0 where it sees its own as
    humans do. Interval of a mean of paired differences.

    Args:
        p_own: the judge's probability of its own family's answer (n,).
        human_own: 1 where humans prefer that answer, 0 the other, ½ neither (n,).

    Source: Panickssery et al. 2024, "LLM evaluators recognize and favor their own generations"
        (arXiv 2404.13076); humans' choice as what is deserved.
    """
    judge, human = _columns(p_own, human_own)
    if not len(judge):
        return Figure(
            None, 0, reason="No pair that humans judged sets its own family against another model."
        )
    return _mean(judge - human, (-1.0, 1.0))


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Pairs whose first is `low` to `high` doublings longer than their second: how often the judge
    takes the longer, and how often humans do (of those that they decided; None for none)."""

    low: float
    high: float
    n: int
    judge: float
    judge_low: float
    judge_high: float
    humans: float | None
    n_humans: int


LENGTH_EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, np.inf)


def wins_by_length(
    p_first: ArrayLike, length_first: ArrayLike, length_second: ArrayLike, human: ArrayLike
) -> list[LengthBin]:
    """The win rate of the longer by how much longer it is, in doublings; bins without pairs are
    left out. Arguments as of `length_bias`."""
    p, human_says = _columns(p_first, human)
    doublings = _log_ratio(length_first, length_second) / np.log(2)
    longer_won = (p > 0.5) == (doublings > 0)
    humans_took_longer = (human_says > 0) == (doublings > 0)
    found = []
    for low, high in itertools.pairwise(LENGTH_EDGES):
        here = (np.abs(doublings) > low) & (np.abs(doublings) <= high) & (p != 0.5)
        n = int(here.sum())
        if not n:
            continue
        share = float(longer_won[here].mean())
        ends = wilson(share, n)
        told = here & (human_says != 0)
        found.append(
            LengthBin(
                low,
                min(high, 4.0),
                n,
                share,
                float(ends[0]),
                float(ends[1]),
                float(humans_took_longer[told].mean()) if told.any() else None,
                int(told.sum()),
            )
        )
    return found


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


def _coefficient(won: NDArray[np.int64], of: Floats, beside: list[Floats], what: str) -> Figure:
    """The coefficient of `of` in a logistic regression of `won` on it and on what is `beside`."""
    n = len(won)
    if n < 10 or len(np.unique(won)) < 2:
        return Figure(None, n, reason="At least ten decided pairs with both outcomes are needed.")
    if np.ptp(of) == 0:
        return Figure(None, n, reason=f"All pairs have the same {what}.")
    varying = [column for column in beside if np.ptp(column) > 0]
    design = np.column_stack([np.ones(n), of, *varying])
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


def _log_ratio(first: ArrayLike, second: ArrayLike) -> Floats:
    one, other = _columns(first, second)
    if (one <= 0).any() or (other <= 0).any():
        raise ValueError("lengths above 0 are wanted")
    ratio: Floats = np.log(one / other)
    return ratio


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
