"""How often one model is preferred to another, by humans, by a judge, and by both together: pure.

Prediction-powered inference takes many judgements of a judge and corrects them by the few pairs
that humans judged too, so that the interval is valid however wrong the judge is, and narrower than
the humans' own where it is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from figures.intervals import group_numbers, share_of, summed, too_few
from figures.together import LEAST_ALONE, LEAST_SURE, Groups, together

Floats = NDArray[np.float64]

LEAST = 2
"""Fewer values have no variance."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A win rate in [0, 1] with its 95 % interval, from `n` pairs; `reason` says why `value`, or
    `low` and `high`, are None."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WinRate:
    """Three estimates of one rate. `power` is how much the judge counts in `together`, 0 to 1."""

    human: Rate
    judge: Rate
    together: Rate
    power: float | None


def win_rate(
    human: ArrayLike,
    judge_of_human: ArrayLike,
    judge_alone: ArrayLike,
    *,
    prompts: Sequence[Any] | None = None,
    prompts_alone: Sequence[Any] | None = None,
) -> WinRate:
    """The rate by which the first of two models wins.

    `human` (n,) are humans' preferences, 1 for the first model, ½ for neither, 0 for the second;
    `judge_of_human` (n,) are the judge's probabilities on the same pairs; `judge_alone` (N,) those
    on pairs that no human judged. The pairs of both must be drawn alike: a judge corrected on hard
    pairs is not corrected on easy ones. Intervals are clustered by `prompts` (n,) and
    `prompts_alone` (N,); without them each pair is taken for a prompt of its own.

    Raises ValueError for values outside [0, 1] or n that differ.

    Source: as `figures.together.together` and `figures.intervals.share_bounds`.
    """
    y, f, more = (_checked(one) for one in (human, judge_of_human, judge_alone))
    if y.shape != f.shape:
        raise ValueError(f"{len(y)} human and {len(f)} judge values of the same pairs")
    of_both = list(range(len(y))) if prompts is None else list(prompts)
    of_alone = (
        [-1 - place for place in range(len(more))] if prompts_alone is None else list(prompts_alone)
    )
    joint, power = _together(y, f, more, of_both, of_alone)
    return WinRate(
        _mean(y, of_both),
        _mean(np.concatenate([f, more]), [*of_both, *of_alone]),
        joint,
        power,
    )


def _together(
    y: Floats, f: Floats, more: Floats, of_both: list[Any], of_alone: list[Any]
) -> tuple[Rate, float | None]:
    n = len(y) + len(more)
    if reason := _lacking(y, more):
        return Rate(None, n, reason=reason), None
    place = group_numbers([*of_both, *of_alone])
    many = int(place.max()) + 1
    mine, alone = place[: len(y)], place[len(y) :]
    found = together(
        Groups(
            summed(mine, y, many),
            summed(mine, f, many),
            summed(mine, np.ones_like(y), many),
            summed(alone, more, many),
            summed(alone, np.ones_like(more), many),
        )
    )
    value, power = float(found.value), float(found.power)
    if reason := _unsure(len(y), len(set(of_both)), len(more)):
        return Rate(value, n, reason=reason), power
    return Rate(value, n, float(found.low), float(found.high)), power


def _unsure(n: int, prompts: int, more: int) -> str:
    """Why so few have no joint interval that holds; empty where they have one."""
    if n < LEAST_SURE:
        return f"{n} pairs were labelled by both: no interval is given for fewer than {LEAST_SURE}."
    if more < LEAST_ALONE:
        return (
            f"{more} pairs were labelled by the judge only: no interval is given for fewer than "
            f"{LEAST_ALONE}."
        )
    return too_few(n, prompts)


def _lacking(y: Floats, more: Floats) -> str:
    if len(y) < LEAST:
        return f"{len(y)} pairs were labelled by humans and the judge; at least {LEAST} are needed."
    if len(more) < LEAST:
        return f"{len(more)} pairs were labelled by the judge only; at least {LEAST} are needed."
    return ""


def _mean(values: Floats, prompts: list[Any]) -> Rate:
    found = share_of(values, prompts)
    return Rate(found.value, found.n, found.low, found.high, found.reason)


def _checked(values: ArrayLike) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not ((found >= 0) & (found <= 1)).all():
        raise ValueError("values must be a column of numbers in [0, 1]")
    return found
