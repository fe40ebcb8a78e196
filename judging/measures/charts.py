"""Charts of judges as Vega-Lite specs; the page draws them, nothing is executed."""

from __future__ import annotations

from typing import Any

import altair as alt

from judging.budget.planner import Plan
from judging.measures.report import HISTOGRAM_BINS, JudgeReport

Spec = dict[str, Any]


def report_charts(report: JudgeReport) -> dict[str, Spec]:
    """By the name of the place on the page; a chart without data is left out."""
    charts = {
        "reliability": reliability_diagram(report) if report.bins else None,
        "position": first_shown(report) if sum(report.first_shown_histogram) else None,
        "length": by_length(report) if report.by_length else None,
    }
    return {name: spec for name, spec in charts.items() if spec is not None}


def reliability_diagram(report: JudgeReport) -> Spec:
    """What the judge said against what humans said, with the diagonal of a calibrated judge."""
    points = [
        {
            "said": one.mean_p,
            "came": one.share,
            "low": one.share_low,
            "high": one.share_high,
            "pairs": one.n,
        }
        for one in report.bins
    ]
    unit = alt.Scale(domain=[0, 1])
    base = alt.Chart(alt.InlineData(values=points), width="container", height=240).encode(
        x=alt.X("said:Q", title="judge: probability of first", scale=unit)
    )
    line = (
        alt.Chart(alt.InlineData(values=[{"at": 0}, {"at": 1}]))
        .mark_line(strokeDash=[4, 4], opacity=0.6)
        .encode(x=alt.X("at:Q", title=""), y=alt.Y("at:Q", title=""))
    )
    bars = base.mark_rule(opacity=0.5).encode(
        y=alt.Y("low:Q", title="humans: share of first", scale=unit), y2="high:Q"
    )
    dots = base.mark_point(filled=True).encode(
        y=alt.Y("came:Q", title="humans: share of first", scale=unit),
        size=alt.Size("pairs:Q", legend=None),
    )
    return dict((line + bars + dots).to_dict())


def first_shown(report: JudgeReport) -> Spec:
    """How many pairs gave the response shown first so much, both orders together."""
    points = [
        {"from": place / HISTOGRAM_BINS, "to": (place + 1) / HISTOGRAM_BINS, "pairs": count}
        for place, count in enumerate(report.first_shown_histogram)
    ]
    bars = (
        alt.Chart(alt.InlineData(values=points), width="container", height=240)
        .mark_bar()
        .encode(
            x=alt.X(
                "from:Q",
                bin="binned",
                title="probability of the response shown first",
                scale=alt.Scale(domain=[0, 1]),
            ),
            x2="to:Q",
            y=alt.Y("pairs:Q", title="pairs"),
        )
    )
    middle = (
        alt.Chart(alt.InlineData(values=[{"at": 0.5}]))
        .mark_rule(strokeDash=[4, 4])
        .encode(x="at:Q")
    )
    return dict((bars + middle).to_dict())


def by_length(report: JudgeReport) -> Spec:
    """How often the longer of two responses wins, by how much longer it is."""
    points = []
    names = [f"{2**one.low:.2g}–{2**one.high:.2g} ×" for one in report.by_length]
    for name, one in zip(names, report.by_length, strict=True):
        points.append(
            {
                "times": name,
                "who": "judge",
                "wins": one.judge,
                "low": one.judge_low,
                "high": one.judge_high,
            }
        )
        if one.humans is not None:
            points.append({"times": name, "who": "humans", "wins": one.humans})
    base = alt.Chart(alt.InlineData(values=points), width="container", height=240).encode(
        x=alt.X("times:O", title="length of the longer over the shorter", sort=names),
        color=alt.Color("who:N", title=None),
    )
    unit = alt.Scale(domain=[0, 1])
    bars = base.mark_rule(opacity=0.5).encode(
        y=alt.Y("low:Q", title="longer response wins", scale=unit), y2="high:Q"
    )
    line = base.mark_line(point=True).encode(
        y=alt.Y("wins:Q", title="longer response wins", scale=unit)
    )
    return dict((bars + line).to_dict())


def plan_curve(plan: Plan) -> Spec:
    """The accuracy to expect by how many pairs go to raters, and what was chosen."""
    points = [
        {"human": one.human, "accuracy": one.accuracy, "chosen": one.human == plan.chosen.human}
        for one in plan.curve
    ]
    base = alt.Chart(alt.InlineData(values=points), width="container", height=240).encode(
        x=alt.X("human:Q", title="pairs labelled by raters"),
        y=alt.Y("accuracy:Q", title="expected accuracy", scale=alt.Scale(zero=False)),
    )
    chosen = base.transform_filter(alt.datum.chosen).mark_point(filled=True, size=120)
    return dict((base.mark_line() + chosen).to_dict())
