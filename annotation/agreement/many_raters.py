"""Any number of raters, who need not be the same for every unit.

Each function takes `counts` (units, k), how many raters put unit u into category j, and `often`
(units,), how many units have that very row: a large project has many pairs and few patterns. Units
with fewer than two judgements tell nothing of agreement; they are left out, and `n` counts the
others.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from annotation.agreement.coefficient import (
    LEAST_PAIRS,
    ONE_CATEGORY,
    Coefficient,
    Counts,
    Floats,
    Linear,
    as_counts,
    beyond_chance,
    bounds,
    too_few,
)
from figures.intervals import LEAST_UNITS, share_bounds, totals, wilson
from figures.intervals import too_few as too_few_for_a_share

Level = Literal["nominal", "ordinal", "interval"]


def fleiss_kappa(counts: ArrayLike, *, often: ArrayLike | None = None) -> Coefficient:
    """Fleiss' κ.

    With unequal numbers of judgements a unit counts as one unit, by its share of agreeing pairs of
    raters and its shares of categories; with equal numbers this is Fleiss' own coefficient. The
    interval is that of `coefficient.bounds`.

    Source: Fleiss (1971), Psychological Bulletin 76, 378-382; unequal numbers, and the linearised
    variance: Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition, chapters 2 and 5.
    """
    units, many = _judged_twice(counts, often)
    if undefined := _undefined(units, int(many.sum())):
        return undefined
    weight = many / many.sum()
    share = weight @ (units / units.sum(axis=1)[:, None])
    return _shares_of_units(units, many, float(share @ share), 2 * share)


def krippendorff_alpha(
    counts: ArrayLike, *, often: ArrayLike | None = None, level: Level = "nominal"
) -> Coefficient:
    """Krippendorff's α with missing judgements.

    Two categories are apart by 1 (nominal), by the number of judgements between the middles of
    the two (ordinal), or by the difference of their places 0 to k-1 (interval), squared.

    The interval is that of `coefficient.bounds`, with α's own derivative over units.

    Source: Krippendorff (2011), Computing Krippendorff's alpha-reliability; Hayes and Krippendorff
    (2007), Communication Methods and Measures 1, 77-89.
    """
    units, many = _judged_twice(counts, often)
    n = int(many.sum())
    if undefined := _undefined(units, n):
        return undefined
    return _with_bounds(_alpha_linear(units, many, level), n)


def gwet_ac1(counts: ArrayLike, *, often: ArrayLike | None = None) -> Coefficient:
    """Gwet's AC1, k > 1 being the number of categories offered.

    Shares of categories are of the units with two judgements or more, as the others are not read.
    The interval is that of `coefficient.bounds`.

    Source: Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48;
    variance with unequal numbers of judgements: Gwet (2014), Handbook of Inter-Rater Reliability,
    4th edition, chapter 5.
    """
    units, many = _judged_twice(counts, often)
    if undefined := _undefined(units, int(many.sum())):
        return undefined
    k, weight = units.shape[1], many / many.sum()
    share = weight @ (units / units.sum(axis=1)[:, None])
    expected = float((share * (1 - share)).sum() / (k - 1))
    slope = (1 - 2 * share) / (k - 1)
    return _shares_of_units(units, many, expected, slope, least=LEAST_UNITS)


def raw_agreement(counts: ArrayLike, *, often: ArrayLike | None = None) -> Coefficient:
    """The mean share of agreeing pairs of raters, each unit counted once; chance plays no part.

    The interval is that of a mean of values from 0 to 1 (`figures.intervals.share_bounds`), and
    Wilson's where units agree wholly or not at all, as those of two judgements do.
    """
    units, many = _judged_twice(counts, often)
    n = int(many.sum())
    if n < 2:
        return _too_few(n)
    agreed = _agreeing(units)
    share = float(many @ agreed / n)
    if reason := too_few_for_a_share(n, n):
        return Coefficient(share, n, reason=reason)
    whole = bool(np.isin(agreed, (0.0, 1.0)).all())
    low, high = wilson(share, n) if whole else share_bounds(totals(np.repeat(agreed, many)))
    return Coefficient(share, n, min(float(low), share), max(float(high), share))


def _agreeing(units: Counts) -> Floats:
    """The share of agreeing pairs of raters in each unit (u,)."""
    judgements = units.sum(axis=1)
    shares: Floats = (units * (units - 1)).sum(axis=1) / (judgements * (judgements - 1))
    return shares


def _met(units: Counts) -> Floats:
    """How often two categories meet in each unit (u, k, k), each judgement counted once."""
    same = units[:, :, None] * np.eye(units.shape[1], dtype=np.int64)
    found: Floats = (units[:, :, None] * units[:, None, :] - same) / (
        units.sum(axis=1) - 1
    ).reshape(-1, 1, 1)
    return found


def _shares_of_units(
    units: Counts, often: Counts, expected: float, slope: Floats, *, least: int = LEAST_PAIRS
) -> Coefficient:
    """A coefficient in which units count alike, and agreement by chance moves by `slope` (k,) with
    the shares of the categories."""
    n, agreed = int(often.sum()), _agreeing(units)
    observed = float(often @ agreed / n)
    lost = (1 - observed) / (1 - expected)
    shares = units / units.sum(axis=1)[:, None]
    used = often @ units > 0
    # Two judgements are not a unit where units have more.
    part = 2 * n / float(often @ units.sum(axis=1))
    moves = agreed - lost * (shares @ slope)
    mean = float(often @ moves / n)
    unseen = mean + part * (1 - lost * slope - mean)
    return _with_bounds(
        Linear(
            np.asarray(observed),
            np.asarray(expected),
            often.astype(np.float64),
            agreed,
            moves,
            np.where(used, unseen, np.nan),
        ),
        n,
        least,
    )


def _alpha_linear(units: Counts, often: Counts, level: Level) -> Linear:
    """What α rests on: 1 - α is A / B, A the mean distance of judgements that met and B that of any
    two, both as shares of the largest distance there is."""
    k, judgements = units.shape[1], units.sum(axis=1)
    met, margin = _met(units), often @ units
    total, n = float(margin.sum()), int(often.sum())
    coincidences = np.einsum("u,uij->ij", often, met)
    # The middle of each category as a linear function of the margin, and how far they are apart.
    to_middle = np.tril(np.ones((k, k))) - np.eye(k) / 2
    place = to_middle @ margin if level == "ordinal" else np.arange(k, dtype=np.float64)
    between = place[:, None] - place[None, :]
    apart = 1 - np.eye(k) if level == "nominal" else between**2
    used = margin > 0
    furthest = float(apart[np.ix_(used, used)].max())
    seen = float((coincidences * apart).sum())
    by_chance = float(margin @ apart @ margin)

    def through_places(weights: Floats) -> Floats:
        """How far each category's margin moves Σ weights · apart by moving the places (k,)."""
        if level != "ordinal":
            return np.zeros(k)
        moved: Floats = 4 * (weights * between).sum(axis=1) @ to_middle
        return moved

    of_seen = through_places(coincidences)
    of_chance = 2 * apart @ margin + through_places(np.outer(margin, margin))

    def moves(judged: Floats, met_apart: Floats) -> Floats:
        """Of units with so many judgements in each category (…, k): n times the derivative of α."""
        there = met_apart + judged @ of_seen
        many = judged.sum(axis=-1)
        less = (seen * many + (total - 1) * there) / by_chance
        more = (total - 1) * seen * (judged @ of_chance) / by_chance**2
        found: Floats = n * (more - less)
        return found

    unseen = [np.where(used, moves(2 * np.eye(k), np.zeros(k)), np.nan)]
    if level != "nominal":
        ends = np.zeros(k)
        ends[np.flatnonzero(used)[[0, -1]]] = 1
        unseen.append(np.full(2, moves(ends, np.asarray(2 * furthest))))
    expected = 1 - by_chance / ((total - 1) * total * furthest)
    met_apart = (met * apart).sum(axis=(1, 2))
    mean = 1 - seen / (total * furthest)
    # Units count by their judgements: what a unit agrees is spread as far as its weight allows.
    agreed = mean + (judgements - met_apart / furthest - judgements * mean) * n / total
    of_units = moves(units.astype(np.float64), met_apart)
    return Linear(
        np.asarray(mean),
        np.asarray(expected),
        often.astype(np.float64),
        agreed,
        of_units * (1 - expected),
        np.concatenate(unseen) * (1 - expected),
    )


def _with_bounds(of: Linear, n: int, least: int = LEAST_PAIRS) -> Coefficient:
    value = float(beyond_chance(of.observed, of.expected))
    if reason := too_few(n, float(of.expected), least):
        return Coefficient(value, n, reason=reason)
    low, high = bounds(of)
    return Coefficient(value, n, min(float(low), value), max(float(high), value))


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
