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
    """What is said first, the share of the same answers that stands beside it, and what all raters
    together and judges among themselves come to where judges labelled too."""

    first: str
    beside: str
    others: str


def headline(report: Mapping[str, Any]) -> Headline:
    """The agreement of human raters first; a judge's labels never move that figure."""
    others = _others(report)
    people, share = report["krippendorff_alpha"], report["raw_agreement"]
    if words.is_figure(people["value"]):
        return Headline(_said("human raters", people), _same("people", share), others)
    if share["n"]:
        undefined = "Chance-corrected agreement is undefined here."
        return Headline(undefined, people.get("reason", ""), others)
    if report["all_raw_agreement"]["n"]:
        none = "No pair has labels from two people yet, so human agreement is unknown."
        return Headline(none, "", others)
    return Headline("No pair has two labels yet, so agreement cannot be measured.", "", "")


def _others(report: Mapping[str, Any]) -> str:
    """Said where some pair has a judge's label beside another; empty elsewhere."""
    everybody, judges = report["all_krippendorff_alpha"], report["judge_krippendorff_alpha"]
    humans = report["krippendorff_alpha"]
    if (everybody["value"], everybody["n"]) == (humans["value"], humans["n"]):
        return ""
    parts = [
        f"{whose}: α {_between(alpha)}"
        for whose, alpha in (
            ("All raters, including judges", everybody),
            ("Judges only", judges),
        )
        if words.is_figure(alpha["value"])
    ]
    return " ".join(f"{part}." for part in parts)


def _between(alpha: Mapping[str, Any]) -> str:
    value, low, high, pairs = alpha["value"], alpha["low"], alpha["high"], _pairs(alpha["n"])
    if low is None or high is None:
        return f"{words.decimals(value, 2)} on {pairs}"
    return f"{words.decimals(value, 2)} ({words.decimals_between(low, high, 2)}) on {pairs}"


def _pairs(n: int) -> str:
    return f"{n} pair{'' if n == 1 else 's'}"


def _said(whose: str, alpha: Mapping[str, Any]) -> str:
    value, low, high = alpha["value"], alpha["low"], alpha["high"]
    pairs = _pairs(alpha["n"])
    figure = f"Krippendorff's α {words.decimals(value, 2)}"
    if low is None or high is None:
        return (
            f"Agreement among {whose} is still uncertain: {figure} on {pairs}, without an interval."
        )
    between = f"{figure} ({words.decimals_between(low, high, 2)}) on {pairs}."
    if low <= 0 <= high:
        return f"Agreement among {whose} cannot be distinguished from chance: {between}"
    if value < 0:
        return f"Agreement among {whose} is below chance: {between}"
    called = next((name for end, name in SCALE if value <= end), "almost perfect")
    return f"Agreement among {whose} is {called}: {between}"


def _same(whose: str, share: Mapping[str, Any]) -> str:
    return (
        f"Two {whose} who label the same pair give the same answer "
        f"{words.percent(share['value'], 0)} of the time."
    )
