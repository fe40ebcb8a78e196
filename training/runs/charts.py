"""Charts of a run's metrics as Vega-Lite specs; the page draws them, nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

PANELS = {
    "dpo": (
        ("loss", "Loss"),
        ("reward_margin", "Reward margin"),
        ("reward_accuracy", "Reward accuracy"),
    ),
    "sft": (
        ("loss", "Loss"),
        ("grad_norm", "Gradient norm"),
        ("learning_rate", "Learning rate"),
    ),
}
"""Metric and title of each chart, by method."""


def run_charts(method: str, metrics: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """One Vega-Lite spec per panel, by metric. `metrics` are rows with `step`; gaps stay gaps."""
    return {name: _line(metrics, name, title) for name, title in PANELS[method]}


def _line(metrics: Sequence[Mapping[str, Any]], name: str, title: str) -> dict[str, Any]:
    points = [
        {"step": row["step"], "value": row[name]} for row in metrics if row.get(name) is not None
    ]
    data = alt.InlineData(values=points)
    chart = (
        alt.Chart(data, width="container", height=180, title=title)
        .mark_line(point=len(points) < 60)
        .encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        )
    )
    spec: dict[str, Any] = chart.to_dict()
    return spec
