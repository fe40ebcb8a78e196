"""Charts of a dataset version as Vega-Lite specs; the page draws them, nothing is executed."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from exports.models import DatasetVersion
from exports.splits import SPLITS

BINS = 10
CLEAR = 0.95
"""A pair whose preferred answer has this probability or more is as good as undisputed."""


def sureness(dataset: DatasetVersion) -> NDArray[np.float64]:
    """The probability of the preferred answer, of every row; none when the folder is gone or the
    rows hold no preferences."""
    if dataset.kind != DatasetVersion.Kind.PREFERENCE:
        return np.empty(0)
    paths = [dataset.folder / f"{split}.parquet" for split in SPLITS]
    columns = [
        pq.read_table(path, columns=["p_chosen"]).column("p_chosen").to_numpy()
        for path in paths
        if path.exists()
    ]
    return np.concatenate(columns) if columns else np.empty(0)


def clear_said(p_chosen: NDArray[np.float64]) -> str:
    """How many pairs are as good as undisputed, in a sentence; empty where there is none to tell
    of."""
    if not len(p_chosen):
        return ""
    clear = int((p_chosen >= CLEAR).sum())
    return (
        f"On {clear:,} of {len(p_chosen):,} pairs the labels leave no doubt: the preferred answer "
        f"has a probability of {CLEAR} or more."
    )


def sureness_chart(p_chosen: NDArray[np.float64]) -> dict[str, Any]:
    """How many pairs have their preferred answer how probable, in equal bins of [½, 1]."""
    counts, edges = np.histogram(p_chosen, bins=BINS, range=(0.5, 1.0))
    points = [
        {"from": round(float(low), 3), "to": round(float(high), 3), "pairs": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    chart = (
        alt.Chart(alt.InlineData(values=points), width="container", height=200)
        .mark_bar()
        .encode(
            x=alt.X(
                "from:Q",
                bin="binned",
                title="probability of the preferred answer",
                scale=alt.Scale(domain=[0.5, 1]),
                axis=alt.Axis(format=".1f", values=[0.5, 0.6, 0.7, 0.8, 0.9, 1]),
            ),
            x2="to:Q",
            y=alt.Y("pairs:Q", title="pairs", axis=alt.Axis(tickMinStep=1)),
        )
    )
    spec: dict[str, Any] = chart.to_dict()
    return spec
