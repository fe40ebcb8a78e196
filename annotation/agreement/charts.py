"""Charts of agreement as Vega-Lite specs; the page draws them, nothing is executed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from annotation.agreement.breakdowns import PartAgreement
from annotation.agreement.report import PairwiseAgreement

HEAT_RATERS = 40
"""A heat map of more raters could not be read."""


def heat_map(pairwise: Sequence[PairwiseAgreement]) -> dict[str, Any]:
    """Cohen's κ of each two raters, both ways round; empty where they share no pair."""
    met = [row for row in pairwise if row.kappa.value is not None]
    busy: dict[str, int] = {}
    for row in met:
        for name in (row.rater_a, row.rater_b):
            busy[name] = busy.get(name, 0) + row.kappa.n
    shown = set(sorted(busy, key=lambda name: -busy[name])[:HEAT_RATERS])
    points = [
        {"a": a, "b": b, "kappa": row.kappa.value, "n": row.kappa.n}
        for row in met
        if {row.rater_a, row.rater_b} <= shown
        for a, b in ((row.rater_a, row.rater_b), (row.rater_b, row.rater_a))
    ]
    chart = (
        alt.Chart(alt.InlineData(values=points), width="container", height={"step": 22})
        .mark_rect()
        .encode(
            # On a phone names of full length leave the cells no room.
            x=alt.X("a:N", title=None, axis=alt.Axis(labelLimit=90, labelOverlap=True)),
            y=alt.Y("b:N", title=None, axis=alt.Axis(labelLimit=90)),
            color=alt.Color(
                "kappa:Q", title="κ", scale=alt.Scale(domain=[-0.2, 1], scheme="viridis")
            ),
        )
    )
    spec: dict[str, Any] = chart.to_dict()
    return spec


def weekly_trend(weeks: Sequence[PartAgreement]) -> dict[str, Any]:
    """Krippendorff's α of the humans and of all raters, week by week, with 95 % intervals."""
    points = [
        {
            "week": week.part,
            "who": who,
            "value": figure.value,
            "low": figure.low,
            "high": figure.high,
        }
        for week in weeks
        for who, group in (
            ("human raters", week.of_kinds.humans),
            ("all raters together", week.of_kinds.everybody),
        )
        if (figure := group.four.krippendorff_alpha).value is not None
    ]
    base = alt.Chart(alt.InlineData(values=points), width="container", height=200).encode(
        x=alt.X("week:O", title="week"), color=alt.Color("who:N", title=None)
    )
    band = base.mark_rule(opacity=0.5).encode(
        y=alt.Y("low:Q", title="α", scale=alt.Scale(zero=False)), y2="high:Q"
    )
    line = base.mark_line(point=True).encode(y=alt.Y("value:Q", title="α"))
    spec: dict[str, Any] = (band + line).to_dict()
    return spec
