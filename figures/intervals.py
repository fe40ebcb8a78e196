"""95 % intervals of shares and means over units that come in groups, such as pairs of one prompt.

Units of a group are alike, so that they say less than as many on their own; what is counted here
is how much less. Where too few groups are behind a figure no interval holds what it says, and none
is given: `reason` says so. How often each of them holds is in tests/figures and, at length, in
`benchmarks/coverage.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as students_t

Floats = NDArray[np.float64]

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution: all intervals are of 95 %."""

LEAST_UNITS = 20
"""The fewest units for an interval, where each is a group of its own."""
LEAST_GROUPS = 30
"""The fewest groups for an interval, where some groups have several units."""

ALIKE_WEIGHT = 0.1
"""So many groups speak for units of a group being all the same, beside what the data say of it."""
SPREAD_WEIGHT = 2.0
"""So many units speak for values of 0 and 1 alone, beside what the data say of their spread."""
LEAST_FREEDOM = 5.0
"""Degrees of freedom where few groups make up the variance."""


@dataclass(frozen=True, slots=True)
class Share:
    """A mean of values between two ends (of zeros and ones: a share) over `n` units in `groups`,
    with its 95 % interval; `reason` says why `value`, or `low` and `high`, are None."""

    value: float | None
    n: int
    groups: int = 0
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Totals(NamedTuple):
    """Of the values of each group: their sum, the sum of their squares, how many; each (…, g)."""

    sums: Floats
    squares: Floats
    sizes: Floats


def wilson(share: ArrayLike, n: ArrayLike, z: ArrayLike = Z) -> tuple[Floats, Floats]:
    """Wilson's interval of a share seen in `n` > 0 independent units: two arrays of the inputs'
    shape.

    For a mean of values between 0 and 1 it is conservative: no such values vary more than zeros
    and ones of the same mean.

    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    p, units = np.asarray(share, dtype=np.float64), np.asarray(n, dtype=np.float64)
    square = np.asarray(z, dtype=np.float64) ** 2
    centre = (p + square / (2 * units)) / (1 + square / units)
    half = np.sqrt(square) * np.sqrt(p * (1 - p) / units + square / (4 * units**2))
    half = half / (1 + square / units)
    # At 0 and 1 the bound is the share itself; rounding must not put it beside it.
    low: Floats = np.where(p <= 0, 0.0, centre - half)
    high: Floats = np.where(p >= 1, 1.0, centre + half)
    return low, high


def totals(values: ArrayLike, groups: Sequence[Any] | None = None) -> Totals:
    """The totals by group of `values` (n,); without `groups` (n,) each value is its own."""
    found = np.asarray(values, dtype=np.float64)
    if groups is None:
        return Totals(found, found**2, np.ones_like(found))
    if len(groups) != len(found):
        raise ValueError(f"{len(found)} values and {len(groups)} groups")
    place = group_numbers(groups)
    many = int(place.max(initial=-1)) + 1
    return Totals(
        summed(place, found, many),
        summed(place, found**2, many),
        summed(place, np.ones_like(found), many),
    )


def summed(place: NDArray[np.int64], values: Floats, many: int) -> Floats:
    """The sum of `values` (n,) in each of `many` groups, whose number each value has in `place`."""
    return np.asarray(np.bincount(place, values, many), dtype=np.float64)


def group_numbers(groups: Sequence[Any]) -> NDArray[np.int64]:
    """Each unit's group as a number from 0 on, in order of appearance."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(one, len(numbers)) for one in groups], dtype=np.int64)


def share_bounds(of: Totals) -> tuple[Floats, Floats]:
    """The interval of the mean of values in [0, 1] from its totals, two or more groups: two arrays
    of the leading shape.

    Wilson's interval for as many units as the groups are worth: the number of units over the
    design effect, which is the variance of the mean between groups over that of zeros and ones on
    their own. Two things keep it honest where the data say little: a fraction of a group
    (ALIKE_WEIGHT) speaks for groups of units all alike, and where few groups make the variance its
    degrees of freedom are few. Units on their own with values of 0 and 1 have Wilson's interval.

    Source: effective sample size as in Korn and Graubard (1998), Survey Methodology 24, 193-201,
    with Wilson's interval as in Dean and Pagano (2015), Journal of Survey Statistics and
    Methodology 3, 484-503; degrees of freedom by Satterthwaite (1946), Biometrics Bulletin 2.
    """
    many = of.sizes.shape[-1]
    n = of.sizes.sum(axis=-1)
    value = of.sums.sum(axis=-1) / n
    apart = of.sums - value[..., None] * of.sizes
    squares = (apart**2).sum(axis=-1)
    variance = squares * many / (many - 1) / n**2
    at_most = value * (1 - value)
    size = (of.sizes**2).sum(axis=-1) / n
    one = np.ones_like(at_most)
    within = of.squares.sum(axis=-1) - n * value**2 + SPREAD_WEIGHT * at_most
    spread = np.divide(
        within / (n + SPREAD_WEIGHT), at_most, out=np.array(one), where=at_most > 1e-12
    )
    spread = np.clip(spread, 1e-9, 1)
    effect = np.divide(variance * n, at_most, out=np.array(size), where=at_most > 1e-12)
    effect = np.maximum(effect, spread)
    # How many groups make the variance: all of them where they differ alike, few where few differ.
    behind = np.divide(
        squares**2, (apart**4).sum(axis=-1), out=np.zeros_like(one), where=squares > 1e-12
    )
    pulled = behind * effect + ALIKE_WEIGHT * (size - 1 + spread)
    effect = np.where(behind > 0, pulled / (behind + ALIKE_WEIGHT), size)
    effect = np.maximum(effect, spread)
    freedom = np.clip(behind - 1, min(LEAST_FREEDOM, many - 1), many - 1)
    # The design effect is known where units stand alone, and estimated as far as they do not.
    square = Z**2 + (students_t.ppf(0.975, freedom) ** 2 - Z**2) * (1 - spread / size)
    return wilson(np.clip(value, 0, 1), n / effect, np.sqrt(square))


def share_of(
    values: ArrayLike,
    groups: Sequence[Any] | None = None,
    *,
    ends: tuple[float, float] = (0.0, 1.0),
    units: str = "pairs",
    group: str = "prompts",
    nothing: str = "",
) -> Share:
    """The mean of `values` (n,) that lie between two `ends`, clustered by `groups` (n,).

    `units` and `group` name what is counted in a reason; `nothing` is the reason for no values.

    Raises ValueError for values beyond the ends or not finite.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not ((found >= ends[0]) & (found <= ends[1])).all():
        raise ValueError(f"values in [{ends[0]:g}, {ends[1]:g}] must be given as a column")
    n = len(found)
    if not n:
        return Share(None, 0, reason=nothing or f"There are no {units}.")
    wide = ends[1] - ends[0]
    of = totals((found - ends[0]) / wide, groups)
    many = len(of.sizes)
    value = float(found.mean())
    if reason := too_few(n, many, units=units, group=group):
        return Share(value, n, many, reason=reason)
    low, high = (ends[0] + wide * float(bound) for bound in share_bounds(of))
    return Share(value, n, many, min(low, value), max(high, value))


class Ratio(NamedTuple):
    """A total over another over `groups` groups, with its 95 % interval; as `Share`."""

    value: float
    groups: int
    low: float | None
    high: float | None
    reason: str


def ratio_of(
    above: ArrayLike,
    below: ArrayLike,
    groups: Sequence[Any] | None = None,
    *,
    units: str = "pairs",
    group: str = "prompts",
) -> Ratio:
    """The sum of `above` (n,) over that of `below` (n,) > 0, such as loss over tokens.

    The interval is the ratio ± Student's t times the linearised standard error between groups.

    Source: Cochran 1977, "Sampling Techniques", §6.4.
    """
    of, to = totals(above, groups), totals(below, groups)
    n, many = len(np.asarray(below)), len(of.sizes)
    value = float(of.sums.sum() / to.sums.sum())
    # Losses have no upper end, and few groups seldom show the large ones.
    if reason := too_few(n, many, units=units, group=group, least=LEAST_GROUPS):
        return Ratio(value, many, None, None, reason)
    low, high = ratio_bounds(of.sums, to.sums)
    return Ratio(value, many, float(low), float(high), "")


def ratio_bounds(above: Floats, below: Floats) -> tuple[Floats, Floats]:
    """The interval of `ratio_of` from totals by group (…, g): two arrays of the leading shape."""
    many = above.shape[-1]
    total = below.sum(axis=-1)
    value = above.sum(axis=-1) / total
    apart = ((above - value[..., None] * below) ** 2).sum(axis=-1)
    half = students_t.ppf(0.975, many - 1) * np.sqrt(apart * many / (many - 1)) / total
    return np.asarray(value - half), np.asarray(value + half)


def too_few(
    n: int, many: int, *, units: str = "pairs", group: str = "prompts", least: int = LEAST_UNITS
) -> str:
    """Why `n` units in `many` groups have no interval; empty where they have one."""
    if n < least:
        return f"{_counted(n, units)}: no interval is given for fewer than {least}."
    if many < n and many < LEAST_GROUPS:
        return (
            f"{_counted(n, units)} of {_counted(many, group)}: no interval is given for fewer than "
            f"{LEAST_GROUPS} {group}."
        )
    return ""


def _counted(n: int, units: str) -> str:
    return f"{n} {units.removesuffix('s') if n == 1 else units}"
