"""The dataset card: README.md with what Hugging Face tools read, and a plot of the soft labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
import yaml

from exports.forecast import warning_of
from exports.rows import PREFERENCE, SFT
from exports.words import never_attacked_words, reason_words
from figures.words import counted, decimals, decimals_between, percent


def write_sft_card(
    folder: Path, manifest: dict[str, Any], ends: Sequence[int], counts: Sequence[int]
) -> None:
    """Write README.md and its plot. `counts` are of completions by length in characters, up to
    each of `ends` and beyond the last."""
    names = [f"≤ {end:,}" for end in ends] + [f"> {ends[-1]:,}"]
    data = pd.DataFrame({"characters": names, "rows": list(counts)})
    chart = (
        alt.Chart(data, width=480, height=200, title="Completion length")
        .mark_bar()
        .encode(x=alt.X("characters:N", sort=names), y=alt.Y("rows:Q", title="rows"))
    )
    (folder / SFT.plot).write_bytes(vl_convert.vegalite_to_png(chart.to_dict(), scale=2))
    (folder / "README.md").write_text(card_text(manifest), encoding="utf-8")


def write_card(folder: Path, manifest: dict[str, Any], p_chosen: Sequence[int]) -> None:
    """Write README.md and its plot. `p_chosen` counts rows in equal bins of [½, 1]."""
    (folder / PREFERENCE.plot).write_bytes(_plot(p_chosen))
    (folder / "README.md").write_text(card_text(manifest), encoding="utf-8")


def card_text(manifest: dict[str, Any]) -> str:
    """The card of a version, from its manifest alone."""
    return _sft_text(manifest) if manifest["kind"] == SFT.kind else _text(manifest)


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
        alt.Chart(data, width=480, height=200, title="Label confidence")
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
    front = _front(manifest, ["preference", "dpo", "trl"])
    rows, dropped = _tables(manifest)
    raters = "\n".join(f"- {one['name']} ({one['kind']})" for one in manifest["labels"]["raters"])
    warning = never_attacked_words(manifest)
    untested = f"\n**Warning:** {warning}\n" if warning else ""
    constitutions = "\n".join(
        f"- {name}: `{sha256}`" for name, sha256 in manifest["constitutions"].items()
    )
    return f"""---
{front}
---

# {manifest["name"]}

Preference pairs from the project `{manifest["project"]}`, frozen on {manifest["created_at"]}.

`sha256 {manifest["sha256"]}` (over the values of the rows)

| split | rows |
|---|---|
{rows}
{_few(manifest)}
The columns follow TRL (`prompt`, `chosen`, `rejected`, conversational), plus the soft label
`p_chosen` and the provenance of each row. No prompt is in more than one split.

![Label confidence]({PREFERENCE.plot})

## Left out

| reason | pairs |
|---|---|
{dropped}

## Raters

{counted(manifest["labels"]["count"], "labels")} by

{raters}

Consensus: {manifest["consensus"]} (humans override judges).
{untested}
## Agreement between raters

| raters | Krippendorff's α | raw agreement | pairs with two or more labels |
|---|---|---|---|
{_agreement(manifest["agreement"])}

## Constitutions used by judges

{constitutions or "None."}
"""


def _sft_text(manifest: dict[str, Any]) -> str:
    rows, dropped = _tables(manifest)
    runs = "\n".join(
        f"- run {one['run']}: {one['constitution']} with {one['model']} ({one['engine']}, "
        f"{one['template']}, at most {one['rounds']} rounds, seed {one['seed']})"
        for one in manifest["runs"]
    )
    constitutions = "\n".join(
        f"- {name}: `{sha256}`" for name, sha256 in manifest["constitutions"].items()
    )
    roles = "\n".join(
        f"| {role} | {count} |" for role, count in manifest["strata"].get("role", {}).items()
    )
    mixed = "".join(f"\nThe helpful responses come from `{one}`.\n" for one in manifest["parents"])
    return f"""---
{_front(manifest, ["sft", "constitutional-ai", "trl"])}
---

# {manifest["name"]}

Prompts with completions from the project `{manifest["project"]}`, frozen on
{manifest["created_at"]}: answers that a model critiqued and revised under a constitution.

`sha256 {manifest["sha256"]}` (over the values of the rows)

| split | rows |
|---|---|
{rows}
{_few(manifest)}
| role | rows |
|---|---|
{roles}
{mixed}
The columns follow TRL (`prompt`, `completion`, conversational), plus the provenance of each row.
No prompt is in more than one split.

![Completion length]({SFT.plot})

## Left out

| reason | chains |
|---|---|
{dropped}

## Runs

{runs}

## Constitutions

{constitutions}
"""


def _agreement(figures: dict[str, Any]) -> str:
    """The rows of the table of agreement, human raters first."""
    rows = []
    for whose, before in (
        ("human raters", ""),
        ("all raters, judges included", "all_"),
        ("judges", "judge_"),
    ):
        alpha, same = figures[f"{before}krippendorff_alpha"], figures[f"{before}raw_agreement"]
        between = ""
        if alpha["low"] is not None and alpha["high"] is not None:
            between = f" ({decimals_between(alpha['low'], alpha['high'], 2)})"
        rows.append(
            f"| {whose} | {decimals(alpha['value'], 2)}{between} | {percent(same['value'], 0)} "
            f"| {alpha['n']} |"
        )
    return "\n".join(rows)


def _few(manifest: dict[str, Any]) -> str:
    """The warning of a held-out part that is too small, as a paragraph."""
    warning = warning_of(manifest)
    return f"\n**{warning}**\n" if warning else ""


def _front(manifest: dict[str, Any], tags: list[str]) -> str:
    """What Hugging Face tools read at the head of a card."""
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
        "tags": tags,
    }
    return yaml.safe_dump(front, sort_keys=False).strip()


def _tables(manifest: dict[str, Any]) -> tuple[str, str]:
    """The rows of the tables of splits and of what was left out."""
    rows = "\n".join(
        f"| {split} | {about['rows']} |" for split, about in manifest["splits"].items()
    )
    dropped = "\n".join(
        f"| {reason_words(why)} | {count} |" for why, count in manifest["dropped"].items()
    )
    return rows, dropped or "| nothing | 0 |"
