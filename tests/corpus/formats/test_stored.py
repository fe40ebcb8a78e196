"""A file in each format is imported, and what it holds is stored as what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotation.models import CompletionLabel, Label, Rater, StepLabel
from corpus.imports.services import import_file
from corpus.models import Completion, Demonstration, Pair, Prompt
from tests.corpus.formats.rows import ROWS

pytestmark = pytest.mark.django_db

STORED = {
    # format: pairs, labels of pairs, demonstrations
    "axolotl-chat-dpo": (1, 1, 0),
    "hh-rlhf": (1, 1, 0),
    "llamafactory-alpaca-dpo": (1, 1, 0),
    "llamafactory-kto": (0, 0, 0),
    "llamafactory-sharegpt-dpo": (1, 1, 0),
    "math-shepherd": (0, 0, 0),
    "messages-sft": (0, 0, 1),
    "nectar": (3, 3, 0),
    "openrlhf-preference": (1, 1, 0),
    "pairs": (1, 1, 0),
    "prm800k": (0, 0, 0),
    "prompt-completion": (0, 0, 1),
    "rankings": (1, 1, 0),
    "trl-preference": (1, 1, 0),
    "trl-stepwise": (0, 0, 0),
    "trl-unpaired": (0, 0, 0),
    "ultrafeedback": (1, 1, 0),
    "ultrafeedback-binarized": (1, 1, 0),
}


def load(tmp_path: Path, row: dict[str, Any]) -> Any:
    path = tmp_path / "file.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return import_file(slug="harbour", path=path)


@pytest.mark.parametrize("name", STORED)
def test_a_row_is_stored_as_what_it_is_and_once(name: str, tmp_path: Path) -> None:
    pairs, labels, shown = STORED[name]

    load(tmp_path, ROWS[name])
    load(tmp_path, ROWS[name])

    assert Pair.objects.count() == pairs
    assert Label.objects.count() == labels
    assert Demonstration.objects.count() == shown
    assert Completion.objects.count() >= max(1, pairs)
    assert Prompt.objects.count() == 1


def test_judges_and_people_are_kept_apart(tmp_path: Path) -> None:
    load(tmp_path, ROWS["ultrafeedback"])
    load(tmp_path, ROWS["trl-preference"])

    kinds = dict(Rater.objects.values_list("name", "kind"))
    assert kinds == {"ultrafeedback": "judge", "trl-preference": "human"}


def test_a_margin_and_criteria_are_stored_with_the_label(tmp_path: Path) -> None:
    load(tmp_path, ROWS["ultrafeedback"])

    label = Label.objects.get()
    assert label.margin == 6.5
    assert set(label.criteria) == {"helpfulness"}


def test_a_conversation_with_tools_is_stored_with_its_calls(tmp_path: Path) -> None:
    load(tmp_path, ROWS["pairs"])

    messages = Prompt.objects.get().messages
    assert [turn["role"] for turn in messages] == ["system", "user", "assistant", "tool"]
    assert messages[2]["tool_calls"][0]["function"]["arguments"] == '{"n": 3}'


@pytest.mark.parametrize(
    ("name", "thumbs", "steps"),
    [
        ("trl-unpaired", 1, 0),
        ("llamafactory-kto", 1, 0),
        ("trl-stepwise", 0, 2),
        ("math-shepherd", 0, 2),
        ("prm800k", 0, 4),
    ],
)
def test_thumbs_and_labels_of_steps_are_stored(
    name: str, thumbs: int, steps: int, tmp_path: Path
) -> None:
    report = load(tmp_path, ROWS[name])

    assert (CompletionLabel.objects.count(), StepLabel.objects.count()) == (thumbs, steps)
    assert (report.labels_added, report.steps_added) == (thumbs, steps)
