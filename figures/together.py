"""A mean by few sure values and many doubtful ones: prediction-powered inference, by groups."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as students_t

Floats = NDArray[np.float64]

LEAST_SURE = 50
"""With fewer sure values the interval holds, but is far wider than it says."""
LEAST_ALONE = 20

SURE_EXTRA = ((1.0, 1.0), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
"""Values (sure, doubtful) that join the data, so that what was not seen in it is not ruled out."""
DOUBTFUL_EXTRA = (1.0, 0.0, 1.0, 0.0)


class Groups(NamedTuple):
    """Totals by group, each (…, g): of values that have both, and of those with the doubtful alone;
    0 where a group has none."""

    sure: Floats
    doubtful: Floats
    both: Floats
    more: Floats
    alone: Floats


class Together(NamedTuple):
    """The mean and its 95 % interval, and how much the doubtful values count in it (0 to 1)."""

    value: Floats
    low: Floats
    high: Floats
    power: Floats


def together(of: Groups) -> Together:
    """The mean of the sure values, with the doubtful ones for as much as they are worth.

    The mean of the doubtful values alone, corrected by how far the two are apart where both are
    known; the power is what makes the variance between groups least. Four values join each side
    (SURE_EXTRA), which say that the two may differ either way: the Agresti-Coull idea. The value
    is without them, the interval around the one with them, by Student's t of the groups with sure
    values, and made to hold the value.

    Conservative where the doubtful values are nearly always right, which so few sure ones cannot
    show.

    Source: Angelopoulos et al. 2023, "Prediction-powered inference" (arXiv 2301.09633, algorithm
    1), with the power tuning of Angelopoulos, Duchi and Zrnic 2023, "PPI++" (arXiv 2311.01453,
    §6); Agresti and Coull (1998), The American Statistician 52, 119-126, and for differences of
    paired values Bonett and Price (2012), Journal of Educational and Behavioral Statistics 37.
    """
    power, value, _, _ = _estimate(of, of)
    extended = _extended(of)
    _, centre, variance, many = _estimate(of, extended)
    half = students_t.ppf(0.975, np.maximum(many - 1, 1)) * np.sqrt(variance)
    value = np.clip(value, 0, 1)
    low = np.minimum(np.clip(centre - half, 0, 1), value)
    high = np.maximum(np.clip(centre + half, 0, 1), value)
    return Together(value, low, high, power)


def _estimate(plain: Groups, of: Groups) -> tuple[Floats, Floats, Floats, Floats]:
    """The power, the mean, its variance, and the number of groups with sure values in `plain`."""
    n, more = of.both.sum(axis=-1)[..., None], of.alone.sum(axis=-1)[..., None]
    sure = of.sure.sum(axis=-1)[..., None] / n
    doubtful = of.doubtful.sum(axis=-1)[..., None] / n
    alone = of.more.sum(axis=-1)[..., None] / more
    by_sure = (of.sure - sure * of.both) / n
    by_doubtful = (of.more - alone * of.alone) / more - (of.doubtful - doubtful * of.both) / n
    spread = (by_doubtful**2).sum(axis=-1)
    with_sure = -(by_sure * by_doubtful).sum(axis=-1)
    power = np.divide(with_sure, spread, out=np.zeros_like(spread), where=spread > 1e-15)
    power = np.clip(power, 0, 1)
    value = sure[..., 0] + power * (alone - doubtful)[..., 0]
    many = (plain.both > 0).sum(axis=-1).astype(np.float64)
    variance = ((by_sure + power[..., None] * by_doubtful) ** 2).sum(axis=-1)
    return power, value, variance * many / np.maximum(many - 1, 1), many


def _extended(of: Groups) -> Groups:
    """With the extra values, each in a group of its own."""
    leading = of.both.shape[:-1]

    def joined(column: Floats, sure: tuple[float, ...], alone: tuple[float, ...]) -> Floats:
        extra = np.broadcast_to(np.array([*sure, *alone]), (*leading, len(sure) + len(alone)))
        return np.concatenate([column, extra], axis=-1)

    four = (0.0,) * 4
    ones = (1.0,) * 4
    return Groups(
        joined(of.sure, tuple(one for one, _ in SURE_EXTRA), four),
        joined(of.doubtful, tuple(one for _, one in SURE_EXTRA), four),
        joined(of.both, ones, four),
        joined(of.more, four, DOUBTFUL_EXTRA),
        joined(of.alone, four, ones),
    )
