"""Charts of a judge: what a place on an axis means."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

from judging.measures.bias import LengthBin
from judging.measures.charts import by_length
from judging.measures.report import JudgeReport


def orders_of(spec: Any) -> list[Any]:
    """Of each axis in a chart that is one of names: how it is sorted."""
    if isinstance(spec, list):
        return [order for one in spec for order in orders_of(one)]
    if not isinstance(spec, dict):
        return []
    mine = [spec["sort"]] if spec.get("field") == "times" else []
    return mine + orders_of(list(spec.values()))


def test_the_lengths_stand_in_order_although_some_have_no_humans() -> None:
    edges = [(0.0, 0.25), (0.5, 1.0), (1.0, 2.0), (3.0, 4.0)]
    bins = [
        LengthBin(low, high, 30, 0.6, 0.5, 0.7, humans, 30)
        for (low, high), humans in zip(edges, (None, 0.5, None, 0.7), strict=True)
    ]
    spec = by_length(cast("JudgeReport", SimpleNamespace(by_length=bins)))
    named = ["1–1.2 ×", "1.4–2 ×", "2–4 ×", "8–16 ×"]
    assert orders_of(json.loads(json.dumps(spec))) == [named, named]
