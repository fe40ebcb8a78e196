"""Datasets with prompts that call tools: their columns, their hash, and how they are read."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from exports.folders import ROW_GROUP_ROWS, Writer
from exports.rows import SCHEMA
from exports.services import FreezeFilters, freeze
from exports.showing.preview import preview
from exports.splits import SPLITS
from exports.verifying import verify
from tests.builders import (
    TOOL_TURNS,
    make_label,
    make_pair,
    make_project,
    make_rater,
    make_tool_pair,
)

ALL = FreezeFilters(validation=0.0, test=0.0)


@pytest.fixture
def frozen() -> Any:
    project = make_project()
    rater = make_rater(project, "ann")
    for number in range(5):
        make_label(make_pair(project, number), rater, "first")
    make_label(make_tool_pair(project), rater, "first")
    return freeze(project=project, name="d", filters=ALL)


@pytest.mark.django_db
def test_calls_and_answers_of_tools_are_frozen_as_they_are(frozen: Any) -> None:
    rows = pq.read_table(frozen.folder / "train.parquet").to_pylist()

    [prompt] = [row["prompt"] for row in rows if len(row["prompt"]) > 1]
    assert [turn["role"] for turn in prompt] == ["developer", "user", "assistant", "tool"]
    assert prompt[2]["tool_calls"] == TOOL_TURNS[2]["tool_calls"]
    assert prompt[3]["tool_call_id"] == "c1"
    assert all(row["prompt"][0]["tool_calls"] is None for row in rows)


@pytest.mark.django_db
def test_a_dataset_with_tools_verifies_and_loads(frozen: Any, tmp_path: Any) -> None:
    loaded = load_dataset(
        "parquet", data_dir=str(frozen.folder), split="train", cache_dir=str(tmp_path)
    )

    assert verify(frozen.sha256).reason == ""
    assert len(loaded) == 6


@pytest.mark.django_db
def test_the_first_rows_are_shown_with_their_calls(frozen: Any) -> None:
    [row] = [one for one in preview(frozen, 10) if len(one.prompt) > 1]

    assert row.begins == '{"rain": 0.8}'
    assert row.prompt == TOOL_TURNS


@pytest.mark.django_db
def test_a_dataset_without_tools_has_the_columns_that_it_always_had() -> None:
    project = make_project()
    make_label(make_pair(project), make_rater(project, "ann"), "first")

    dataset = freeze(project=project, name="d", filters=ALL)

    for split in SPLITS:
        assert pq.read_schema(dataset.folder / f"{split}.parquet").equals(SCHEMA)


def test_rows_written_before_the_first_with_tools_are_kept(tmp_path: Any) -> None:
    from contextlib import ExitStack

    def row(number: int, prompt: Any) -> dict[str, Any]:
        empty = dict.fromkeys(SCHEMA.names)
        return {**empty, "prompt": prompt, "prompt_sha256": str(number)}

    plain = [{"role": "user", "content": "x"}]
    with ExitStack() as stack:
        writer = Writer(tmp_path, SCHEMA, stack)
        for number in range(ROW_GROUP_ROWS + 5):
            writer.add("train", row(number, plain))
        writer.add("test", row(-1, TOOL_TURNS))
        writer.add("train", row(-2, plain))
        writer.finish()

    train = pq.read_table(tmp_path / "train.parquet")
    assert train.num_rows == ROW_GROUP_ROWS + 6
    assert train.column("prompt_sha256")[-1].as_py() == "-2"
    assert train.schema.equals(pq.read_schema(tmp_path / "validation.parquet"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{split}.parquet" for split in sorted(SPLITS)
    ]
