"""A judge's faults in figures with intervals: for what stands first, and for what is long. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as students_t
from sklearn.linear_model import LogisticRegression

from figures.intervals import Share, group_numbers, ratio_of, share_of, too_few

Floats = NDArray[np.float64]

EDGE = 1e-6
"""Probabilities of exactly 0 and 1 have no log-odds."""

LEAST_TO_REGRESS = 50
"""Fewer decided pairs give a coefficient no interval that holds."""


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


def figure_of(share: Share) -> Figure:
    """A share or mean as a figure."""
    return Figure(share.value, share.n, share.low, share.high, share.reason)


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


def position_bias(
    p_ab: ArrayLike, p_ba: ArrayLike, prompts: Sequence[Any] | None = None
) -> PositionBias:
    """Both from each pair's `p_first` with first shown first (`p_ab`) and second (`p_ba`), (n,).

    Each pair is shown in both orders, so that its own worth cancels: the mean over the two of what
    the first-shown got is (p_ab + 1 − p_ba) / 2. Intervals are clustered by `prompts` (n,), here
    and below; without them each pair is taken for a prompt of its own.

    Source: position swapping as in Zheng et al. 2023 (arXiv 2306.05685, §3.4).
    """
    ab, ba = _columns(p_ab, p_ba)
    n = len(ab)
    if not n:
        nothing = Figure(None, 0, reason="No pair was judged in both orders.")
        return PositionBias(nothing, nothing, nothing)
    pull = ratio_of((_log_odds(ab) - _log_odds(ba)) / 2, np.ones(n), prompts)
    return PositionBias(
        figure_of(share_of((ab + 1 - ba) / 2, prompts)),
        Figure(_share(pull.value), n, _share(pull.low), _share(pull.high), pull.reason),
        figure_of(share_of((ab - 0.5) * (ba - 0.5) <= 0, prompts)),
    )


def length_bias(
    p_first: ArrayLike,
    length_first: ArrayLike,
    length_second: ArrayLike,
    human: ArrayLike,
    prompts: Sequence[Any] | None = None,
) -> Figure:
    """How much a judge's odds for the longer grow with its length, humans' choice held fixed.

    The coefficient of log(length_first / length_second) in a logistic regression of the judge's
    winner on it and on the humans' choice: 0 where length means nothing beyond what humans see in
    it; 1 where an answer twice as long has twice the odds. Its interval is of the sandwich variance
    between prompts.

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
        (p[decided] > 0.5).astype(int),
        ratio,
        [human_says[decided]],
        "ratio of lengths",
        _of(prompts, decided),
    )


def formatting_bias(
    p_first: ArrayLike,
    marks_first: ArrayLike,
    marks_second: ArrayLike,
    length_first: ArrayLike,
    length_second: ArrayLike,
    human: ArrayLike,
    prompts: Sequence[Any] | None = None,
) -> Figure:
    """How much a judge's odds grow for the more formatted, length and humans' choice held fixed.

    The coefficient of sign(marks_first − marks_second) beside the log ratio of lengths and the
    humans' choice, as `length_bias`: 0 where headings, lists, bold and tables mean nothing beyond
    what humans see in them. `marks` (n,) are counts (see `judging.measures.formatting`).
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
        _of(prompts, decided),
    )


def self_preference(
    p_own: ArrayLike, human_own: ArrayLike, prompts: Sequence[Any] | None = None
) -> Figure:
    """How much more often than humans a judge takes the answer of its own family of models.

    The mean over pairs, of which one answer is its own family's and the other is not, of the
    judge's probability for its own minus the humans' choice of it: 0 where it sees its own as
    humans do.

    Args:
        p_own: the judge's probability of its own family's answer (n,).
        human_own: 1 where humans prefer that answer, 0 the other, ½ neither (n,).

    Source: Panickssery et al. 2024, "LLM evaluators recognize and favor their own generations"
        (arXiv 2404.13076); humans' choice as what is deserved.
    """
    judge, human = _columns(p_own, human_own)
    return figure_of(
        share_of(
            judge - human,
            prompts,
            ends=(-1.0, 1.0),
            nothing="No human-labelled pair compares its own model family with another.",
        )
    )


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Pairs whose first is `low` to `high` doublings longer than their second: how often the judge
    takes the longer, and how often humans do (of those that they decided; None for none)."""

    low: float
    high: float
    n: int
    judge: float
    judge_low: float | None
    judge_high: float | None
    humans: float | None
    n_humans: int


LENGTH_EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, np.inf)


def wins_by_length(
    p_first: ArrayLike,
    length_first: ArrayLike,
    length_second: ArrayLike,
    human: ArrayLike,
    prompts: Sequence[Any] | None = None,
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
        judge = share_of(longer_won[here], _of(prompts, here))
        told = here & (human_says != 0)
        found.append(
            LengthBin(
                low,
                min(high, 4.0),
                n,
                float(longer_won[here].mean()),
                judge.low,
                judge.high,
                float(humans_took_longer[told].mean()) if told.any() else None,
                int(told.sum()),
            )
        )
    return found


def longer_wins(
    p_first: ArrayLike,
    length_first: ArrayLike,
    length_second: ArrayLike,
    prompts: Sequence[Any] | None = None,
) -> Figure:
    """The share of decided pairs of unequal length in which the longer completion wins."""
    p, first = _columns(p_first, length_first)
    _, second = _columns(p_first, length_second)
    counted = (p != 0.5) & (first != second)
    return figure_of(
        share_of(
            ((p > 0.5) == (first > second))[counted],
            _of(prompts, counted),
            nothing="No decided pair has completions of different lengths.",
        )
    )


def _coefficient(
    won: NDArray[np.int64],
    of: Floats,
    beside: list[Floats],
    what: str,
    prompts: Sequence[Any] | None,
) -> Figure:
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
    bread = np.linalg.inv(information + np.eye(design.shape[1]) / 1e3)
    place = group_numbers(range(n) if prompts is None else prompts)
    many = int(place.max()) + 1
    value = float(weights[1])
    reason = too_few(n, many)
    if n < LEAST_TO_REGRESS:
        reason = f"{n} decided pairs: no interval is given for fewer than {LEAST_TO_REGRESS}."
    if reason:
        return Figure(value, n, reason=reason)
    # Residuals are pulled towards 0 where a pair weighs much; without that the variance is short.
    leverage = np.einsum("ij,jk,ik->i", design, bread, design) * fitted * (1 - fitted)
    scores = design * ((won - fitted) / np.clip(1 - leverage, 0.1, 1))[:, None]
    by_prompt = np.zeros((many, design.shape[1]))
    np.add.at(by_prompt, place, scores)
    sandwich = bread @ (by_prompt.T @ by_prompt) @ bread
    half = students_t.ppf(0.975, many - 1) * float(np.sqrt(sandwich[1, 1] * many / (many - 1)))
    return Figure(value, n, value - half, value + half)


def _of(groups: Sequence[Any] | None, where: NDArray[np.bool_]) -> Sequence[Any] | None:
    return None if groups is None else np.asarray(groups)[where].tolist()


def _log_ratio(first: ArrayLike, second: ArrayLike) -> Floats:
    one, other = _columns(first, second)
    if (one <= 0).any() or (other <= 0).any():
        raise ValueError("lengths must be above 0")
    ratio: Floats = np.log(one / other)
    return ratio


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
