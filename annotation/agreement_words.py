"""How far raters agree, as a sentence: what a reader wants before any coefficient. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from figures import words

SCALE = ((0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial"))
"""Upper ends of what a coefficient is called; beyond the last it is almost perfect.

Source: Landis and Koch 1977, "The Measurement of Observer Agreement for Categorical Data", p. 165.
"""


class Headline(NamedTuple):
    """What is said first, and the share of the same answers that stands beside it."""

    first: str
    beside: str


def headline(report: Mapping[str, Any]) -> Headline:
    """Of people where two of them labelled the same pair, else of all raters, judges included."""
    people = report["human_krippendorff_alpha"]
    if words.is_figure(people["value"]):
        return Headline(_said("people", people), _same("people", report["human_raw_agreement"]))
    everybody = report["krippendorff_alpha"]
    if words.is_figure(everybody["value"]):
        whose = "all raters, judges included,"
        return Headline(_said(whose, everybody), _same("raters", report["raw_agreement"]))
    if not report["raw_agreement"]["n"]:
        none = "No pair has two labels yet, so nothing can be said about agreement."
        return Headline(none, "")
    return Headline("Agreement beyond chance is undefined here.", everybody.get("reason", ""))


def _said(whose: str, alpha: Mapping[str, Any]) -> str:
    value, low, high = alpha["value"], alpha["low"], alpha["high"]
    pairs = f"{alpha['n']} pair{'' if alpha['n'] == 1 else 's'}"
    figure = f"Krippendorff's α {words.decimals(value, 2)}"
    if low is None or high is None:
        return f"Agreement among {whose} is not certain yet: {figure} on {pairs}, with no interval."
    between = f"{figure} ({words.decimals_between(low, high, 2)}) on {pairs}."
    if low <= 0 <= high:
        return f"Agreement among {whose} cannot be told from chance: {between}"
    if value < 0:
        return f"Agreement among {whose} is below chance: {between}"
    called = next((name for end, name in SCALE if value <= end), "almost perfect")
    return f"Agreement among {whose} is {called}: {between}"


def _same(whose: str, share: Mapping[str, Any]) -> str:
    return (
        f"Two {whose} who label the same pair give the same answer "
        f"{words.percent(share['value'], 0)} of the time."
    )
