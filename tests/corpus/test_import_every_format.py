"""A small file in every format goes in through the command, and all that it says is found again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation.models import CompletionLabel, GoldAnswer, Label, StepLabel
from corpus.importers.registry import FORMATS
from corpus.models import Completion, Demonstration, Pair
from judging.models import Verdict
from tests.corpus.formats.expected import EXPECTED, MAPPED, Counts, Found
from tests.corpus.formats.reading import EXAMPLES

pytestmark = pytest.mark.django_db

HELPFUL = ("Fill it with", "The Danube, the Rhine", "Rain on the tin", "17 × 6 = 102", "No. They")
"""How the better answers to the five questions begin."""


def run(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    call_command("import_pairs", "harbour", str(path), "--json", *options)
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def found(report: dict[str, Any]) -> Found:
    """What is in the database, beside what the report says was read and refused."""
    labels = list(Label.objects.select_related("rater", "pair__first", "pair__second"))
    golds = GoldAnswer.objects.select_related("pair__first", "pair__second")
    verdicts = Verdict.objects.select_related("pair__first", "pair__second")
    return Found(
        rows=report["rows"],
        pairs=Pair.objects.count(),
        labels=counts(f"{one.rater.kind} {one.rater.name}" for one in labels),
        chosen=counts(chosen(one.choice, one.pair) for one in labels),
        gold=counts(chosen(one.choice, one.pair) for one in golds),
        verdicts=counts(f"{probability(one):.2f}" for one in verdicts),
        criteria=counts(
            f"{name}: {chosen(said, one.pair)}"
            for one in labels
            for name, said in one.criteria.items()
        ),
        strengths=counts(str(one.strength) for one in labels if one.strength),
        margins=counts(f"{one.margin:g}" for one in labels if one.margin is not None),
        thumbs=counts(
            f"{one.rater.kind} {one.rater.name}: {'up' if one.good else 'down'}"
            for one in CompletionLabel.objects.select_related("rater")
        ),
        steps=counts(
            f"{one.rater.kind} {one.rater.name}: {one.value:+d}"
            for one in StepLabel.objects.select_related("rater")
        ),
        demonstrations=Demonstration.objects.count(),
        answers=Completion.objects.count(),
        rejected=[one["line"] for one in report["rejected"]],
    )


def counts(names: Iterable[str]) -> Counts:
    return dict(sorted(Counter(names).items()))


def helps(text: str) -> bool:
    return text.strip().startswith(HELPFUL)


def chosen(choice: str, pair: Pair) -> str:
    """What a choice prefers: the helpful answer, the other, or neither."""
    if choice not in ("first", "second"):
        return choice
    better, worse = (pair.first, pair.second)[:: 1 if choice == "first" else -1]
    if helps(better.text) == helps(worse.text):
        return "one of two"
    return "helpful" if helps(better.text) else "other"


def probability(verdict: Verdict) -> float:
    """A verdict's probability that the helpful answer is better."""
    assert verdict.p_first is not None
    return verdict.p_first if helps(verdict.pair.first.text) else 1 - verdict.p_first


@pytest.mark.parametrize("name", EXPECTED)
def test_all_that_a_file_says_is_found_again_and_a_second_import_adds_nothing(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip("the example files are not here")
    format_name, expected = EXPECTED[name]

    report = run(path, capsys)

    assert report["format"] == format_name
    assert found(report) == expected
    assert report["pairs_added"] == expected.pairs
    assert report["labels_added"] == sum([*expected.labels.values(), *expected.thumbs.values()])
    assert report["steps_added"] == sum(expected.steps.values())

    again = run(path, capsys)

    assert found(again) == expected
    added = ("pairs", "labels", "steps", "demonstrations", "completions")
    assert [again[f"{what}_added"] for what in added] == [0] * 5


def test_every_example_file_is_in_the_table() -> None:
    if not EXAMPLES.exists():
        pytest.skip("the example files are not here")
    files = {path.name for path in EXAMPLES.iterdir()} - {"README.md"}

    assert files == {*EXPECTED, MAPPED}


def test_a_table_with_names_of_its_own_goes_in_through_a_mapping(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = EXAMPLES / MAPPED
    if not path.exists():
        pytest.skip("the example files are not here")
    columns = {
        "prompt": "Question",
        "response_a": "Answer 1",
        "response_b": "Answer 2",
        "choice": "Better",
        "rater": "Who",
    }
    options = [f"--map={field}={column}" for field, column in columns.items()]

    report = run(path, capsys, *options)

    assert found(report) == Found(
        rows=5,
        pairs=5,
        labels={"human kim": 3, "human lee": 2},
        chosen={"both_bad": 1, "equal": 1, "helpful": 2, "other": 1},
        answers=10,
    )


def test_every_format_has_an_example() -> None:
    without = set(FORMATS) - {name for name, _ in EXPECTED.values()}

    assert without == {"hh-rlhf", "prompt-completion", "rankings"}
