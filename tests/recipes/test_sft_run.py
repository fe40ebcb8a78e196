"""SFT as a whole run on a tiny model: it learns, it resumes, it says what it did."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inference.weights import weights_sha256
from tests.recipes.builders import assistant, read_metrics, read_result, user, write_spec
from training.recipes import dpo, sft
from training.recipes.data import DataError
from training.recipes.loading import load_model, load_tokenizer
from training.recipes.sft_data import IGNORED, read_samples, tokenise_sample
from training.recipes.sft_heldout import SampleLoss, token_loss
from training.recipes.spec import SpecError, check_spec

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SCHEMA = pa.schema([("prompt", _MESSAGES), ("completion", _MESSAGES)])


def samples(n: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"prompt": user(f"q{number}"), "completion": assistant(f"yes {number % 7}")}
        for number in range(start, start + n)
    ]


def write_samples(folder: Path, **splits: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    for name in ("train", "validation", "test"):
        table = pa.Table.from_pylist(splits.get(name, []), schema=_SCHEMA)
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sft") / "small"
    return write_samples(folder, train=samples(40), validation=samples(12, 100))


def run(folder: Path, model: Path, dataset: Path, *, code: int = 0, **fields: Any) -> Path:
    spec = write_spec(folder / "spec.json", model, dataset, method="sft", **fields)
    assert sft.main([str(spec), "--run-dir", str(folder / "run")]) == code
    return folder / "run"


@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_the_loss_of_held_out_completions_falls(
    tmp_path: Path, tiny_model: Path, dataset: Path, adapter: str
) -> None:
    folder = run(tmp_path, tiny_model, dataset, adapter=adapter, epochs=4, learning_rate=1e-2)

    result = read_result(folder)
    assert (result["status"], result["method"]) == ("succeeded", "sft")
    assert result["train_pairs"] == 40
    heldout = result["heldout"]
    assert (heldout["metric"], heldout["split"], heldout["n"]) == (
        *("completion_loss", "validation", 12),
    )
    assert heldout["after"]["loss"] < heldout["before"]["loss"]
    metrics = read_metrics(folder)
    assert len(metrics) == result["steps"] == 40
    assert metrics[-1]["loss"] < metrics[0]["loss"]
    assert metrics[-1]["tokens_per_second"] > 0
    assert result["model"]["kind"] == ("full" if adapter == "none" else "adapter")
    assert result["model"]["weights_sha256"] == weights_sha256(folder / "model")
    if adapter == "none":
        load_model(str(folder / "model"))


def test_a_run_cancelled_and_started_again_ends_as_the_unbroken_one(
    tmp_path: Path, tiny_model: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields: dict[str, Any] = {"max_steps": 8, "checkpoint_every_steps": 3}
    (tmp_path / "whole").mkdir()
    whole = read_result(run(tmp_path / "whole", tiny_model, dataset, **fields))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "run").mkdir()
    from training.recipes.run_dir import RunDir

    append = RunDir.append_metrics

    def append_and_stop(self: RunDir, values: Any) -> None:
        append(self, values)
        if values["step"] == 4:
            (self.folder / "cancel").touch()

    monkeypatch.setattr(RunDir, "append_metrics", append_and_stop)
    first = read_result(run(broken, tiny_model, dataset, **fields))
    assert first["status"] == "cancelled"
    monkeypatch.undo()
    (broken / "run" / "cancel").unlink()
    second = read_result(run(broken, tiny_model, dataset, **fields))

    assert second["steps"] == whole["steps"] == 8
    assert second["model"]["weights_sha256"] == whole["model"]["weights_sha256"]


def test_only_the_completion_is_learnt(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_model))
    row = tokenise_sample(user("q1 q2 q3"), assistant("yes 1"), tokenizer, 64)

    assert row is not None
    learnt = [token for token in row["labels"] if token != IGNORED]
    assert row["input_ids"][-len(learnt) :] == learnt
    text = tokenizer.decode(learnt)
    assert "yes 1" in text
    assert "q3" not in text


def test_what_is_too_long_is_cut_or_dropped_and_counted(tmp_path: Path, tiny_model: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_model))
    folder = write_samples(
        tmp_path / "data",
        train=[
            *samples(2),
            {"prompt": user("q"), "completion": assistant("yes " * 40)},
            {"prompt": user("long " * 40), "completion": assistant("yes")},
        ],
    )
    split = read_samples(folder, "train", tokenizer, max_length=24, scratch=tmp_path / "scratch")

    assert (split.counts.rows, split.counts.kept, split.counts.truncated) == (4, 3, 1)
    assert split.counts.dropped == {"no_completion_tokens": 1}
    assert max(len(row["input_ids"]) for row in split.rows) == 24


def test_a_preference_dataset_is_refused_by_its_columns(tmp_path: Path, tiny_model: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_model))
    folder = tmp_path / "data"
    folder.mkdir()
    pq.write_table(pa.table({"prompt": [[]], "chosen": [[]]}), folder / "train.parquet")
    with pytest.raises(DataError, match="is missing the column completion"):
        read_samples(folder, "train", tokenizer, max_length=24, scratch=tmp_path / "scratch")


def test_a_run_without_held_out_rows_says_so(tmp_path: Path, tiny_model: Path) -> None:
    folder = write_samples(tmp_path / "data", train=samples(8))
    result = read_result(run(tmp_path, tiny_model, folder, max_steps=1))
    assert (result["heldout"]["n"], result["heldout"]["before"]) == (0, None)
    assert "usable completion" in result["heldout"]["reason"]


@pytest.mark.parametrize("field", ["beta", "use_soft_labels", "reference"])
def test_fields_of_dpo_are_refused(tiny_model: Path, dataset: Path, field: str) -> None:
    value = {"beta": 0.5, "use_soft_labels": False, "reference": "base"}[field]
    with pytest.raises(SpecError, match=f"{field}: only for dpo"):
        check_spec(
            {
                "method": "sft",
                "base_model": str(tiny_model),
                "dataset": str(dataset),
                field: value,
            }
        )


def test_a_resolved_spec_can_be_read_again(tiny_model: Path, dataset: Path) -> None:
    spec = check_spec({"method": "sft", "base_model": str(tiny_model), "dataset": str(dataset)})
    assert check_spec(json.loads(spec.model_dump_json())).method == "sft"


def test_a_recipe_refuses_the_spec_of_another(
    tmp_path: Path, tiny_model: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(tmp_path / "spec.json", tiny_model, dataset, method="sft")
    assert dpo.main([str(spec), "--run-dir", str(tmp_path / "run")]) == 2
    assert "this recipe is for dpo" in capsys.readouterr().err


def test_the_mean_loss_is_over_tokens_and_its_interval_over_prompts() -> None:
    losses = [SampleLoss(2.0, 1), SampleLoss(4.0, 4), SampleLoss(3.0, 5)]
    found = token_loss(losses, "abc")
    assert found.loss == pytest.approx(9 / 10)
    assert (found.low, found.prompts) == (None, 3)
    assert found.reason.startswith("3 completions")

    alone = token_loss(losses * 10, range(30))
    assert alone.low is not None
    assert alone.high is not None
    assert alone.low < alone.loss < alone.high
    copies = token_loss(losses * 40, [*range(30)] * 4)
    assert copies.low is not None
    assert copies.low == pytest.approx(alone.low)
    assert token_loss([SampleLoss(1.0, 2)] * 30, range(30)).high == pytest.approx(0.5)
    with pytest.raises(ValueError, match="no samples"):
        token_loss([], [])
    with pytest.raises(ValueError, match="not finite"):
        token_loss([SampleLoss(math.nan, 2)], "a")
