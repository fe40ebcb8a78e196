"""Who labels what within a budget, and how right the labels will then be: pure functions.

The judge is taken at its word: of a pair to which it gives p, it is right with max(p, 1 − p), which
is true as far as it is calibrated. Humans label first where it is least sure.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LARGEST = 1e9
"""No budget, wage or time of a label is larger where people enter one."""

POINTS = 50
"""So many points draw the curve."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What a label takes. Money is in one currency for both; hours are of raters alone."""

    human_cost: float
    human_hours: float
    judge_cost: float


@dataclass(frozen=True, slots=True)
class Split:
    """`human` pairs go to raters, the least sure first, `judge` pairs are left to the judge.

    `accuracy` is to be expected over all of them, in [0, 1]; `below` is the greatest sureness of
    the judge on a pair that humans take, None where they take none.
    """

    human: int
    judge: int
    cost: float
    hours: float
    accuracy: float
    below: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with the budget, `chosen`; what else could be done, `curve`; and the two ends."""

    pairs: int
    human_accuracy: float
    chosen: Split
    judge_only: Split
    human_only: Split
    curve: list[Split]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(
    p_first: ArrayLike,
    *,
    human_accuracy: float,
    prices: Prices,
    money: float | None = None,
    hours: float | None = None,
) -> Plan:
    """Share pairs between raters and judge within a budget of money, of raters' hours, or both.

    Humans take the pairs on which the judge is least sure, as long as they are expected to be more
    right than it and the budget lasts.

    Args:
        p_first: the judge's probabilities (n,), best those of a calibrated judge.
        human_accuracy: how often one rater's label is right, in [0, 1].

    Raises ValueError for probabilities outside [0, 1], prices or budgets below 0, no budget.

    Source: Chow 1970, "On optimum recognition error and reject tradeoff", IEEE Transactions on
        Information Theory 16, 41-46: what a classifier is least sure of is rejected to humans.
    """
    p = np.asarray(p_first, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("probabilities must be a column of values in [0, 1]")
    if not 0 <= human_accuracy <= 1:
        raise ValueError(f"the accuracy of humans is {human_accuracy}; it must be in [0, 1]")
    if min(prices.human_cost, prices.human_hours, prices.judge_cost) < 0:
        raise ValueError("prices must be 0 or more")
    if money is None and hours is None:
        raise ValueError("give a budget in money, in hours, or both")
    if (money or 0) < 0 or (hours or 0) < 0:
        raise ValueError("the budget must be 0 or more")
    sure = np.sort(np.maximum(p, 1 - p))
    n = len(sure)
    dearest = n * (prices.human_cost + prices.judge_cost)
    if not all(map(isfinite, (dearest, n * prices.human_hours, money or 0, hours or 0))):
        raise ValueError("the budget, the wage or the time is too large")
    useful = int((sure < human_accuracy).sum())
    most = useful
    if money is not None:
        most = min(most, _affordable(money, n, prices))
    if hours is not None and prices.human_hours > 0:
        most = int(min(most, hours / prices.human_hours))
    at = sorted({*np.linspace(0, n, min(POINTS, n) + 1).astype(int).tolist(), most, useful})
    splits = {count: _split(sure, count, human_accuracy, prices) for count in {*at, 0, n, most}}
    return Plan(
        pairs=n,
        human_accuracy=human_accuracy,
        chosen=splits[most],
        judge_only=splits[0],
        human_only=splits[n],
        curve=[splits[count] for count in at],
    )


def _affordable(money: float, n: int, prices: Prices) -> int:
    """The most pairs that humans can take when the judge takes the rest."""
    left = money - n * prices.judge_cost
    more = prices.human_cost - prices.judge_cost
    if left < 0:
        return 0
    return n if more <= 0 else int(min(n, left / more + 1e-9))


def _split(sure: Floats, human: int, human_accuracy: float, prices: Prices) -> Split:
    n = len(sure)
    right = human * human_accuracy + float(sure[human:].sum())
    return Split(
        human=human,
        judge=n - human,
        cost=human * prices.human_cost + (n - human) * prices.judge_cost,
        hours=human * prices.human_hours,
        accuracy=right / n if n else 0.0,
        below=float(sure[human - 1]) if human else None,
    )
