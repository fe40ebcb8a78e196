"""Votes of an arena: who won, and what was judged where the dialogues went their own way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from corpus.importers.formats import arena
from tests.corpus.formats.reading import choices, example_pairs, label, pair, reason


def talk(*said: str) -> list[dict[str, str]]:
    speakers = ("user", "assistant")
    return [{"role": speakers[n % 2], "content": one} for n, one in enumerate(said)]


def vote(**changes: Any) -> dict[str, Any]:
    return {
        "question_id": "q0",
        "model_a": "m1",
        "model_b": "m2",
        "winner": "model_a",
        "judge": "arena_user_9",
        "conversation_a": talk("Why?", "Because."),
        "conversation_b": talk("Why?", "No idea."),
        "turn": 1,
        "anony": True,
        "language": "English",
        "tstamp": 1682351591.5,
        **changes,
    }


def lists(**changes: Any) -> dict[str, Any]:
    return {
        "id": 30192,
        "model_a": "m1",
        "model_b": "m2",
        "prompt": json.dumps(["Why?"]),
        "response_a": json.dumps(["Because."]),
        "response_b": json.dumps(["No idea."]),
        "winner_model_a": "0",
        "winner_model_b": "1",
        "winner_tie": "0",
        **changes,
    }


def test_a_vote_of_one_turn_is_a_pair_in_the_order_of_the_file() -> None:
    found = pair(arena, **vote())

    assert [turn.content for turn in found.prompt] == ["Why?"]
    assert (found.response_a, found.response_b) == ("Because.", "No idea.")
    assert (found.model_a, found.model_b, found.id) == ("m1", "m2", "q0")
    assert found.language == "English"
    assert found.metadata == {"turn": 1, "anony": True}
    [said] = found.labels
    assert (said.rater, said.kind, said.choice) == ("arena_user_9", "human", "a")
    assert said.created_at is not None
    assert said.created_at.isoformat() == "2023-04-24T15:53:11.500000+00:00"


@pytest.mark.parametrize(
    ("winner", "choice"),
    [
        ("model_a", "a"),
        ("model_b", "b"),
        ("tie", "equal"),
        ("tie (bothbad)", "both_bad"),
        ("both_bad", "both_bad"),
    ],
)
def test_each_outcome_is_a_choice(winner: str, choice: str) -> None:
    assert label(arena, **vote(winner=winner)).choice == choice


def test_dialogues_that_part_after_the_first_answer_are_judged_from_there_on() -> None:
    found = pair(
        arena,
        **vote(
            conversation_a=talk("Why?", "Because.", "Why so?", "It is the law."),
            conversation_b=talk("Why?", "No idea.", "Why so?", "Ask another."),
        ),
    )

    assert [turn.content for turn in found.prompt] == ["Why?"]
    assert found.response_a == "Because.\n\n[User]\nWhy so?\n\n[Assistant]\nIt is the law."
    assert found.response_b == "No idea.\n\n[User]\nWhy so?\n\n[Assistant]\nAsk another."
    assert found.metadata["transcript"] == {"turns_a": 3, "turns_b": 3}


def test_what_two_dialogues_share_is_the_prompt() -> None:
    found = pair(
        arena,
        **vote(
            conversation_a=talk("Hi", "Hello.", "Why?", "Because."),
            conversation_b=talk("Hi", "Hello.", "Why?", "No idea."),
        ),
    )

    assert [turn.content for turn in found.prompt] == ["Hi", "Hello.", "Why?"]
    assert (found.response_a, found.response_b) == ("Because.", "No idea.")
    assert "transcript" not in found.metadata


def test_a_person_who_asked_each_model_something_else_still_judged_the_whole() -> None:
    found = pair(
        arena,
        **vote(
            conversation_a=talk("Hi", "Hello.", "Why?", "Because."),
            conversation_b=talk("Hi", "Hello.", "How?", "So."),
        ),
    )

    assert [turn.content for turn in found.prompt] == ["Hi"]
    assert found.response_b == "Hello.\n\n[User]\nHow?\n\n[Assistant]\nSo."


def test_dialogues_that_share_no_turn_are_refused() -> None:
    said = reason(arena, **vote(conversation_b=talk("How?", "So.")))

    assert said == "conversation_a and conversation_b differ in their first turn"


def test_two_models_may_say_the_same() -> None:
    found = pair(arena, **vote(conversation_b=talk("Why?", "Because.")))

    assert (found.response_a, found.response_b) == ("Because.", "Because.")


def test_content_in_parts_is_a_text_and_the_conversation_written_again_is_dropped() -> None:
    def parts(*said: str) -> list[dict[str, Any]]:
        return [
            {**one, "content": [{"type": "text", "text": one["content"], "image": None}]}
            for one in talk(*said)
        ]

    row = {
        "id": "e0",
        "model_a": "m1",
        "model_b": "m2",
        "winner": "both_bad",
        "evaluation_session_id": "s0",
        "conversation_a": parts("Why?", "Because."),
        "conversation_b": parts("Why?", "No idea."),
        "full_conversation": [{"user": {}}],
        "language": "en",
        "timestamp": "2025-05-30 17:01:05",
    }

    found = pair(arena, **row)

    assert (found.response_a, found.response_b) == ("Because.", "No idea.")
    assert (found.labels[0].rater, found.labels[0].choice) == ("arena", "both_bad")
    assert found.metadata == {"evaluation_session_id": "s0"}
    assert found.dropped == ("full_conversation",)


def test_lists_of_turns_in_cells_are_dialogues() -> None:
    found = pair(arena, **lists())

    assert (found.response_a, found.response_b, found.id) == ("Because.", "No idea.", "30192")
    assert (found.labels[0].rater, found.labels[0].choice) == ("arena", "b")


@pytest.mark.parametrize("nothing", [None, "null"])
def test_a_null_answer_is_one_that_says_nothing(nothing: str | None) -> None:
    found = pair(
        arena,
        **lists(
            prompt=json.dumps(["Why?", "Why so?"]),
            response_a=json.dumps(["Because.", "It is the law."]),
            response_b=json.dumps(["No idea.", nothing]),
        ),
    )

    assert found.response_a == "Because.\n\n[User]\nWhy so?\n\n[Assistant]\nIt is the law."
    assert found.response_b == "No idea.\n\n[User]\nWhy so?\n\n[Assistant]\n"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (vote(winner="model_c"), "winner: 'model_c' is no known outcome"),
        (vote(winner=["model_a"]), "winner: "),
        (vote(conversation_a=talk("Why?")), "conversation_a: ends with a turn of the user"),
        (vote(conversation_b=None), "conversation_b: must be a list of messages"),
        (vote(tstamp=1e300), "seconds since 1970 is no time"),
        (lists(winner_model_a="1"), "exactly one of"),
        (lists(winner_model_b="0"), "exactly one of"),
        (lists(response_a="Because."), "response_a: must be a JSON list of texts"),
        (lists(response_a="[]"), "response_a: must be a list of texts"),
        (lists(response_a='["x", "y"]'), "response_a: has 2 turns for 1 of the prompt"),
        (lists(response_a="[1]"), "response_a.0: must be a text or null, got int"),
        (lists(response_a='["\\ud83d"]'), "surrogate"),
    ],
)
def test_a_bad_vote_is_refused_with_what_is_wrong(row: dict[str, Any], said: str) -> None:
    assert said in reason(arena, **row)


def test_the_files_of_33_thousand_55_thousand_and_140_thousand_votes() -> None:
    votes = [["a"], ["b"], ["equal"], ["both_bad"], ["a"]]
    first = example_pairs("arena-33k.jsonl", arena)
    assert choices(first) == votes
    assert [one.labels[0].rater for one in first] == [f"arena_user_{n}" for n in range(5)]

    second = example_pairs("arena-55k.csv", arena)
    assert choices(second) == [["a"], ["b"], ["equal"], ["a"], ["b"]]
    assert all(one.response_a.endswith("[Assistant]\nBecause.") for one in second)
    assert all(one.response_b.endswith("[Assistant]\n") for one in second)

    third = example_pairs("arena-140k.jsonl", arena)
    assert choices(third) == votes
    assert third[3].response_a == "17 × 6 = 102."
    assert {one.language for one in third} == {"en"}
