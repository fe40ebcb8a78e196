"""Held-out preference accuracy and its interval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.recipes.builders import row, rows, write_dataset
from training.recipes import evaluate
from training.recipes.data import Split, read_split
from training.recipes.evaluate import logp_margins, preference_accuracy
from training.recipes.loading import load_scorer, load_tokenizer


def test_a_tie_counts_one_half() -> None:
    assert preference_accuracy([1.0, -1.0, 0.0, 0.0], "abcd").accuracy == 0.5
    assert preference_accuracy([1.0, 0.0], "ab").accuracy == 0.75


def test_a_broken_model_has_no_accuracy() -> None:
    with pytest.raises(ValueError, match="not finite"):
        preference_accuracy([1.0, float("nan")], "ab")
    with pytest.raises(ValueError, match="no pairs"):
        preference_accuracy([], [])


def test_the_interval_is_of_prompts_and_not_of_pairs() -> None:
    # Forty prompts, each with a verdict of its own that all of its pairs have.
    margins = [1.0] * 24 + [-1.0] * 16
    alone = preference_accuracy(margins, range(40))
    copies = preference_accuracy(margins * 28, [*range(40)] * 28)
    assert alone.low is not None
    assert alone.high is not None
    assert copies.low is not None
    assert copies.high is not None
    assert copies.prompts == 40
    assert copies.high - copies.low > 0.98 * (alone.high - alone.low)


def test_pairs_of_few_prompts_have_no_interval_but_a_reason() -> None:
    few = preference_accuracy([1.0, -1.0] * 50, ["p", "q"] * 50)
    assert (few.accuracy, few.low, few.high, few.prompts) == (0.5, None, None, 2)
    assert "100 pairs of 2 prompts" in few.reason


@pytest.fixture
def split(tmp_path: Path, tiny_model: Path) -> Split:
    content = [*rows(9), row("q", "the same", "the same"), row("q", "a", "a much longer text")]
    folder = write_dataset(tmp_path / "data", test=content)
    tokenizer = load_tokenizer(str(tiny_model))
    return read_split(folder, "test", tokenizer, max_length=64, scratch=tmp_path / "scratch")


def lonely_logp(model: Any, prompt: list[int], completion: list[int]) -> float:
    """The same figure token by token, unbatched and unpadded."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt + completion])).logits[0]
    probabilities = torch.log_softmax(logits, -1)
    return sum(
        float(probabilities[len(prompt) + place - 1, token])
        for place, token in enumerate(completion)
    )


def test_margins_are_sums_over_completion_tokens_whatever_the_batch(
    tiny_model: Path, split: Split
) -> None:
    model = load_scorer(str(tiny_model))
    by_hand = [
        lonely_logp(model, pair["prompt_ids"], pair["chosen_ids"])
        - lonely_logp(model, pair["prompt_ids"], pair["rejected_ids"])
        for pair in split.rows
    ]
    assert len(by_hand) == 11
    for batch_size in (1, 4, 16):
        margins = logp_margins(model, split, pad_token_id=0, batch_size=batch_size)
        assert margins == pytest.approx(by_hand, abs=1e-4)
        assert margins[9] == 0.0


def test_the_command_measures_a_model(tmp_path: Path, tiny_model: Path) -> None:
    dataset = write_dataset(tmp_path / "data", test=[*rows(6), row("x" * 99, "a", "b")])
    out = tmp_path / "out.json"
    command = ["--model", str(tiny_model), "--dataset", str(dataset), "--out", str(out), "--cpu"]
    assert evaluate.main([*command, "--max-length", "40"]) == 0
    report = json.loads(out.read_text())
    assert (report["status"], report["split"], report["n"]) == ("succeeded", "test", 6)
    assert 0 <= report["accuracy"] <= 1
    assert (report["low"], report["prompts"]) == (None, 6)
    assert report["reason"].startswith("6 pairs")
    assert report["dropped"] == {"no_completion_tokens": 1}
    assert len(report["weights_sha256"]) == 64


def test_an_adapter_changes_what_is_measured(
    tmp_path: Path, tiny_model: Path, adapter: Path, dataset: Path
) -> None:
    reports = []
    for extra in ([], ["--adapter", str(adapter)]):
        out = tmp_path / "out.json"
        command = ["--model", str(tiny_model), "--dataset", str(dataset), "--out", str(out)]
        assert evaluate.main([*command, "--split", "validation", "--cpu", *extra]) == 0
        reports.append(json.loads(out.read_text()))
    assert reports[0]["weights_sha256"] != reports[1]["weights_sha256"]
    assert reports[1]["mean_margin"] > reports[0]["mean_margin"]


def test_an_empty_split_has_no_figure_but_a_reason(tmp_path: Path, tiny_model: Path) -> None:
    dataset = write_dataset(tmp_path / "data", train=rows(1))
    out = tmp_path / "out.json"
    command = ["--model", str(tiny_model), "--dataset", str(dataset), "--out", str(out), "--cpu"]
    assert evaluate.main(command) == 0
    report = json.loads(out.read_text())
    assert (report["n"], report["accuracy"], report["low"]) == (0, None, None)
    assert report["reason"]


def test_a_failure_is_written_down(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_dataset(tmp_path / "data", test=[row("q", "a", "b", weight=-1.0)])
    out = tmp_path / "out.json"
    command = ["--model", str(tiny_model), "--dataset", str(dataset), "--out", str(out), "--cpu"]
    assert evaluate.main(command) == 1
    report = json.loads(out.read_text())
    assert (report["status"], report["error"]["type"]) == ("failed", "DataError")
    assert "weight" in capsys.readouterr().err


def test_bad_arguments_are_refused_in_one_line(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    command = ["--model", str(tiny_model), "--dataset", str(tmp_path), "--out", str(out)]
    assert evaluate.main(command) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()
