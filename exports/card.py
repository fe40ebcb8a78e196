"""The dataset card: README.md with what Hugging Face tools read, and a plot of the soft labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
import yaml

PLOT = "p_chosen.png"


def write_card(folder: Path, manifest: dict[str, Any], p_chosen: Sequence[int]) -> None:
    """Write README.md and its plot. `p_chosen` counts rows in equal bins of [½, 1]."""
    (folder / PLOT).write_bytes(_plot(p_chosen))
    (folder / "README.md").write_text(_text(manifest), encoding="utf-8")


def _plot(counts: Sequence[int]) -> bytes:
    width = 0.5 / len(counts)
    data = pd.DataFrame(
        {
            "low": [0.5 + width * i for i in range(len(counts))],
            "high": [0.5 + width * (i + 1) for i in range(len(counts))],
            "rows": list(counts),
        }
    )
    chart = (
        alt.Chart(data, width=480, height=200, title="How sure the labels are")
        .mark_bar()
        .encode(
            x=alt.X("low:Q", bin="binned", title="p_chosen"),
            x2="high:Q",
            y=alt.Y("rows:Q", title="rows"),
        )
    )
    png: bytes = vl_convert.vegalite_to_png(chart.to_dict(), scale=2)
    return png


def _text(manifest: dict[str, Any]) -> str:
    front = {
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"{split}.parquet"}
                    for split, about in manifest["splits"].items()
                    if about["rows"]
                ],
            }
        ],
        "tags": ["preference", "dpo", "trl"],
    }
    rows = "\n".join(
        f"| {split} | {about['rows']} |" for split, about in manifest["splits"].items()
    )
    dropped = "\n".join(f"| {why} | {count} |" for why, count in manifest["dropped"].items())
    raters = "\n".join(f"- {one['name']} ({one['kind']})" for one in manifest["labels"]["raters"])
    constitutions = "\n".join(
        f"- {name}: `{sha256}`" for name, sha256 in manifest["constitutions"].items()
    )
    return f"""---
{yaml.safe_dump(front, sort_keys=False).strip()}
---

# {manifest["name"]}

Preference pairs of the project `{manifest["project"]}`, frozen {manifest["created_at"]}.

`sha256 {manifest["sha256"]}` over the rows' values.

| split | rows |
|---|---|
{rows}

Columns follow TRL (`prompt`, `chosen`, `rejected`, conversational), with the soft label `p_chosen`
and where each row comes from. No prompt stands in two splits.

![How sure the labels are]({PLOT})

## Left out

| reason | pairs |
|---|---|
{dropped or "| nothing | 0 |"}

## Who labelled

{manifest["labels"]["count"]} labels by

{raters}

Consensus: {manifest["consensus"]} (humans speak before judges).

## Constitutions behind judges' labels

{constitutions or "None."}
"""
