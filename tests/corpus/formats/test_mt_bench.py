"""MT-bench judgments: people and judges, and how much of a dialogue they saw."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import mt_bench
from tests.corpus.formats.reading import choices, example_pairs, label, pair, reason
from tests.corpus.formats.test_arena import talk


def judgment(**changes: Any) -> dict[str, Any]:
    return {
        "question_id": 81,
        "model_a": "m1",
        "model_b": "m2",
        "winner": "model_b",
        "judge": "expert_1",
        "conversation_a": talk("Why?", "Because.", "Shorter.", "So."),
        "conversation_b": talk("Why?", "No idea.", "Shorter.", "No."),
        "turn": 1,
        **changes,
    }


def test_a_judgment_of_the_first_turn_is_of_the_first_answers() -> None:
    found = pair(mt_bench, **judgment())

    assert [turn.content for turn in found.prompt] == ["Why?"]
    assert (found.response_a, found.response_b, found.id) == ("Because.", "No idea.", "81")
    assert found.metadata == {"turn": 1}
    assert (found.labels[0].rater, found.labels[0].choice) == ("expert_1", "b")


def test_a_judgment_of_the_second_turn_is_of_the_dialogue() -> None:
    found = pair(mt_bench, **judgment(turn=2))

    assert [turn.content for turn in found.prompt] == ["Why?"]
    assert found.response_a == "Because.\n\n[User]\nShorter.\n\n[Assistant]\nSo."
    assert found.metadata == {"turn": 2, "transcript": {"turns_a": 3, "turns_b": 3}}


@pytest.mark.parametrize(
    ("judge", "rater", "kind"),
    [
        ("expert_17", "expert_17", "human"),
        ("author_2", "author_2", "human"),
        ("gpt4_pair", "gpt4_pair", "judge"),
        (["gpt-4", "pair-v2"], "gpt-4", "judge"),
    ],
)
def test_people_are_told_from_judges_by_their_names(judge: Any, rater: str, kind: str) -> None:
    said = label(mt_bench, **judgment(judge=judge))

    assert (said.rater, said.kind) == (rater, kind)


def test_the_judges_template_is_kept() -> None:
    found = pair(mt_bench, **judgment(judge=["gpt-4", "pair-v2"]))

    assert found.metadata["judge_template"] == "pair-v2"


def test_a_verdict_that_flipped_with_the_order_prefers_neither_and_is_kept_as_such() -> None:
    found = pair(mt_bench, **judgment(winner="tie (inconsistent)", judge=["gpt-4", "pair-v2"]))

    assert found.labels[0].choice == "equal"
    assert found.metadata["winner"] == "tie (inconsistent)"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"turn": 3}, "conversation_a: has 2 answers; the judge saw 3"),
        ({"turn": 0}, "turn: must be a whole number from 1, got '0'"),
        ({"turn": "first"}, "turn: must be a whole number"),
        ({"winner": "error"}, "winner: 'error' is no known outcome"),
        ({"conversation_b": []}, "conversation_b: must be a list of messages"),
    ],
)
def test_a_bad_judgment_is_refused_with_what_is_wrong(changes: dict[str, Any], said: str) -> None:
    assert said in reason(mt_bench, **judgment(**changes))


def test_a_file_of_people_and_a_judge() -> None:
    pairs = example_pairs("mt-bench-judgments.jsonl", mt_bench)

    assert choices(pairs) == [["a"], ["b"], ["equal"], ["a"], ["b"]]
    assert [(one.labels[0].rater, one.labels[0].kind) for one in pairs] == [
        ("judge-model", "judge"),
        ("expert_1", "human"),
        ("judge-model", "judge"),
        ("expert_1", "human"),
        ("judge-model", "judge"),
    ]
    assert [one.metadata["turn"] for one in pairs] == [1, 2, 1, 2, 1]
    assert ["transcript" in one.metadata for one in pairs] == [False, True, False, True, False]
