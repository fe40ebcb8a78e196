"""How figures are worded: shares, differences of shares, intervals, and what rests on few. Pure.

Every function takes what is missing (None, NaN, infinity, the empty text that a template makes of
a name it does not find) for NOTHING, a dash.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TypeGuard

NOTHING = "–"

FEW = 30
"""A figure that rests on fewer units is shown with a warning."""


def is_figure(value: object) -> TypeGuard[float]:
    """A finite number: not None, NaN, or a text."""
    return isinstance(value, int | float | Decimal) and math.isfinite(value)


def percent(value: object, digits: int = 1) -> str:
    """A share in [0, 1] as a percentage: 66.9 %."""
    return f"{100 * float(value):.{digits}f} %" if is_figure(value) else NOTHING


def decimals(value: object, digits: int = 3) -> str:
    """A number with that many decimals: 0.669."""
    return f"{float(value):.{digits}f}" if is_figure(value) else NOTHING


def points(value: object, digits: int = 1) -> str:
    """A difference of two shares, signed, in percentage points: +3.2 points."""
    if not is_figure(value):
        return NOTHING
    return f"{_signed(value, digits)} points"


def percent_between(low: object, high: object, digits: int = 1) -> str:
    """An interval of a share: 60.1 to 72.3 %."""
    if not is_figure(low) or not is_figure(high):
        return NOTHING
    return f"{100 * float(low):.{digits}f} to {percent(high, digits)}"


def decimals_between(low: object, high: object, digits: int = 3) -> str:
    """An interval of a number: 0.601 to 0.723."""
    if not is_figure(low) or not is_figure(high):
        return NOTHING
    return f"{decimals(low, digits)} to {decimals(high, digits)}"


def points_between(low: object, high: object, digits: int = 1) -> str:
    """An interval of a difference of shares: −1.0 to +4.2 points."""
    if not is_figure(low) or not is_figure(high):
        return NOTHING
    return f"{_signed(low, digits)} to {points(high, digits)}"


def percent_beside(value: object, bound: float, digits: int = 0) -> str:
    """A share as a percentage, with as many digits as set it apart from `bound`: 4.6 % and not 5 %
    where it is said to be under 5 %."""
    if not is_figure(value):
        return NOTHING
    while value != bound and digits < 6 and percent(value, digits) == percent(bound, digits):
        digits += 1
    return percent(value, digits)


def counted(n: int, units: str) -> str:
    """How many of something there are: 1 pair, 2,000 pairs."""
    return f"{n:,} {units.removesuffix('s') if n == 1 else units}"


def few(n: object, units: str = "pairs") -> str:
    """The warning beside a figure of `n` units; empty where they are enough, or none."""
    if not is_figure(n) or n <= 0 or n >= FEW:
        return ""
    one = units.removesuffix("s") if n == 1 else units
    return f"Based on only {int(n)} {one}: too few to be reliable."


def sentence(text: object) -> str:
    """What somebody wrote, or a reason, as a sentence: with one end, its own or a full stop."""
    said = str(text).strip()
    return said if not said or said[-1] in ".!?…" else f"{said}."


def said_share(
    value: object, low: object, high: object, n: object, reason: str = "", units: str = "pairs"
) -> str:
    """A share in one line: with its interval or why it has none, and a warning where it rests on
    few."""
    return _said(percent(value), percent_between(low, high), n, reason, units)


def said_number(
    value: object, low: object, high: object, n: object, reason: str = "", units: str = "pairs"
) -> str:
    """A number in one line, as `said_share`."""
    return _said(decimals(value), decimals_between(low, high), n, reason, units)


def _said(value: str, interval: str, n: object, reason: str, units: str) -> str:
    if value == NOTHING:
        return f"undefined ({reason.rstrip('.')})" if reason else NOTHING
    beside = [interval] if interval != NOTHING else [reason.rstrip(".")] if reason else []
    if warning := few(n, units):
        beside.append(warning[0].lower() + warning[1:].rstrip("."))
    return f"{value} ({'; '.join(beside)})" if beside else value


def _signed(value: float, digits: int) -> str:
    """With its sign, a real minus; nothing before what rounds to 0."""
    text = f"{100 * float(value):+.{digits}f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", "−")
