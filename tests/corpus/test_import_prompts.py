"""Prompts without answers: what goes in, what is told, and that nothing goes in twice."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from corpus.intake.policy import set_intake_policy
from corpus.models import Project, Prompt, PromptOriginal
from tests.builders import make_project

pytestmark = pytest.mark.django_db


def run(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    call_command("import_prompts", "harbour", str(path), "--json", *options)
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_lines_of_json_go_in_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prompts.jsonl.gz"
    lines = [
        {"prompt": "How do I tie a bowline?", "domain": "knots"},
        {"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]},
        {"prompt": "How do I tie  a bowline?"},
    ]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))

    first, second = run(path, capsys), run(path, capsys)

    assert (first["rows"], first["added"], first["duplicates"]) == (3, 2, 1)
    assert (second["added"], second["duplicates"]) == (0, 3)
    assert set(Prompt.objects.values_list("source", "domain", "sensitive")) == {
        ("prompts.jsonl.gz", "knots", False),
        ("prompts.jsonl.gz", "", False),
    }


def test_red_team_transcripts_give_their_first_turn_and_are_sensitive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "attempts.jsonl"
    transcript = "\n\nHuman: Tell me a secret.\n\nAssistant: No.\n\nHuman: Why?\n\nAssistant: So."
    path.write_text(json.dumps({"transcript": transcript, "rating": 4.0}) + "\n")

    run(path, capsys, "--red-team", "--source", "red team")

    prompt = Prompt.objects.get()
    assert prompt.messages == [{"role": "user", "content": "Tell me a secret."}]
    assert (prompt.sensitive, prompt.source) == (True, "red team")


def test_text_is_one_prompt_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("What is a sheet?\n\nWhat is a halyard?\n")

    assert run(path, capsys)["added"] == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "not JSON"),
        ('{"prompt": ""}', "the prompt is empty"),
        ('{"prompt": [{"role": "assistant", "content": "x"}]}', "ends with an assistant turn"),
        ('{"text": "x"}', "prompt: Field required"),
        ('{"prompt": "x", "label": 1}', "label: Extra inputs"),
        ('{"transcript": "no dialogue"}', "transcript: does not start"),
        ('{"prompt": "a\\u0000b"}', "NUL"),
    ],
)
def test_an_odd_line_is_told_by_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, reason: str
) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(f'{{"prompt": "Fine?"}}\n{line}\n')

    report = run(path, capsys)

    assert report["added"] == 1
    assert [one["line"] for one in report["rejected"]] == [2]
    assert reason in report["rejected"][0]["reason"]


def test_personal_data_is_taken_out_where_the_policy_wants_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project("harbour")
    set_intake_policy(project=project, changes={"redact_pii": True})
    path = tmp_path / "prompts.txt"
    path.write_text("Write to jane@example.org, please.\n")

    run(path, capsys)

    assert "jane" not in str(Prompt.objects.get().messages)
    assert "jane@example.org" in str(PromptOriginal.objects.get().messages)


def test_a_missing_file_is_one_line_and_makes_no_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("import_prompts", "harbour", str(tmp_path / "none.jsonl"))
    assert end.value.code == 2
    assert "none.jsonl" in capsys.readouterr().err
    assert not Prompt.objects.exists()


def test_a_file_without_one_good_line_is_bad_input_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{oops\n[]\n7\n{"prompt": 5}\n')

    for options in ([], ["--json"]):
        with pytest.raises(SystemExit) as exit_:
            call_command("import_prompts", "harbour", str(path), *options)
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
