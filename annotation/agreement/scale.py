"""The categories of a label: eight places, and the coarser ways of telling them apart.

Choice and strength together give an ordinal scale of seven places, from the first much better to
the second much better with `equal` in the middle; `both_bad` says nothing of an order and stands
apart as an eighth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotation.agreement.coefficient import Counts

CHOICES = ("first", "second", "equal", "both_bad")
"""The four choices, in the order of rows and columns of every table of four."""

PLACES = (
    "first much",
    "first clearly",
    "first slightly",
    "equal",
    "second slightly",
    "second clearly",
    "second much",
    "both bad",
)
ORDINAL = 7
"""The first seven places are the ordinal scale."""

CLEARLY = 2
"""Strengths are 1 slightly, 2 clearly, 3 much; a label without one counts as clearly."""

FOUR = (0, 0, 0, 2, 1, 1, 1, 3)
THREE = (0, 0, 0, 2, 1, 1, 1, 2)
DECIDED = (0, 0, 0, -1, 1, 1, 1, -1)
STRENGTH = (0, 1, 2, 3, 4, 5, 6, -1)
"""Where each of the eight places goes: the four choices; `equal` and `both_bad` as one; decided
pairs alone; the ordinal scale. -1 is left out."""


def place_of(choice: str, strength: int | None) -> int:
    """The place 0 to 7 of a choice with its strength 1 to 3 or None.

    Raises ValueError for another choice or strength.
    """
    if strength not in (None, 1, 2, 3):
        raise ValueError(f"strength is {strength!r}; it must be 1, 2, 3 or None.")
    steps = CLEARLY if strength is None else strength
    places = {"first": 3 - steps, "equal": 3, "second": 3 + steps, "both_bad": 7}
    if choice not in places:
        raise ValueError(f"choice is {choice!r}; it must be one of {', '.join(CHOICES)}.")
    return places[choice]


def tables_by(tables: Counts, places: tuple[int, ...]) -> Counts:
    """Tables (t, p, p) with their places merged: (t, k, k). A unit that either left out is left
    out."""
    merge = _merge(places)
    merged: Counts = np.einsum("ai,tab,bj->tij", merge, tables, merge, optimize=True)
    return merged


def patterns_by(patterns: Counts, places: tuple[int, ...], *, drop_units: bool = False) -> Counts:
    """Counts per unit (u, p) with their places merged: (u, k).

    Judgements in places left out are dropped, or with `drop_units` all of their unit, as with two
    raters.
    """
    merged: Counts = patterns @ _merge(places)
    if drop_units:
        merged[patterns[:, np.array(places) < 0].sum(axis=1) > 0] = 0
    return merged


def _merge(places: tuple[int, ...]) -> NDArray[np.int64]:
    merge = np.zeros((len(places), max(places) + 1), dtype=np.int64)
    for place, category in enumerate(places):
        if category >= 0:
            merge[place, category] = 1
    return merge
