"""Importing a file: what goes in, what is reported, and that nothing goes in twice."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from annotation.models import GoldAnswer, Label, Rater, Slot
from corpus.models import Completion, ModelVersion, Pair, Project, Prompt
from judging.models import JudgeConfig, Verdict

pytestmark = pytest.mark.django_db

REAL = Path(settings.BASE_DIR).parent / "shared/data/hh-rlhf-harmless-test/test.jsonl.gz"


def line(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "prompt": f"Question {number}?",
        "response_a": f"Yes {number}.",
        "response_b": f"No {number}.",
        **fields,
    }


def write(path: Path, *lines: dict[str, Any] | str) -> Path:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    path.write_text(text + "\n")
    return path


def run(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    call_command("import_pairs", "harbour", str(path), "--json", *options)
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def counts() -> dict[str, int]:
    models = (Project, Prompt, Completion, Pair, Label, GoldAnswer, Slot, Rater, Verdict)
    return {model.__name__: model._default_manager.count() for model in models}


def test_good_lines_go_in_and_odd_ones_are_reported_by_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "f.jsonl", line(1), "{oops", "", line(2), line(3, response_a=5))

    report = run(path, capsys)

    assert (report["rows"], report["pairs_added"], report["duplicates"]) == (4, 2, 0)
    assert [one["line"] for one in report["rejected"]] == [2, 5]
    assert "not JSON" in report["rejected"][0]["reason"]
    assert Slot.objects.filter(purpose="production").count() == 2


def test_a_second_import_adds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = [
        {"rater": "ann", "choice": "a", "created_at": "2026-01-01T00:00:00Z"},
        {"rater": "ben", "choice": "equal"},
        {"rater": "gpt", "kind": "judge", "order": "ab", "p_a": 0.9},
        {"rater": "gpt", "kind": "judge", "order": "ba", "p_a": 0.7},
    ]
    path = write(tmp_path / "f.jsonl", line(1, labels=labels, gold="b", model_a="m"), line(2))
    first = run(path, capsys)
    before = counts()

    second = run(path, capsys)

    assert (first["pairs_added"], first["labels_added"]) == (2, 3)
    assert (second["pairs_added"], second["labels_added"], second["duplicates"]) == (0, 0, 2)
    assert counts() == before


def test_a_pair_written_the_other_way_round_is_the_same_pair(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(write(tmp_path / "a.jsonl", line(labels=[{"rater": "ann", "choice": "a"}])), capsys)
    swapped = {
        "prompt": "Question 0?",
        "response_a": "No 0.",
        "response_b": "Yes 0.",
        "labels": [{"rater": "ben", "choice": "b"}],
        "gold": "b",
    }

    report = run(write(tmp_path / "b.jsonl", swapped), capsys)

    assert (report["pairs_added"], report["labels_added"]) == (0, 1)
    pair = Pair.objects.get()
    assert pair.first.text == "Yes 0."
    assert {label.choice for label in pair.labels.all()} == {"first"}
    assert GoldAnswer.objects.get().choice == "first"


def test_a_pair_twice_in_one_file_is_a_duplicate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = run(write(tmp_path / "f.jsonl", line(1), line(1), line(1, response_b="Else.")), capsys)

    assert (report["pairs_added"], report["duplicates"]) == (2, 1)
    assert Prompt.objects.count() == 1


def test_foreign_verdicts_become_verdicts_and_their_mean_the_judges_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = [
        {"rater": "gpt", "kind": "judge", "order": "ab", "p_a": 0.9},
        {"rater": "gpt", "kind": "judge", "order": "ba", "p_a": 0.6},
    ]
    run(write(tmp_path / "f.jsonl", line(labels=judged)), capsys)

    assert JudgeConfig.objects.get().constitution_version is None
    assert {(v.order, v.p_first) for v in Verdict.objects.all()} == {("ab", 0.9), ("ba", 0.6)}
    label = Label.objects.get()
    assert label.choice == "first"
    assert label.p_first == pytest.approx(0.75)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_probability_of_no_order_is_a_soft_label_and_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], swapped: bool
) -> None:
    if swapped:
        run(write(tmp_path / "a.jsonl", line(response_a="No 0.", response_b="Yes 0.")), capsys)
    judged = [{"rater": "gpt", "kind": "judge", "p_a": 0.9}]
    path = write(tmp_path / "f.jsonl", line(labels=judged))

    assert run(path, capsys)["labels_added"] == 1
    assert run(path, capsys)["labels_added"] == 0

    label = Label.objects.get()
    assert (label.choice, label.p_first) == (
        ("second", pytest.approx(0.1)) if swapped else ("first", 0.9)
    )
    assert not Verdict.objects.exists()


def test_a_raters_second_label_supersedes_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = [{"rater": "ann", "choice": "a"}, {"rater": "ann", "choice": "b"}]

    run(write(tmp_path / "f.jsonl", line(labels=labels)), capsys)

    assert Label.objects.count() == 2
    assert Label.objects.effective().get().choice == "second"


def test_named_models_are_registered_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line(n, model_a="one", model_b="two") for n in range(3)]

    run(write(tmp_path / "f.jsonl", *lines), capsys)

    assert sorted(ModelVersion.objects.values_list("name", "kind")) == [
        ("one", "api"),
        ("two", "api"),
    ]


def test_gzip_is_known_by_its_first_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "no-suffix"
    path.write_bytes(gzip.compress(json.dumps(line()).encode()))

    assert run(path, capsys)["pairs_added"] == 1


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", (), "is empty"),
        (b"\n\n", (), "is empty"),
        (b'{"a": 1}\n', (), "in an unknown format"),
        (json.dumps(line()).encode(), ("--format", "csv"), "Unknown format 'csv'"),
        (gzip.compress(b"x" * 1000)[:-20], (), "Cannot read"),
        (None, (), "Cannot read"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_clear_line_and_nothing_stored(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    options: tuple[str, ...],
    message: str,
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SystemExit) as ended:
        call_command("import_pairs", "harbour", str(path), *options)

    assert ended.value.code == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert len(said.splitlines()) == 1
    assert Project.objects.count() == 0


@pytest.mark.skipif(not REAL.exists(), reason="the real preference data is not on this machine")
def test_the_real_pairs_go_in_with_every_odd_line_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = run(REAL, capsys)
    second = run(REAL, capsys)

    assert (first["rows"], first["pairs_added"], first["labels_added"]) == (2312, 2303, 2303)
    assert [one["line"] for one in first["rejected"]] == [
        *(668, 764, 1255, 1320, 1689, 1850, 1951, 1953, 2037)
    ]
    assert (second["pairs_added"], second["labels_added"], second["duplicates"]) == (0, 0, 2303)
    chosen_first = Label.objects.filter(choice="first").count()
    assert 1050 < chosen_first < 1250


def test_a_file_without_one_good_line_is_bad_input_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        tmp_path / "bad.jsonl", line(1, response_a=5), "{oops", line(2, response_b=None), "[]"
    )

    for options in ([], ["--json"]):
        with pytest.raises(SystemExit) as exit_:
            call_command("import_pairs", "harbour", str(path), *options)
        shown = capsys.readouterr()

        assert exit_.value.code == 2
        assert shown.err.count("\n") == 1
        assert "line 1: " in shown.err
        assert "line 3: " in shown.err
        assert "and 1 more" in shown.err
        if options:
            report = json.loads(shown.out)
            assert (report["rows"], len(report["rejected"])) == (4, 4)
        else:
            assert shown.out == ""
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Why?", "completion": "So.", "label": True},
        {"prompt": "Why?", "completions": ["One.", "Two."], "labels": [True, False]},
        {"prompt": "Why?", "completion": "So."},
        line(labels=[{"rater": "ann", "choice": "a"}]),
    ],
)
def test_a_dry_run_counts_what_the_import_then_adds_and_stores_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: dict[str, Any]
) -> None:
    path = write(tmp_path / "f.jsonl", row)

    said = run(path, capsys, "--dry-run")

    assert not Project.objects.exists()
    assert run(path, capsys) == said
