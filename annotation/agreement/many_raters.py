"""Any number of raters, who need not be the same for every unit.

Each function takes `counts` (units, k), how many raters put unit u into category j, and `often`
(units,), how many units have that very row: a large project has many pairs and few patterns. Units
with fewer than two judgements tell nothing of agreement; they are left out, and `n` counts the
others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from annotation.agreement.coefficient import (
    ONE_CATEGORY,
    Coefficient,
    Counts,
    Floats,
    Z,
    as_counts,
    beyond_chance,
    wilson,
)

Level = Literal["nominal", "ordinal", "interval"]

REPLICATES = 1000
CELLS_AT_ONCE = 2_000_000
"""Bounds the memory of the bootstrap: replicates × patterns drawn in one go."""

DEFINED_SHARE = 0.95
"""A bootstrap interval is given only when at least this share of the replicates is defined."""


def fleiss_kappa(
    counts: ArrayLike,
    *,
    rng: np.random.Generator,
    often: ArrayLike | None = None,
    replicates: int = REPLICATES,
) -> Coefficient:
    """Fleiss' κ.

    With unequal numbers of judgements a unit counts as one unit, by its share of agreeing pairs of
    raters and its shares of categories; with equal numbers this is Fleiss' own coefficient. The
    interval is a percentile bootstrap over units, drawn from `rng`.

    Source: Fleiss (1971), Psychological Bulletin 76, 378-382; unequal numbers: Gwet (2014),
    Handbook of Inter-Rater Reliability, 4th edition, chapter 2; bootstrap over units: Zapf,
    Castell, Morawietz and Karch (2016), BMC Medical Research Methodology 16:93.
    """
    units, many = _judged_twice(counts, often)
    return _with_bootstrap(units, many, fleiss_of, rng, replicates)


def krippendorff_alpha(
    counts: ArrayLike,
    *,
    rng: np.random.Generator,
    often: ArrayLike | None = None,
    level: Level = "nominal",
    replicates: int = REPLICATES,
) -> Coefficient:
    """Krippendorff's α with missing judgements; see `alpha_of` for the levels.

    The interval is a percentile bootstrap over units, drawn from `rng`.

    Source: Krippendorff (2011), Computing Krippendorff's alpha-reliability; Hayes and Krippendorff
    (2007), Communication Methods and Measures 1, 77-89; bootstrap as in `fleiss_kappa`.
    """
    units, many = _judged_twice(counts, often)

    def alpha(patterns: Counts, weights: Floats) -> Floats:
        return alpha_of(patterns, weights, level)

    return _with_bootstrap(units, many, alpha, rng, replicates)


def gwet_ac1(counts: ArrayLike, *, often: ArrayLike | None = None) -> Coefficient:
    """Gwet's AC1, k > 1 being the number of categories offered.

    Shares of categories are of the units with two judgements or more, as the others are not read.
    The interval is AC1 ± 1.96 standard errors of its linearised variance over units, clipped to
    [-1, 1]; without any disagreement its lower end follows from Wilson's bound.

    Source: Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48;
    variance with unequal numbers of judgements: Gwet (2014), Handbook of Inter-Rater Reliability,
    4th edition, chapter 5.
    """
    units, many = _judged_twice(counts, often)
    n = int(many.sum())
    if undefined := _undefined(units, n):
        return undefined
    k, weight = units.shape[1], many / n
    judgements = units.sum(axis=1)
    agreed = _agreeing(units)
    shares = units / judgements[:, None]
    share = weight @ shares
    expected = float((share * (1 - share)).sum() / (k - 1))
    observed = float(weight @ agreed)
    value = (observed - expected) / (1 - expected)
    # Of the units, not of their mean: weights add to one only up to rounding.
    if (agreed == 1.0).all():
        return Coefficient(1.0, n, _low_when_perfect(n, expected), 1.0)
    by_chance = shares @ (1 - share) / (k - 1)
    each = (agreed - expected - 2 * (1 - value) * (by_chance - expected)) / (1 - expected)
    error = Z * float(np.sqrt(weight @ (each - value) ** 2 / (n - 1)))
    return Coefficient(value, n, max(-1.0, value - error), min(1.0, value + error))


def raw_agreement(counts: ArrayLike, *, often: ArrayLike | None = None) -> Coefficient:
    """The mean share of agreeing pairs of raters, each unit counted once; chance plays no part.

    The interval is Wilson's: exact in kind where all units have two judgements, and wider than
    need be where they have more.
    """
    units, many = _judged_twice(counts, often)
    n = int(many.sum())
    if n < 2:
        return _too_few(n)
    share = float(many @ _agreeing(units) / n)
    low, high = wilson(share, n)
    return Coefficient(share, n, float(low), float(high))


def fleiss_of(units: Counts, weights: Floats) -> Floats:
    """Fleiss' κ (r,) of units (u, k) under each row of weights (r, u); NaN where undefined."""
    judgements = units.sum(axis=1)
    total = weights.sum(axis=1)
    observed = weights @ _agreeing(units) / total
    shares = weights @ (units / judgements[:, None]) / total[:, None]
    return beyond_chance(observed, (shares**2).sum(axis=1))


def alpha_of(units: Counts, weights: Floats, level: Level = "nominal") -> Floats:
    """Krippendorff's α (r,) of units (u, k) under each row of weights (r, u); NaN if undefined.

    Two categories are apart by 1 (nominal), by the number of judgements between the middles of
    the two (ordinal), or by the difference of their places 0 to k-1 (interval), squared.

    Source: Krippendorff (2011), sections C and D.
    """
    k = units.shape[1]
    judgements = units.sum(axis=1)
    met = units[:, :, None] * units[:, None, :] - units[:, :, None] * np.eye(k, dtype=np.int64)
    coincidences = (weights @ (met / (judgements - 1)[:, None, None]).reshape(-1, k * k)).reshape(
        -1, k, k
    )
    margin = weights @ units.astype(np.float64)
    apart: Floats
    if level == "nominal":
        apart = np.broadcast_to(1 - np.eye(k), coincidences.shape)
    else:
        middle = np.cumsum(margin, axis=1) - margin / 2
        place = middle if level == "ordinal" else np.broadcast_to(np.arange(k), margin.shape)
        apart = (place[:, :, None] - place[:, None, :]) ** 2
    seen = (coincidences * apart).sum(axis=(1, 2))
    by_chance = np.einsum("ri,rij,rj->r", margin, apart, margin) / (margin.sum(axis=1) - 1)
    out = np.full(len(seen), np.nan)
    share: Floats = np.divide(seen, by_chance, out=out, where=by_chance > 1e-12)
    return 1 - share


def _agreeing(units: Counts) -> Floats:
    """The share of agreeing pairs of raters in each unit (u,)."""
    judgements = units.sum(axis=1)
    shares: Floats = (units * (units - 1)).sum(axis=1) / (judgements * (judgements - 1))
    return shares


def _with_bootstrap(
    units: Counts,
    often: Counts,
    coefficient: Callable[[Counts, Floats], Floats],
    rng: np.random.Generator,
    replicates: int,
) -> Coefficient:
    n = int(often.sum())
    if undefined := _undefined(units, n):
        return undefined
    value = float(coefficient(units, often[None].astype(np.float64))[0])
    if np.count_nonzero(units) == len(units):
        # All units are unanimous, hence every replicate too: the bootstrap would claim certainty.
        shares = often @ units / (often @ units).sum()
        return Coefficient(value, n, _low_when_perfect(n, float(shares @ shares)), 1.0)
    drawn = _replicates(units, often, coefficient, rng, replicates)
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < DEFINED_SHARE * len(drawn):
        return Coefficient(value, n, reason=f"{n} units are too few or too alike for an interval.")
    low, high = np.quantile(defined, [0.025, 0.975])
    return Coefficient(value, n, float(min(low, value)), float(max(high, value)))


def _replicates(
    patterns: Counts,
    often: Counts,
    coefficient: Callable[[Counts, Floats], Floats],
    rng: np.random.Generator,
    replicates: int,
) -> Floats:
    """The coefficient of `replicates` samples of the units with replacement.

    Units with the same counts are interchangeable, so that one multinomial draw over the distinct
    patterns does for each replicate: few patterns, however many units.
    """
    n = int(often.sum())
    at_once = max(1, CELLS_AT_ONCE // len(patterns))
    parts: list[Floats] = []
    for start in range(0, replicates, at_once):
        size = min(at_once, replicates - start)
        weights = rng.multinomial(n, often / n, size=size)
        parts.append(coefficient(patterns, weights.astype(np.float64)))
    return np.concatenate(parts)


def _low_when_perfect(n: int, expected: float) -> float:
    """The lower end for n units without one disagreement, `expected` agreeing by chance."""
    return float(beyond_chance(wilson(1.0, n)[0], np.asarray(expected)))


def _judged_twice(counts: ArrayLike, often: ArrayLike | None) -> tuple[Counts, Counts]:
    """The distinct patterns (u, k) with two judgements or more, in order, and how often each."""
    units = as_counts(counts, 2)
    many = np.ones(len(units), dtype=np.int64) if often is None else as_counts(often, 1)
    if len(many) != len(units):
        raise ValueError(f"There are {len(units)} patterns and {len(many)} numbers of units.")
    kept = (units.sum(axis=1) >= 2) & (many > 0)
    patterns, place = np.unique(units[kept], axis=0, return_inverse=True)
    together = np.zeros(len(patterns), dtype=np.int64)
    np.add.at(together, place.ravel(), many[kept])
    return patterns, together


def _undefined(units: Counts, n: int) -> Coefficient | None:
    if n < 2:
        return _too_few(n)
    if np.count_nonzero(units.sum(axis=0)) == 1:
        return Coefficient(None, n, reason=ONE_CATEGORY)
    return None


def _too_few(n: int) -> Coefficient:
    return Coefficient(None, n, reason=f"{n} units have two or more judgements; two are needed.")
