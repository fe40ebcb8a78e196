"""A judge's faults as a person reads them: a sentence, a figure against its bound, a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from figures.words import FEW, percent, points
from judging.measures.bias import Figure
from judging.measures.report import JudgeReport
from judging.models import JudgePolicy

NO_ECE_INTERVAL = "No interval: with few pairs in a bin the error is biased upwards."

WIDTH = 200.0
"""Of the picture, in its own units; its middle is no bias."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One fault. `over` is whether it is beyond the bound, None where it cannot be told; `surely`
    whether its whole interval is."""

    key: str
    name: str
    sentence: str
    figure: Figure
    neutral: float
    bound: float
    over: bool | None
    surely: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def by_chance(self) -> bool:
        """Whether chance alone may have put it over its bound, as far as can be told."""
        if self.figure.low is None:
            return self.figure.n < FEW
        return not self.surely

    @property
    def picture(self) -> dict[str, str]:
        """Where the bound's zone, the interval and the point lie, as coordinates of an SVG."""
        value = self.figure.value
        if value is None:
            return {}
        low = value if self.figure.low is None else self.figure.low
        high = value if self.figure.high is None else self.figure.high
        furthest = max(abs(one - self.neutral) for one in (value, low, high))
        span = 1.05 * max(2 * self.bound, furthest, 1e-9)

        def place(one: float) -> float:
            return WIDTH / 2 * (1 + (one - self.neutral) / span)

        zone = WIDTH / 2 * self.bound / span
        return {
            "zone_x": f"{WIDTH / 2 - zone:.1f}",
            "zone_width": f"{2 * zone:.1f}",
            "low": f"{place(low):.1f}",
            "high": f"{place(high):.1f}",
            "value": f"{place(value):.1f}",
        }


def marks_of(report: JudgeReport, policy: JudgePolicy) -> list[Mark]:
    """Every fault that the report has a figure for, against the project's bounds."""
    error = Figure(
        report.ece,
        sum(one.n for one in report.bins),
        reason=NO_ECE_INTERVAL
        if report.ece is not None
        else "No pair has both a judge probability and a human choice.",
    )
    return [
        mark_of(
            "first_shown",
            "Position",
            report.position.first_shown,
            policy.first_shown,
            lambda value: (
                f"The response shown first gets {percent(value)} on average; 50 % would mean no "
                f"bias."
            ),
            neutral=0.5,
        ),
        mark_of(
            "inconsistent",
            "Inconsistency",
            report.position.inconsistent,
            policy.inconsistent,
            lambda value: f"The winner changes with the order in {percent(value)} of pairs.",
        ),
        mark_of(
            "length",
            "Length",
            report.length,
            policy.length,
            lambda value: (
                "Where humans see two responses as equal, one that is twice as long has "
                f"{2**value:.2f} times the odds of winning."
            ),
        ),
        mark_of(
            "formatting",
            "Formatting",
            report.formatting,
            policy.formatting,
            lambda value: (
                "At the same length and the same human choice, the more formatted response has "
                f"{math.exp(min(value, 50)):.2f} times the odds of winning."
            ),
        ),
        mark_of(
            "self_preference",
            "Self-preference",
            report.self_preference,
            policy.self_preference,
            lambda value: (
                f"It prefers responses from its own model family {points(abs(value)).lstrip('+')} "
                f"{'more' if value >= 0 else 'less'} often than humans do."
            ),
        ),
        mark_of(
            "calibration_error",
            "Calibration",
            error,
            policy.calibration_error,
            lambda value: f"Its probabilities are off by {points(value).lstrip('+')} on average.",
        ),
    ]


def mark_of(
    key: str,
    name: str,
    figure: Figure,
    bound: float,
    sentence: Callable[[float], str],
    *,
    neutral: float = 0.0,
) -> Mark:
    """The mark of one figure; `sentence` says its value in words."""
    value = figure.value
    if value is None:
        return Mark(key, name, figure.reason, figure, neutral, bound, None, surely=False)
    over = abs(value - neutral) > bound
    surely = (
        over
        and figure.low is not None
        and figure.high is not None
        and min(abs(figure.low - neutral), abs(figure.high - neutral)) > bound
        and (figure.low - neutral) * (figure.high - neutral) > 0
    )
    return Mark(key, name, sentence(value), figure, neutral, bound, over, surely)
