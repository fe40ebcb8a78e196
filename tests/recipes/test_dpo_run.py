"""A run from spec to result, as whoever follows the run folder sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference.weights import weights_sha256
from tests.recipes.builders import read_metrics, read_result, row, rows, write_dataset, write_spec
from training.recipes import dpo
from training.recipes.spec import load_spec

METRICS = {
    "step",
    "epoch",
    "total_steps",
    "time",
    "loss",
    "learning_rate",
    "reward_margin",
    "reward_accuracy",
    "grad_norm",
    "tokens_per_second",
}


def run(folder: Path, model: Path, dataset: Path, *, code: int = 0, **fields: Any) -> Path:
    """Run the recipe in this process; returns the run folder."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = write_spec(folder / "spec.json", model, dataset, **fields)
    assert dpo.main([str(spec), "--run-dir", str(folder / "run")]) == code
    return folder / "run"


def test_a_full_run_keeps_the_protocol(tmp_path: Path, tiny_model: Path, dataset: Path) -> None:
    folder = run(tmp_path, tiny_model, dataset, epochs=3, checkpoint_every_steps=10)
    result = read_result(folder)
    assert (result["status"], result["error"], result["method"]) == ("succeeded", None, "dpo")
    assert (result["steps"], result["train_pairs"]) == (30, 40)
    assert result["truncated"] == {"train": 0, "validation": 0}
    assert result["dropped"] == {}
    assert result["base_model"] == str(tiny_model)
    assert result["versions"]["trl"].startswith("1.16")
    assert result["model"] == {
        "path": "model",
        "kind": "full",
        "weights_sha256": weights_sha256(folder / "model"),
    }
    heldout = result["heldout"]
    assert (heldout["split"], heldout["n"]) == ("validation", 12)
    for moment in ("before", "after"):
        figures = heldout[moment]
        assert 0 <= figures["accuracy"] <= 1
        # Twelve pairs are too few for an interval.
        assert (figures["low"], figures["high"]) == (None, None)
        assert figures["reason"].startswith("12 pairs")
    assert heldout["after"]["accuracy"] > heldout["before"]["accuracy"]
    assert heldout["reward_accuracy_after"] == 1.0
    metrics = read_metrics(folder)
    assert [line["step"] for line in metrics] == list(range(1, 31))
    assert all(set(line) == METRICS for line in metrics)
    assert metrics[-1]["total_steps"] == 30
    assert metrics[-1]["reward_margin"] > metrics[0]["reward_margin"] == 0.0
    mean = sum(line["loss"] for line in metrics) / 30
    assert result["train_loss"] == pytest.approx(mean)
    assert load_spec(folder / "resolved_spec.json") == load_spec(tmp_path / "spec.json")
    assert (folder / "heartbeat").exists()
    assert not (folder / "scratch").exists()


def test_the_model_loads_as_any_other(tmp_path: Path, tiny_model: Path, dataset: Path) -> None:
    folder = run(tmp_path, tiny_model, dataset, max_steps=2) / "model"
    names = {path.name for path in folder.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt"))]
    AutoModelForCausalLM.from_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder).chat_template


@pytest.mark.parametrize("scheduler", ["linear", "cosine", "constant_with_warmup"])
def test_a_run_of_one_step_learns(
    tmp_path: Path, tiny_model: Path, dataset: Path, scheduler: str
) -> None:
    folder = run(tmp_path, tiny_model, dataset, max_steps=1, lr_scheduler=scheduler)
    assert read_metrics(folder)[0]["learning_rate"] > 0
    assert read_result(folder)["model"]["weights_sha256"] != weights_sha256(tiny_model)


def test_warm_up_of_a_longer_run_is_as_asked(
    tmp_path: Path, tiny_model: Path, dataset: Path
) -> None:
    folder = run(tmp_path, tiny_model, dataset, max_steps=4, warmup_ratio=0.5, learning_rate=1e-3)
    rates = [line["learning_rate"] for line in read_metrics(folder)]
    assert rates == pytest.approx([0.0, 5e-4, 1e-3, 5e-4])


def test_an_adapter_is_published_alone(
    tmp_path: Path, tiny_model: Path, adapter: Path, dataset: Path
) -> None:
    folder = run(
        tmp_path, tiny_model, dataset, adapter="lora", base_adapter=str(adapter), max_steps=2
    )
    result = read_result(folder)
    assert result["model"]["kind"] == "adapter"
    assert result["model"]["weights_sha256"] != weights_sha256(adapter)
    names = {path.name for path in (folder / "model").rglob("*")}
    assert "adapter_model.safetensors" in names
    assert not names & {"ref", "model.safetensors", "training_args.bin"}
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), folder / "model")


@pytest.mark.parametrize("fields", [{}, {"adapter": "lora", "lora": {"dropout": 0.1}}])
def test_the_seed_decides_the_weights(
    tmp_path: Path, tiny_model: Path, dataset: Path, fields: dict[str, Any]
) -> None:
    hashes = [
        read_result(run(tmp_path / str(n), tiny_model, dataset, seed=seed, max_steps=8, **fields))[
            "model"
        ]["weights_sha256"]
        for n, seed in enumerate((7, 7, 8))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_what_is_cut_and_dropped_is_reported(tmp_path: Path, tiny_model: Path) -> None:
    content = [*rows(6), row("q", "long " * 30, "short"), row("long " * 30, "a", "b")]
    dataset = write_dataset(tmp_path / "data", train=content, test=content)
    result = read_result(run(tmp_path, tiny_model, dataset, max_length=40, max_steps=1))
    assert result["truncated"] == {"train": 1, "test": 1}
    assert result["dropped"] == {"no_completion_tokens": 2}
    assert (result["train_pairs"], result["heldout"]["split"], result["heldout"]["n"]) == (
        7,
        "test",
        7,
    )
    assert result["splits"]["train"]["rows"] == 8


def test_without_heldout_pairs_the_figures_are_null_with_a_reason(
    tmp_path: Path, tiny_model: Path
) -> None:
    dataset = write_dataset(tmp_path / "data", train=rows(4))
    heldout = read_result(run(tmp_path, tiny_model, dataset, max_steps=1))["heldout"]
    assert (heldout["split"], heldout["n"], heldout["before"], heldout["after"]) == (
        None,
        0,
        None,
        None,
    )
    assert heldout["reason"]


def test_a_failure_after_the_spec_is_written_down(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write_dataset(tmp_path / "bad", train=[row("q", "a", "b", p_chosen=2.0)])
    result = read_result(run(tmp_path, tiny_model, bad, code=1))
    assert result["status"] == "failed"
    assert result["error"]["type"] == "DataError"
    assert "p_chosen: got 2.0" in result["error"]["message"]
    assert result["model"] is None
    assert "p_chosen" in capsys.readouterr().err


def test_a_dataset_without_a_usable_pair_fails(tmp_path: Path, tiny_model: Path) -> None:
    empty = write_dataset(tmp_path / "empty", train=[row("long " * 30, "a", "b")])
    result = read_result(run(tmp_path, tiny_model, empty, code=1))
    assert "no usable pair" in result["error"]["message"]
    assert result["dropped"] == {"no_completion_tokens": 1}


def test_training_that_diverges_fails_and_its_metrics_stay_json(
    tmp_path: Path, tiny_model: Path
) -> None:
    # A weight near the largest float32: the loss overflows.
    heavy = write_dataset(
        tmp_path / "heavy", train=[row(f"q{n}", "a", "b", weight=3e38) for n in range(8)]
    )
    folder = run(tmp_path, tiny_model, heavy, max_steps=4, code=1)
    result = read_result(folder)
    assert (result["status"], result["error"]["type"]) == ("failed", "TrainingDivergedError")
    assert None in [line["grad_norm"] for line in read_metrics(folder)]
    assert not (folder / "model").exists()


def test_a_run_cancelled_before_it_trains_has_done_no_step(
    tmp_path: Path, tiny_model: Path, dataset: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "cancel").touch()
    result = read_result(run(tmp_path, tiny_model, dataset))
    assert (result["status"], result["steps"], result["model"]) == ("cancelled", 0, None)


def test_a_bad_spec_ends_in_one_line_and_leaves_no_folder(
    tmp_path: Path, tiny_model: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(tmp_path, tiny_model, dataset, learning_rat=1, code=2)
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert "learning_rate" in shown.err
    assert not folder.exists()


def test_a_run_folder_that_cannot_be_made_is_named(
    tmp_path: Path, tiny_model: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").write_text("a file")
    run(tmp_path, tiny_model, dataset, code=2)
    assert str(tmp_path / "run") in capsys.readouterr().err


def test_bf16_computes_in_half_and_saves_in_full_precision(
    tmp_path: Path, tiny_model: Path, dataset: Path
) -> None:
    hardware = {"use_cpu": True, "threads": 1, "precision": "bf16"}
    folder = run(tmp_path, tiny_model, dataset, max_steps=4, hardware=hardware)
    exact = run(tmp_path / "fp32", tiny_model, dataset, max_steps=4)
    losses, exact_losses = (
        [line["loss"] for line in read_metrics(each)] for each in (folder, exact)
    )
    assert losses != exact_losses
    assert losses == pytest.approx(exact_losses, rel=0.05)
    weights = load_file(folder / "model" / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}


def test_more_processes_than_were_started_are_refused(
    tmp_path: Path, tiny_model: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, tiny_model, dataset, hardware={"processes": 2}, code=2)
    assert "accelerate launch --num_processes 2" in capsys.readouterr().err


def test_a_dry_run_prints_the_resolved_spec_and_writes_nothing(
    tmp_path: Path, tiny_model: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(tmp_path / "spec.json", tiny_model, dataset, adapter="lora")
    assert dpo.main([str(spec), "--dry-run"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["epochs"], printed["lora"]["r"]) == (1.0, 16)
    assert [path.name for path in tmp_path.iterdir()] == ["spec.json"]


def test_recipes_import_no_django_and_a_spec_is_checked_before_torch() -> None:
    code = (
        "import sys, training.recipes.dpo, training.recipes.evaluate\n"
        "assert 'torch' not in sys.modules\n"
        "import training.recipes.callbacks, training.recipes.checkpoints, training.recipes.data\n"
        "import training.recipes.heldout, training.recipes.loading, training.recipes.soft_dpo\n"
        "assert 'torch' in sys.modules and 'django' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
