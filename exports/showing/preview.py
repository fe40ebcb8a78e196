"""The first rows of a dataset version, with the pairs they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from corpus.conversations import changed, summary
from corpus.models import Pair
from exports.models import DatasetVersion
from exports.rows import plain_turns

TEXT_CHARACTERS = 8_000
"""A longer text is shortened: the pair's own page has all of it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One row as it is read: `texts` with what each is; `beside` says more of the row."""

    prompt: list[dict[str, Any]]
    texts: list[tuple[str, str]]
    beside: list[str]
    pair: int | None

    @property
    def begins(self) -> str:
        """The last turn of the prompt, to tell the rows apart by."""
        return summary(self.prompt)


def preview(dataset: DatasetVersion, count: int) -> list[Shown]:
    """The first rows of the train split; none when the folder is gone."""
    rows = _first_rows(dataset, count)
    pairs = _pairs(dataset, rows) if dataset.kind == DatasetVersion.Kind.PREFERENCE else {}
    return [_shown(row, pairs.get(row.get("pair_sha256", ""))) for row in rows]


def _first_rows(dataset: DatasetVersion, count: int) -> list[dict[str, Any]]:
    path = dataset.folder / "train.parquet"
    if not path.exists():
        return []
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(batch_size=count), None)
        return batch.to_pylist() if batch is not None else []


def _pairs(dataset: DatasetVersion, rows: list[dict[str, Any]]) -> dict[str, int]:
    """The ids of the rows' pairs by sha256; found by their prompts, which have an index."""
    prompts = {row["prompt_sha256"] for row in rows}
    wanted = {row["pair_sha256"] for row in rows}
    found = Pair.objects.filter(
        prompt__project=dataset.project_id, prompt__sha256__in=prompts, sha256__in=wanted
    )
    return dict(found.values_list("sha256", "pk"))


def _shown(row: dict[str, Any], pair: int | None) -> Shown:
    prompt = [changed(turn, _cut) for turn in plain_turns(row["prompt"])]
    if "completion" in row:
        role = f"{row['role']}, round {row['round']}" if row["round"] else row["role"]
        return Shown(prompt, [("Answer", _cut(row["completion"][0]["content"]))], [role], None)
    sure = row["p_chosen"]
    texts = [
        (name, _cut(row[column][0]["content"]))
        for name, column in (("Preferred", "chosen"), ("Not preferred", "rejected"))
    ]
    beside = [f"preferred with probability {sure:.2f}"]
    beside += [row[name] for name in ("domain", "language") if row[name]]
    return Shown(prompt, texts, beside, pair)


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARACTERS else f"{text[:TEXT_CHARACTERS]}…"
