"""From option probabilities to one judgement: pure arithmetic, no database, no clock.

Throughout, `p_first` is the probability in [0, 1] that the pair's own first completion is
preferred, whatever was shown first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from annotation.queue.draws import uniform

Order = Literal["ab", "ba"]
Outcome = Literal["first", "second", "equal"]
Clamp = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """One readable verdict: its order, its `p_first`, and the weight (≥ 0) of its principle."""

    order: Order
    p_first: float
    weight: float = 1.0


def p_first_from_shown(p_shown_first: float, order: Order) -> float:
    """Turn the probability of option A, the completion shown first, to the pair's own order.

    Raises:
        ValueError: `p_shown_first` is NaN or outside [0, 1].
    """
    if not 0.0 <= p_shown_first <= 1.0:
        raise ValueError(f"the probability must be in [0, 1], got {p_shown_first}")
    return p_shown_first if order == "ab" else 1.0 - p_shown_first


def combine(readings: Sequence[Reading]) -> float | None:
    """The weighted mean over principles of the mean over both orders, in [0, 1].

    A reading in one order alone would carry the judge's position bias into the label: None unless
    every order that occurs has the same total weight, and both occur.

    Source: position swapping as in Zheng et al. 2023 (arXiv 2306.05685, §3.4); soft labels from
    option probabilities as in Bai et al. 2022 (arXiv 2212.08073, §4.1).
    """
    by_order = {order: [r for r in readings if r.order == order] for order in ("ab", "ba")}
    means = []
    weights = []
    for group in by_order.values():
        weight = math.fsum(reading.weight for reading in group)
        if weight <= 0:
            return None
        means.append(math.fsum(r.p_first * r.weight for r in group) / weight)
        weights.append(weight)
    if not math.isclose(weights[0], weights[1]):
        return None
    return math.fsum(means) / len(means)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge's readings of one pair come to. `p_first` is None where it gives no label:
    it abstains, or nothing could be read (`abstains` False). `consistent` says whether both orders
    name the same winner; None where one order alone was asked."""

    p_first: float | None
    abstains: bool = False
    consistent: bool | None = None


def judged(
    readings: Sequence[Reading], *, both_orders: bool = True, contradiction: float = 1.0
) -> Judged:
    """One probability of a pair's readings, or none.

    With `both_orders`, as `combine`; a judge abstains where the orders name different winners and
    their means are more than `contradiction` apart. Else the weighted mean of what there is: the
    order was drawn for each pair, so that a pull towards a position is spread over the set, and
    stays in each label.
    """
    if not both_orders:
        weight = math.fsum(reading.weight for reading in readings)
        if weight <= 0:
            return Judged(None)
        return Judged(math.fsum(r.p_first * r.weight for r in readings) / weight)
    p_first = combine(readings)
    if p_first is None:
        return Judged(None)
    p_ab, p_ba = (mean_in_order(readings, order) for order in ("ab", "ba"))
    consistent = (p_ab - 0.5) * (p_ba - 0.5) > 0
    differ = (p_ab - 0.5) * (p_ba - 0.5) < 0
    if differ and abs(p_ab - p_ba) > contradiction:
        return Judged(None, abstains=True, consistent=False)
    return Judged(p_first, consistent=consistent)


def mean_in_order(readings: Sequence[Reading], order: Order) -> float:
    """The weighted mean of the readings in one order, of which there must be one at least."""
    group = [reading for reading in readings if reading.order == order]
    weight = math.fsum(reading.weight for reading in group)
    return math.fsum(reading.p_first * reading.weight for reading in group) / weight


def clamped(p_first: float, bounds: Clamp | None) -> float:
    """`p_first` kept within the bounds, which hold one half; None: as it is.

    Source: Bai et al. 2022 (arXiv 2212.08073, §4.1): labels made with reasoning are clamped to 40
        to 60 percent, because reasoning makes a model nearly certain of whatever it says.
    """
    return p_first if bounds is None else min(bounds[1], max(bounds[0], p_first))


def drawn(weights: Sequence[float], count: int, *key: str | int) -> list[int]:
    """The places of `count` principles, drawn without replacement by weight (each ≥ 0, one above
    0), in ascending order; always the same for one key.

    Source: Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir", Information
        Processing Letters 97, 181-185: the largest of u^(1/w), here as their logarithms.
    """
    draws = {
        place: math.log1p(-uniform(*key, place)) / weight
        for place, weight in enumerate(weights)
        if weight > 0
    }
    return sorted(sorted(draws, key=draws.__getitem__, reverse=True)[:count])


def outcome(p_first: float, *, tie_band: float) -> Outcome:
    """first, second, or equal when `p_first` lies within `tie_band` (0 to ½) of one half."""
    if abs(p_first - 0.5) <= tie_band:
        return "equal"
    return "first" if p_first > 0.5 else "second"
