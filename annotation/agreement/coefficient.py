"""A figure with its interval, and the one form of interval that all of them have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as students_t

from figures.intervals import SPREAD_WEIGHT, Z, wilson
from figures.intervals import too_few as too_few_units

__all__ = [
    "LEAST_PAIRS",
    "ONE_CATEGORY",
    "ONE_SIDED",
    "Coefficient",
    "Counts",
    "Floats",
    "Linear",
    "as_counts",
    "beyond_chance",
    "bounds",
    "too_few",
    "wilson",
]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

ONE_CATEGORY = "Only one category was used, so agreement by chance is certain."
ONE_SIDED = (
    "One of the two used a single category, which makes κ 0 whatever the other chose; the interval "
    "is Wilson's of the observed agreement."
)

LEAST_PAIRS = 10
"""With fewer units no interval of a κ is given."""
LEAST_BY_CHANCE = 5.0
"""Nor where raters who guess would differ on fewer units than these: beside a choice that nearly
everybody makes, few units tell nothing of the others."""

OWN_WEIGHT = 2.0
"""So many units speak for a variance that is that of the observed agreement alone."""
UNSEEN_WEIGHT = 0.1
"""So much of each kind of unit that may not have been seen joins the data: of two like judgements
in each category, as a rare choice might have been agreed upon; on a scale also of two from its
ends, as raters might have been as far apart."""
LEAST_FREEDOM = 8.0
"""Degrees of freedom where few units make up the variance."""


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


class Linear(NamedTuple):
    """What a coefficient (observed − expected) / (1 − expected) rests on, for each of any number of
    data sets (…): its two parts; which kinds of units there are, `often` (…, u) each; how far each
    kind agrees, 0 to 1, and how far it moves the coefficient, on the scale of the observed
    agreement and up to a constant, `moves` (…, u); and how far kinds would that may not have been
    seen, `unseen` (…, s), NaN for those of categories that nobody used."""

    observed: Floats
    expected: Floats
    often: Floats
    agreed: Floats
    moves: Floats
    unseen: Floats


def bounds(of: Linear) -> tuple[Floats, Floats]:
    """The 95 % interval of a chance-corrected coefficient: two arrays (…), within [-1, 1].

    Wilson's interval of the observed agreement, for as many units as those at hand are worth: their
    number over how much larger (or smaller) the variance of the coefficient is, linearised over
    units, than that of a share of independent zeros and ones. Agreement by chance is then taken off
    as it was seen. Where few units make up the variance it is pulled towards that of the agreement
    alone, and the quantile is Student's. Without any disagreement, and where nothing can move the
    coefficient, it is Wilson's interval as it is.

    Source: effective sample size with Wilson's interval as in `figures.intervals.share_bounds`;
    linearised variances as in Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition,
    chapter 5, which for two raters is that of Fleiss, Cohen and Everitt (1969).
    """
    n = of.often.sum(axis=-1)
    units = np.maximum(n, 2)
    mean = (of.often * of.moves).sum(axis=-1) / units
    apart = of.moves - mean[..., None]
    unseen = np.nan_to_num(of.unseen - mean[..., None])
    squares = (of.often * apart**2).sum(axis=-1) + UNSEEN_WEIGHT * (unseen**2).sum(axis=-1)
    fourths = (of.often * apart**4).sum(axis=-1) + UNSEEN_WEIGHT * (unseen**4).sum(axis=-1)
    at_most = of.observed * (1 - of.observed)
    live = (squares > 1e-9) & (at_most > 1e-9)
    at_most, fourths = np.where(live, at_most, 1), np.where(live, fourths, 1)
    effect = squares / (units - 1) / at_most
    behind = squares**2 / fourths
    within = (of.often * (of.agreed - of.observed[..., None]) ** 2).sum(axis=-1)
    own = (within / at_most + SPREAD_WEIGHT) / (units + SPREAD_WEIGHT)
    effect = (behind * effect + OWN_WEIGHT * np.clip(own, 0, 1)) / (behind + OWN_WEIGHT)
    freedom = np.clip(behind - 1, np.minimum(LEAST_FREEDOM, units - 1), units - 1)
    quantile = np.where(live, students_t.ppf(0.975, freedom), Z)
    worth = units / np.where(live, effect, 1)
    low, high = wilson(np.clip(of.observed, 0, 1), worth, quantile)
    return (
        np.clip(beyond_chance(low, of.expected), -1, 1),
        np.clip(beyond_chance(high, of.expected), -1, 1),
    )


def too_few(n: int, expected: float, least: int = LEAST_PAIRS) -> str:
    """Why `n` pairs with this agreement by chance have no interval; empty where they have one."""
    if reason := too_few_units(n, n, least=least):
        return reason
    differ = n * (1 - expected)
    if differ < LEAST_BY_CHANCE:
        return (
            f"Raters who guess would differ on {differ:.1f} of these {n} pairs: no interval is "
            f"given for fewer than {LEAST_BY_CHANCE:g}."
        )
    return ""


def as_counts(values: ArrayLike, dimensions: int) -> Counts:
    """Whole numbers not below 0. ValueError for anything else."""
    counts = np.asarray(values, dtype=np.int64)
    if counts.ndim != dimensions:
        raise ValueError(f"Counts have {counts.ndim} dimensions; {dimensions} are needed.")
    if (counts < 0).any():
        raise ValueError("Counts must not be negative.")
    return counts
