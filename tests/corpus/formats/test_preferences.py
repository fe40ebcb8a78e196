"""Formats with a chosen and a rejected answer."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.reading import Row
from corpus.importers.records import PairRecord
from corpus.importers.registry import FORMATS
from tests.corpus.formats.rows import BAD, CALL, GOOD, SYSTEM, TOLD, USER, changed

CHOSEN, REJECTED = GOOD["content"], BAD["content"]


def read(name: str, **changes: Any) -> PairRecord:
    (record,) = FORMATS[name].parse(Row(1, changed(name, **changes), "f"))
    assert isinstance(record, PairRecord)
    return record


def sides(record: PairRecord) -> tuple[str, str]:
    """The better and the worse answer, by the record's label."""
    answers = record.response_a, record.response_b
    return answers if record.labels[0].choice == "a" else answers[::-1]


@pytest.mark.parametrize(
    "name",
    [
        "axolotl-chat-dpo",
        "llamafactory-alpaca-dpo",
        "llamafactory-sharegpt-dpo",
        "openrlhf-preference",
        "trl-preference",
        "ultrafeedback-binarized",
    ],
)
def test_the_chosen_answer_is_the_better_one(name: str) -> None:
    record = read(name)

    assert sides(record) == (CHOSEN, REJECTED)
    assert record.labels[0].rater == name
    assert record.labels[0].kind == ("judge" if name == "ultrafeedback-binarized" else "human")


def test_a_plain_prompt_is_a_users_turn() -> None:
    record = read("trl-preference", prompt="Why?", chosen="So.", rejected="No.")

    assert record.messages() == [{"role": "user", "content": "Why?"}]
    assert sides(record) == ("So.", "No.")


def test_dialogues_hold_the_prompt_that_they_share() -> None:
    record = read(
        "trl-preference", prompt=..., chosen=[SYSTEM, USER, GOOD], rejected=[SYSTEM, USER, BAD]
    )

    assert record.messages() == [SYSTEM, USER]


def test_a_prompt_stands_in_dialogues_once() -> None:
    whole = read(
        "trl-preference", prompt=[USER], chosen=[SYSTEM, USER, GOOD], rejected=[SYSTEM, USER, BAD]
    )
    going_on = read(
        "trl-preference", prompt=[USER], chosen=[CALL, TOLD, GOOD], rejected=[CALL, TOLD, BAD]
    )

    assert whole.messages() == [SYSTEM, USER]
    assert [turn.role for turn in going_on.prompt] == ["user", "assistant", "tool"]


def test_texts_without_a_prompt_part_where_their_words_do() -> None:
    record = read(
        "trl-preference", prompt=..., chosen="The sky is blue.", rejected="The sky is black."
    )

    assert record.messages() == [{"role": "user", "content": "The sky is"}]
    assert sides(record) == ("blue.", "black.")


def test_a_margin_is_kept_with_the_label() -> None:
    assert read("trl-preference").labels[0].margin == 1.5
    assert read("trl-preference", margin=0.0).labels[0].choice in ("a", "b")


def test_scores_are_kept_with_their_answers_and_their_difference_is_the_margin() -> None:
    record = read("ultrafeedback-binarized")
    scores = {
        record.response_a: record.metadata_a["score"],
        record.response_b: record.metadata_b["score"],
    }

    assert scores == {CHOSEN: 8.5, REJECTED: 4.0}
    assert record.labels[0].margin == 4.5
    assert record.metadata == {"prompt_id": "p1"}


def test_equal_scores_are_a_tie_and_not_a_win() -> None:
    record = read("ultrafeedback-binarized", score_chosen=8.5, score_rejected=8.5)

    assert (record.labels[0].choice, record.labels[0].margin) == ("equal", 0.0)


def test_the_input_stands_under_the_instruction_and_after_the_history() -> None:
    assert read("llamafactory-alpaca-dpo").messages() == [
        SYSTEM,
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "Name three rivers.\nIn Europe."},
    ]


def test_the_calls_and_answers_of_tools_in_sharegpt_are_turns() -> None:
    record = read("llamafactory-sharegpt-dpo")

    assert [turn.role for turn in record.prompt] == ["system", "user", "assistant", "tool"]
    (call,) = record.prompt[2].tool_calls or ()
    assert call["function"] == {"name": "rivers", "arguments": '{"n": 3}'}


def test_names_of_models_go_with_their_answers() -> None:
    record = read("trl-preference", chosen_model="strong", rejected_model="weak")

    models = {record.response_a: record.model_a, record.response_b: record.model_b}
    assert models == {CHOSEN: "strong", REJECTED: "weak"}
