"""Where a rater stands by their κ, and the flags that need no gold: pure rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scipy.stats import binom

from annotation.agreement import Coefficient
from figures.words import percent


class Standing(StrEnum):
    UNKNOWN = "unknown"
    """Too few answers, or no κ: nobody is judged on noise."""
    GOOD = "good"
    DOUBTFUL = "doubtful"
    """The point is below the floor, the interval is not: a warning."""
    BELOW = "below"
    """The whole interval is below the floor: act."""


def standing(kappa: Coefficient, *, floor: float, min_labels: int) -> Standing:
    """Where a κ with its interval stands against a floor in [-1, 1]."""
    if kappa.value is None or kappa.n < min_labels:
        return Standing.UNKNOWN
    if kappa.high is not None and kappa.high < floor:
        return Standing.BELOW
    return Standing.DOUBTFUL if kappa.value < floor else Standing.GOOD


@dataclass(frozen=True, slots=True)
class Habits:
    """How a rater answers, without regard to what is right."""

    left: int
    right: int
    equal: int
    both_bad: int
    median_seconds: float | None
    repeats: int
    flips: int

    @property
    def total(self) -> int:
        return self.left + self.right + self.equal + self.both_bad


def flags(habits: Habits, *, min_labels: int, min_seconds: float, max_flips: float) -> list[str]:
    """What is odd about a rater's habits, in words; nothing below `min_labels` labels.

    - side bias: the share of left among the decided is off ½ beyond what chance does to 1 in
      10,000 raters (normal approximation of the binomial), and by more than 10 points;
    - one answer always: one button took at least 95 % of the labels;
    - speeding: the median time on task is below `min_seconds`;
    - inconsistent: so many flips on repeats have a chance below FALSE_ALARM in a rater who
      flips no more than `max_flips` (binomial, exact).
    """
    found: list[str] = []
    if habits.total < min_labels:
        return found
    decided = habits.left + habits.right
    if decided >= min_labels:
        share = habits.left / decided
        deviation = abs(share - 0.5) / (0.5 / decided**0.5)
        if deviation > SIDE_BIAS_Z and abs(share - 0.5) > SIDE_BIAS_POINTS:
            side = "left" if share > 0.5 else "right"
            found.append(f"side bias: {percent(max(share, 1 - share), 0)} {side}")
    commonest = max(habits.left, habits.right, habits.equal, habits.both_bad)
    if commonest >= ONE_ANSWER * habits.total:
        found.append(f"one answer: {percent(commonest / habits.total, 0)} the same choice")
    if habits.median_seconds is not None and habits.median_seconds < min_seconds:
        found.append(f"speeding: {habits.median_seconds:.1f} s median")
    by_chance = float(binom.sf(habits.flips - 1, habits.repeats, max_flips))
    if habits.repeats >= MIN_REPEATS and by_chance < FALSE_ALARM:
        found.append(f"inconsistent: changed {habits.flips} of {habits.repeats} repeats")
    return found


SIDE_BIAS_Z = 3.89
SIDE_BIAS_POINTS = 0.1
ONE_ANSWER = 0.95
MIN_REPEATS = 10
FALSE_ALARM = 0.025
