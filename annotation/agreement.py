"""How far raters agree beyond chance: Cohen's κ, Fleiss' κ and Krippendorff's α, nominal.

Pure functions of counts. Every coefficient comes with the number of units behind it and a 95 %
interval; where it is not defined it is None with a reason, never 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import krippendorff
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import cohen_kappa_score

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution: all intervals are of 95 %."""

REPLICATES = 1000
CELLS_AT_ONCE = 2_000_000
"""Bounds the memory of the bootstrap: replicates × patterns drawn in one go."""

DEFINED_SHARE = 0.95
"""A bootstrap interval is given only when at least this share of the replicates is defined."""

ONE_CATEGORY = "Only one category was used, so agreement by chance is certain."
ONE_SIDED = "One of the two used a single category, which makes κ 0 whatever the other chose."


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A figure in [-1, 1], the number `n` of units behind it, and its 95 % interval.

    `value` is None where the figure is undefined; `low` and `high` are None where no honest
    interval can be given. `reason` says why, and is empty when nothing is missing.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, float | int | str | None]:
        """{value, n, low, high}, and `reason` when one of them is missing."""
        figures: dict[str, float | int | str | None] = {
            "value": self.value,
            "n": self.n,
            "low": self.low,
            "high": self.high,
        }
        return figures | ({"reason": self.reason} if self.reason else {})


def cohen_kappa(table: ArrayLike) -> Coefficient:
    """Cohen's κ of two raters from their contingency table.

    `table` (k, k): how often rater A chose row i while rater B chose column j. The interval is
    κ ± 1.96 standard errors, clipped to [-1, 1]; with perfect agreement, where that standard error
    is 0 however few the pairs, the lower end follows from Wilson's bound on the observed agreement.

    Raises ValueError for a table that is not square or holds a negative count.

    Source: Cohen (1960), Educational and Psychological Measurement 20, 37-46; standard error:
    Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72, 323-327, equation 13; Wilson
    (1927), Journal of the American Statistical Association 22, 209-212.
    """
    cells = _counts(table)
    if cells.shape[0] != cells.shape[1]:
        raise ValueError(f"The table has shape {cells.shape}; it must be square.")
    n = int(cells.sum())
    if n < 2:
        return Coefficient(None, n, reason=f"{n} units were judged by both; κ needs two or more.")
    p = cells / n
    observed, expected = float(np.trace(p)), float(p.sum(axis=1) @ p.sum(axis=0))
    if np.count_nonzero(p.sum(axis=1) + p.sum(axis=0)) == 1:
        return Coefficient(None, n, reason=ONE_CATEGORY)
    rows, columns = (index.ravel() for index in np.indices(cells.shape))
    value = float(cohen_kappa_score(rows, columns, sample_weight=cells.ravel()))
    if min(np.count_nonzero(p.sum(axis=1)), np.count_nonzero(p.sum(axis=0))) == 1:
        return Coefficient(value, n, reason=ONE_SIDED)
    if np.trace(cells) == n:
        return Coefficient(value, n, _low_when_perfect(n, expected), 1.0)
    error = Z * cohen_standard_error(p, n, observed=observed, expected=expected)
    return Coefficient(value, n, max(-1.0, value - error), min(1.0, value + error))


def cohen_standard_error(p: Floats, n: int, *, observed: float, expected: float) -> float:
    """The large-sample standard error of Cohen's κ.

    `p` (k, k) are the table's proportions over `n` units, `observed` and `expected` the agreement
    seen and by chance, `expected` < 1.

    Source: Fleiss, Cohen and Everitt (1969), equation 13.
    """
    row, column = p.sum(axis=1), p.sum(axis=0)
    agreeing = np.diag(p) * ((1 - expected) - (row + column) * (1 - observed)) ** 2
    # Cell (i, j) is weighted by column margin i plus row margin j: the crossed margins.
    crossed = p * (column[:, None] + row[None, :]) ** 2
    apart = (1 - observed) ** 2 * (crossed.sum() - np.trace(crossed))
    centre = (observed * expected - 2 * expected + observed) ** 2
    variance = max(0.0, float(agreeing.sum() + apart - centre))
    return float(np.sqrt(variance / n) / (1 - expected) ** 2)


def fleiss_kappa(
    counts: ArrayLike, *, rng: np.random.Generator, replicates: int = REPLICATES
) -> Coefficient:
    """Fleiss' κ of many raters, who need not be the same for every unit.

    `counts` (units, k): how many raters put unit u into category j. Units with fewer than two
    judgements are left out, and `n` counts the others. With unequal numbers of judgements a unit
    counts as one unit, by its share of agreeing pairs of raters and its shares of categories;
    with equal numbers this is Fleiss' own coefficient. The interval is a percentile bootstrap
    over units, drawn from `rng`.

    Source: Fleiss (1971), Psychological Bulletin 76, 378-382; unequal numbers: Gwet (2014),
    Handbook of Inter-Rater Reliability, 4th edition, chapter 2; bootstrap over units: Zapf,
    Castell, Morawietz and Karch (2016), BMC Medical Research Methodology 16:93.
    """
    units = _judged_twice(counts)
    return _with_bootstrap(
        units, fleiss_of, lambda u: float(fleiss_of(u, _once(u))[0]), rng, replicates
    )


def krippendorff_alpha(
    counts: ArrayLike, *, rng: np.random.Generator, replicates: int = REPLICATES
) -> Coefficient:
    """Krippendorff's α for nominal data, any number of raters, with missing judgements.

    `counts` (units, k) and `n` as in `fleiss_kappa`. The interval is a percentile bootstrap over
    units, drawn from `rng`.

    Source: Krippendorff (2011), Computing Krippendorff's alpha-reliability; Hayes and Krippendorff
    (2007), Communication Methods and Measures 1, 77-89; bootstrap as in `fleiss_kappa`.
    """
    units = _judged_twice(counts)

    def value(counted: Counts) -> float:
        return float(krippendorff.alpha(value_counts=counted, level_of_measurement="nominal"))

    return _with_bootstrap(units, alpha_of, value, rng, replicates)


def fleiss_of(units: Counts, weights: Floats) -> Floats:
    """Fleiss' κ (r,) of units (u, k) under each row of weights (r, u); NaN where undefined."""
    judgements = units.sum(axis=1)
    agreeing = (units * (units - 1)).sum(axis=1) / (judgements * (judgements - 1))
    total = weights.sum(axis=1)
    observed = weights @ agreeing / total
    shares = weights @ (units / judgements[:, None]) / total[:, None]
    expected = (shares**2).sum(axis=1)
    return _ratio(observed - expected, 1 - expected)


def alpha_of(units: Counts, weights: Floats) -> Floats:
    """Krippendorff's α (r,) of units (u, k) under each row of weights (r, u); NaN if undefined."""
    judgements = units.sum(axis=1)
    apart = (judgements**2 - (units**2).sum(axis=1)) / (judgements - 1)
    total = weights @ judgements
    by_category = weights @ units.astype(np.float64)
    expected = (total**2 - (by_category**2).sum(axis=1)) / (total - 1)
    return 1 - _ratio(weights @ apart, expected)


def _with_bootstrap(
    units: Counts,
    coefficient: Callable[[Counts, Floats], Floats],
    value_of: Callable[[Counts], float],
    rng: np.random.Generator,
    replicates: int,
) -> Coefficient:
    n = len(units)
    if n < 2:
        return Coefficient(
            None, n, reason=f"{n} units have two or more judgements; two are needed."
        )
    if np.count_nonzero(units.sum(axis=0)) == 1:
        return Coefficient(None, n, reason=ONE_CATEGORY)
    value = value_of(units)
    if np.count_nonzero(units) == n:
        # All units are unanimous, hence every replicate too: the bootstrap would claim certainty.
        shares = units.sum(axis=0) / units.sum()
        return Coefficient(value, n, _low_when_perfect(n, float(shares @ shares)), 1.0)
    drawn = _replicates(units, coefficient, rng, replicates)
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < DEFINED_SHARE * len(drawn):
        return Coefficient(value, n, reason=f"{n} units are too few or too alike for an interval.")
    low, high = np.quantile(defined, [0.025, 0.975])
    return Coefficient(value, n, float(min(low, value)), float(max(high, value)))


def _replicates(
    units: Counts,
    coefficient: Callable[[Counts, Floats], Floats],
    rng: np.random.Generator,
    replicates: int,
) -> Floats:
    """The coefficient of `replicates` samples of the units with replacement.

    Units with the same counts are interchangeable, so that one multinomial draw over the distinct
    patterns does for each replicate: few patterns, however many units.
    """
    patterns, often = np.unique(units, axis=0, return_counts=True)
    at_once = max(1, CELLS_AT_ONCE // len(patterns))
    parts: list[Floats] = []
    for start in range(0, replicates, at_once):
        size = min(at_once, replicates - start)
        weights = rng.multinomial(len(units), often / len(units), size=size)
        parts.append(coefficient(patterns, weights.astype(np.float64)))
    return np.concatenate(parts)


def _low_when_perfect(n: int, expected: float) -> float:
    """The lower end for n units without one disagreement, `expected` agreeing by chance."""
    observed_at_least = n / (n + Z**2)
    return max(-1.0, (observed_at_least - expected) / (1 - expected))


def _counts(values: ArrayLike) -> Counts:
    counts = np.asarray(values, dtype=np.int64)
    if counts.ndim != 2:
        raise ValueError(f"Counts have {counts.ndim} dimensions; they must have two.")
    if (counts < 0).any():
        raise ValueError("Counts must not be negative.")
    return counts


def _judged_twice(values: ArrayLike) -> Counts:
    counts = _counts(values)
    judged_twice: Counts = counts[counts.sum(axis=1) >= 2]
    return judged_twice


def _once(units: Counts) -> Floats:
    return np.ones((1, len(units)))


def _ratio(above: Floats, below: Floats) -> Floats:
    """above / below, NaN where nothing is below: a replicate of one category only."""
    result = np.full_like(above, np.nan)
    return np.divide(above, below, out=result, where=below > 1e-12)
