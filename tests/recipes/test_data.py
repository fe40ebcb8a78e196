"""Datasets are read in full, and what is cut or dropped is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from tests.recipes.builders import assistant, row, rows, user, write_dataset
from training.recipes.data import DataError, Split, heldout_split, read_split
from training.recipes.loading import load_model, load_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Any:
    return load_tokenizer(str(tiny_model))


def read(folder: Path, tokenizer: Any, *, max_length: int = 64, **options: Any) -> Split:
    scratch = folder / "scratch"
    return read_split(folder, "train", tokenizer, max_length=max_length, scratch=scratch, **options)


def test_soft_labels_and_weights_are_kept_and_null_is_one(tmp_path: Path, tokenizer: Any) -> None:
    content = [row("q", "a", "b", p_chosen=0.75, weight=2.0)]
    content.append(row("q", "a", "c", p_chosen=None, weight=None))
    folder = write_dataset(tmp_path / "data", train=content)
    split = read(folder, tokenizer)
    assert split.rows["p_chosen"][:] == [0.75, 1.0]
    assert split.rows["weight"][:] == [2.0, 1.0]
    assert read(folder, tokenizer, use_soft_labels=False).rows["p_chosen"][:] == [1.0, 1.0]


def test_a_dataset_without_our_columns_and_with_foreign_ones_is_read(
    tmp_path: Path, tokenizer: Any
) -> None:
    table = pa.table(
        {
            "prompt": [user("q")],
            "chosen": [assistant("a")],
            "rejected": [assistant("b")],
            "rater": ["alice"],
        }
    )
    pq.write_table(table, tmp_path / "train.parquet")
    pairs = read(tmp_path, tokenizer).rows
    assert set(pairs.column_names) == {
        "prompt_ids",
        "chosen_ids",
        "rejected_ids",
        "p_chosen",
        "weight",
    }
    assert pairs[0]["p_chosen"] == pairs[0]["weight"] == 1.0


def test_tokens_are_those_that_trl_would_make(
    tmp_path: Path, tokenizer: Any, tiny_model: Path
) -> None:
    content = [*rows(5), row("a longer question", "an answer " * 4, "x")]
    folder = write_dataset(tmp_path / "data", train=content)
    trainer = DPOTrainer(
        model=load_model(str(tiny_model)),
        ref_model=load_model(str(tiny_model)),
        args=DPOConfig(
            output_dir=str(tmp_path / "out"), use_cpu=True, bf16=False, report_to="none"
        ),
        train_dataset=read(folder, tokenizer).rows.from_list(content),
        processing_class=tokenizer,
    )
    theirs: Any = trainer.train_dataset
    ours = read(folder, tokenizer, max_length=1024).rows
    assert len(ours) == len(theirs) == 6
    for name in ("prompt_ids", "chosen_ids", "rejected_ids"):
        assert ours[name][:] == theirs[name][:]


def test_long_pairs_are_cut_and_counted_and_hopeless_ones_dropped(
    tmp_path: Path, tokenizer: Any
) -> None:
    content = [
        row("q", "short", "also short"),
        row("q", "long " * 30, "short"),
        row("long " * 30, "lost", "lost too"),
    ]
    folder = write_dataset(tmp_path / "data", train=content)
    split = read(folder, tokenizer, max_length=40)
    assert (split.counts.rows, split.counts.kept, split.counts.truncated) == (3, 2, 1)
    assert split.counts.dropped == {"no_completion_tokens": 1}
    cut = split.rows[1]
    assert len(cut["prompt_ids"]) + len(cut["chosen_ids"]) == 40
    assert len(cut["prompt_ids"]) + len(cut["rejected_ids"]) < 40


def test_a_pair_that_fits_exactly_is_not_truncated(tmp_path: Path, tokenizer: Any) -> None:
    folder = write_dataset(tmp_path / "data", train=[row("q", "abcdef", "a")])
    whole = read(folder, tokenizer, max_length=64).rows[0]
    length = len(whole["prompt_ids"]) + len(whole["chosen_ids"])
    assert read(folder, tokenizer, max_length=length).counts.truncated == 0
    assert read(folder, tokenizer, max_length=length - 1).counts.truncated == 1


def test_many_rows_pass_through_in_order_and_tick(tmp_path: Path, tokenizer: Any) -> None:
    folder = write_dataset(tmp_path / "data", train=rows(600))
    ticks: list[int] = []
    split = read(folder, tokenizer, tick=lambda: ticks.append(1))
    assert split.counts.kept == len(split.rows) == 600
    assert len(ticks) == 3
    assert tokenizer.decode(split.rows[599]["prompt_ids"]).count("q599") == 1


def test_a_split_without_rows_is_empty(tmp_path: Path, tokenizer: Any) -> None:
    split = read(write_dataset(tmp_path / "data"), tokenizer)
    assert (split.counts.rows, len(split.rows)) == (0, 0)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (row("q", "a", "b", p_chosen=1.5), "row 1: p_chosen: got 1.5"),
        (row("q", "a", "b", p_chosen=float("nan")), "p_chosen: got nan"),
        (row("q", "a", "b", weight=-1.0), "row 1: weight: got -1.0"),
        (row("q", "a", "b", weight=float("inf")), "weight: got inf"),
        (row("q", "a", "b") | {"chosen": []}, "row 1: chosen: got []"),
        (row("q", "a", "b") | {"prompt": None}, "row 1: prompt: got None"),
        (
            row("q", "a", "b") | {"rejected": [{"role": "assistant", "content": None}]},
            "row 1: rejected",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_named(
    tmp_path: Path, tokenizer: Any, content: dict[str, Any], part: str
) -> None:
    folder = write_dataset(tmp_path / "data", train=[row("q", "a", "b"), content])
    with pytest.raises(DataError) as caught:
        read(folder, tokenizer)
    assert f"train.parquet {part}" in str(caught.value) or part in str(caught.value)


def test_missing_columns_and_files_are_named(tmp_path: Path, tokenizer: Any) -> None:
    with pytest.raises(DataError, match=r"train\.parquet is missing"):
        read(tmp_path, tokenizer)
    pq.write_table(pa.table({"prompt": ["q"]}), tmp_path / "train.parquet")
    with pytest.raises(DataError, match="is missing the column chosen, rejected"):
        read(tmp_path, tokenizer)


def test_a_tokenizer_without_chat_template_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    plain = load_tokenizer(str(tiny_model))
    plain.chat_template = None
    folder = write_dataset(tmp_path / "data", train=rows(1))
    with pytest.raises(DataError, match="no chat template"):
        read(folder, plain)


def test_validation_measures_a_run_and_test_stands_in(tmp_path: Path) -> None:
    one = rows(1)
    assert heldout_split(write_dataset(tmp_path / "1", validation=one, test=one)) == "validation"
    assert heldout_split(write_dataset(tmp_path / "2", train=one, test=one)) == "test"
    assert heldout_split(write_dataset(tmp_path / "3", train=one)) is None
    assert heldout_split(tmp_path / "nowhere") is None


def test_the_tokenizers_own_limit_holds_where_it_is_the_smaller(
    tmp_path: Path, tiny_model: Path
) -> None:
    """The tiny model reads 256 tokens; a spec that allows more does not change that."""
    tokenizer = load_tokenizer(str(tiny_model))
    tokenizer.model_max_length = 256
    folder = write_dataset(
        tmp_path / "data", train=[row("q", "yes " * 400, "no"), row("q", "a", "b")]
    )

    split = read_split(folder, "train", tokenizer, max_length=4096, scratch=tmp_path / "scratch")

    assert split.counts.truncated == 1
    assert max(len(pair["chosen_ids"]) for pair in split.rows) < 256
