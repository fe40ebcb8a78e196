"""Small datasets and specs for the recipes, made by plain functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SCHEMA = pa.schema(
    [
        ("prompt", _MESSAGES),
        ("chosen", _MESSAGES),
        ("rejected", _MESSAGES),
        ("p_chosen", pa.float64()),
        ("weight", pa.float64()),
        ("pair_id", pa.string()),
    ]
)


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def assistant(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def row(
    prompt: str,
    chosen: str,
    rejected: str,
    *,
    p_chosen: float | None = 1.0,
    weight: float | None = 1.0,
) -> dict[str, Any]:
    return {
        "prompt": user(prompt),
        "chosen": assistant(chosen),
        "rejected": assistant(rejected),
        "p_chosen": p_chosen,
        "weight": weight,
        "pair_id": f"{prompt}/{chosen}/{rejected}",
    }


def rows(n: int, *, start: int = 0) -> list[dict[str, Any]]:
    """Pairs in which "yes" is always better than "no"; soft labels and weights vary."""
    return [
        row(
            f"q{number}",
            f"yes {number % 7}",
            f"no {number % 5}",
            p_chosen=1.0 - 0.05 * (number % 4),
            weight=1.0 + 0.25 * (number % 3),
        )
        for number in range(start, start + n)
    ]


def write_dataset(
    folder: Path,
    *,
    train: Sequence[dict[str, Any]] = (),
    validation: Sequence[dict[str, Any]] = (),
    test: Sequence[dict[str, Any]] = (),
) -> Path:
    """A dataset folder of three Parquet files, those without rows included."""
    folder.mkdir(parents=True)
    for name, content in (("train", train), ("validation", validation), ("test", test)):
        table = pa.Table.from_pylist(list(content), schema=_SCHEMA)
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def write_spec(path: Path, model: Path, dataset: Path, **fields: Any) -> Path:
    """A quick spec for the CPU, as JSON; `fields` are added or take the place of these."""
    content = {
        "method": "dpo",
        "base_model": str(model),
        "dataset": str(dataset),
        "learning_rate": 1e-3,
        "batch_size": 4,
        "max_length": 64,
        "hardware": {"use_cpu": True, "threads": 1},
    } | fields
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def read_metrics(run_dir: Path) -> list[dict[str, Any]]:
    lines = (run_dir / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_result(run_dir: Path) -> dict[str, Any]:
    content = json.loads((run_dir / "result.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def last_of_each_step(lines: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What a follower of metrics.jsonl keeps: of each step the last line."""
    return {line["step"]: line for line in lines}
