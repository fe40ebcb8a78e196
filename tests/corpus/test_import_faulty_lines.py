"""A file with many faulty lines: the good ones go in, and each other is reported by its number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from corpus.models import Pair

pytestmark = pytest.mark.django_db


def vote(number: int) -> dict[str, Any]:
    """A vote of an arena on a question of its own."""
    sides = {
        side: [
            {"role": "user", "content": f"Question {number}?"},
            {"role": "assistant", "content": f"{answer} {number}."},
        ]
        for side, answer in (("conversation_a", "Yes"), ("conversation_b", "No"))
    }
    winner = ("model_a", "model_b", "tie", "both_bad")[number % 4]
    return {"id": str(number), "model_a": "m1", "model_b": "m2", "winner": winner, **sides}


FAULTS: list[tuple[dict[str, Any] | str, str]] = [
    ("{oops", "not JSON"),
    ('["a", "list"]', "must be a JSON object"),
    ({"winner": "model_c"}, "winner: 'model_c' is no known outcome"),
    ({"winner": None}, "winner: "),
    ({"conversation_a": "Yes"}, "conversation_a: must be a list of messages"),
    ({"conversation_b": [{"role": "user", "content": "Else?"}]}, "conversation_b: ends with"),
    ({"conversation_b": [{"role": "robot", "content": "x"}]}, "conversation_b.0.role"),
    ({"timestamp": [2025]}, "the time of the vote: must be a time, got list"),
    ({"language": "\x00"}, "language: contains"),
    ({"conversation_a": [{"role": "user", "content": [{"type": "image"}]}]}, "holds an image"),
]


def test_a_thousand_lines_with_a_fault_in_every_tenth_are_900_in_and_100_reported_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, faulty = [], {}
    for number in range(1, 1001):
        fault, reason = FAULTS[number // 10 % len(FAULTS)]
        if number % 10:
            lines.append(json.dumps(vote(number)))
            continue
        faulty[number] = reason
        lines.append(fault if isinstance(fault, str) else json.dumps({**vote(number), **fault}))
    path = tmp_path / "votes.jsonl"
    path.write_text("\n".join(lines) + "\n")

    call_command("import_pairs", "harbour", str(path), "--json")
    report = json.loads(capsys.readouterr().out)

    assert (report["rows"], report["pairs_added"], report["labels_added"]) == (1000, 900, 900)
    rejected = {one["line"]: one["reason"] for one in report["rejected"]}
    assert list(rejected) == list(faulty)
    assert len(rejected) == report["rejected_rows"] == 100
    assert [line for line, reason in faulty.items() if reason not in rejected[line]] == []
    assert Pair.objects.count() == 900
