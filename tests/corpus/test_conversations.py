"""Turns with tools: how they are told apart, read, and cleaned of personal data."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.conversations import (
    all_text,
    as_text,
    changed,
    characters,
    last_asked,
    shown,
    summary,
)
from corpus.hashing import prompt_sha256
from corpus.importers.records import PairRecord
from corpus.importers.turns import Turn

CALL: dict[str, Any] = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {
            "type": "function",
            "id": "c1",
            "function": {"name": "forecast", "arguments": '{"city": "Lyon", "days": 2}'},
        }
    ],
}
ANSWER = {"role": "tool", "content": '{"rain": 0.8}', "tool_call_id": "c1"}
TURNS = [{"role": "user", "content": "Will it rain?"}, CALL, ANSWER]


def with_call(**changes: Any) -> list[dict[str, Any]]:
    turns = copy.deepcopy(TURNS)
    call = turns[1]["tool_calls"][0]
    call["function"].update({k: v for k, v in changes.items() if k != "id"})
    if "id" in changes:
        call["id"] = turns[2]["tool_call_id"] = changes["id"]
    return turns


def test_a_prompt_without_tools_has_the_hash_that_it_always_had() -> None:
    said = '[{"content":"Be brief.","role":"system"},{"content":"Why so?","role":"user"}]'

    assert (
        prompt_sha256(
            [
                {"role": "system", "content": " Be\nbrief."},
                {"role": "user", "content": "Why  so?"},
            ]
        )
        == hashlib.sha256(said.encode()).hexdigest()
    )


def test_prompts_with_other_calls_are_other_prompts() -> None:
    plain = [TURNS[0], {"role": "assistant", "content": ""}, TURNS[2]]
    hashes = {
        prompt_sha256(turns)
        for turns in (
            TURNS,
            plain,
            with_call(name="history"),
            with_call(arguments='{"city": "Nice", "days": 2}'),
            with_call(arguments="not JSON"),
            [*TURNS[:2], {**ANSWER, "tool_call_id": "other"}],
            [*TURNS[:2], {**ANSWER, "name": "forecast"}],
        )
    }

    assert len(hashes) == 7


def test_the_spelling_of_a_call_and_its_id_make_no_other_prompt() -> None:
    assert prompt_sha256(with_call(id="call_9f3")) == prompt_sha256(TURNS)
    assert prompt_sha256(with_call(arguments='{"days":2,"city":"Lyon"}')) == prompt_sha256(TURNS)


@pytest.mark.parametrize(
    "arguments", ["[" * 5_000, '{"x": 1e999}', '{"x": NaN}', '"\\ud800"', '{"x": "\\ud800"}', ""]
)
def test_arguments_that_are_no_usable_json_are_text(arguments: str) -> None:
    turns = with_call(arguments=arguments)

    assert len(prompt_sha256(turns)) == 64
    assert shown(turns)[1].calls[0].arguments == arguments
    assert changed(turns[1], str.upper)["tool_calls"][0]["function"]["arguments"] == (
        arguments.upper()
    )


def test_turns_are_shown_with_their_calls_laid_out_and_the_tool_that_answers_named() -> None:
    user, assistant, tool = shown(TURNS)

    assert (user.content, user.calls) == ("Will it rain?", ())
    assert assistant.calls[0].name == "forecast"
    assert assistant.calls[0].arguments == '{\n  "city": "Lyon",\n  "days": 2\n}'
    assert (tool.tool, tool.content) == ("forecast", '{\n  "rain": 0.8\n}')


def test_a_judge_reads_calls_and_answers_in_their_order() -> None:
    assert as_text(TURNS) == (
        "User: Will it rain?\n\n"
        'Assistant: [calls forecast with {"city": "Lyon", "days": 2}]\n\n'
        'Tool: {"rain": 0.8}'
    )


def test_a_prompt_without_tools_reads_as_it_always_did() -> None:
    turns = [{"role": "system", "content": "x"}, {"role": "user", "content": ""}]

    assert as_text(turns) == "System: x\n\nUser: "
    assert (all_text(turns), characters(turns), summary(turns)) == ("x\n", 1, "")


def test_a_prompt_that_ends_with_a_call_is_known_by_it() -> None:
    assert summary(TURNS[:2]) == 'forecast {"city": "Lyon", "days": 2}'


def test_in_a_list_a_prompt_is_known_by_what_was_asked_last() -> None:
    assert last_asked(TURNS) == "Will it rain?"
    assert last_asked([*TURNS, {"role": "user", "content": " "}]) == "Will it rain?"
    assert last_asked([CALL]) == 'forecast {"city": "Lyon", "days": 2}'
    assert last_asked([]) == ""


def test_personal_data_is_taken_out_of_what_tools_are_given() -> None:
    turns = with_call(arguments='{"phone": 4155552671, "to": ["ann@example.org"], "n": 2}')
    record = PairRecord(
        prompt=tuple(Turn(**turn) for turn in turns), response_a="x", response_b="y"
    )

    def change(text: str) -> str:
        return text.replace("4155552671", "<PHONE>").replace("ann@example.org", "<EMAIL>")

    clean = record.with_texts(change).messages()[1]["tool_calls"][0]["function"]

    assert clean["arguments"] == '{"phone": "<PHONE>", "to": ["<EMAIL>"], "n": 2}'
    assert record.with_texts(str).prompt == record.prompt


@given(st.text(max_size=40))
def test_any_arguments_can_be_shown_hashed_and_counted(arguments: str) -> None:
    turns = with_call(arguments=arguments)

    assert len(prompt_sha256(turns)) == 64
    assert shown(turns)
    assert characters(turns) >= len(arguments)
