"""Training on prompts that call tools: through the model's template, or dropped and counted."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.inference.test_tools import STORED, WITH_TOOLS
from tests.recipes.builders import assistant, user
from training.recipes.data import REFUSED, DataError, read_split
from training.recipes.loading import load_tokenizer
from training.recipes.sft_data import read_samples

EMPTY = {"tool_calls": None, "tool_call_id": None, "name": None}


@pytest.fixture
def tokenizer(tiny_model: Path) -> Any:
    return copy.deepcopy(load_tokenizer(str(tiny_model)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prompts = [[EMPTY | turn for turn in prompt] for prompt in (user("q"), STORED)]
    columns = {
        "prompt": prompts,
        "chosen": [assistant("a")] * 2,
        "rejected": [assistant("b")] * 2,
        "completion": [assistant("a")] * 2,
    }
    pq.write_table(pa.table(columns), tmp_path / "train.parquet")
    return tmp_path


def test_a_template_without_tools_drops_their_rows_and_counts_them(
    folder: Path, tokenizer: Any
) -> None:
    pairs = read_split(folder, "train", tokenizer, max_length=512, scratch=folder / "s")
    samples = read_samples(folder, "train", tokenizer, max_length=512, scratch=folder / "t")

    for split in (pairs, samples):
        assert (split.counts.rows, split.counts.kept) == (2, 1)
        assert split.counts.dropped == {REFUSED: 1}


def test_a_template_with_tools_gets_the_calls(folder: Path, tokenizer: Any) -> None:
    tokenizer.chat_template = WITH_TOOLS
    tokenizer.model_max_length = 512

    pairs = read_split(folder, "train", tokenizer, max_length=512, scratch=folder / "s")

    assert pairs.counts.dropped == {}
    text = tokenizer.decode(pairs.rows[1]["prompt_ids"])
    assert '<tool_call>{"name": "forecast", "arguments": {"city": "Lyon", "days": 2}}' in text
    assert tokenizer.decode(pairs.rows[1]["chosen_ids"]).startswith("a")


def test_a_call_without_a_function_is_no_row(tmp_path: Path, tokenizer: Any) -> None:
    turns = [{"role": "assistant", "content": "x", "tool_calls": [{"id": "c1"}]}, *user("q")]
    columns = {"prompt": [turns], "chosen": [assistant("a")], "rejected": [assistant("b")]}
    pq.write_table(pa.table(columns), tmp_path / "train.parquet")

    with pytest.raises(DataError, match=r"train.parquet row 0: prompt: got the call"):
        read_split(tmp_path, "train", tokenizer, max_length=64, scratch=tmp_path / "s")
