"""One line of a file: a record, or the reason why it is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.importers import hh_rlhf, pairs_jsonl
from corpus.importers.records import PairRecord
from corpus.importers.registry import MAX_LINE_BYTES, read_object

GOOD: dict[str, Any] = {"prompt": "Why?", "response_a": "Because.", "response_b": "Just so."}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def parse(**changes: Any) -> PairRecord | str:
    return pairs_jsonl.parse({**GOOD, **changes}, 1, "file.jsonl")


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_reason(raw: bytes) -> None:
    assert isinstance(read_object(raw), dict | str)


@given(st.dictionaries(st.sampled_from([*PairRecord.model_fields, "x"]), json_values))
def test_any_object_is_a_record_or_a_reason(fields: dict[str, Any]) -> None:
    assert isinstance(pairs_jsonl.parse(fields, 1, "f"), PairRecord | str)
    assert isinstance(pairs_jsonl.parse({**GOOD, **fields}, 1, "f"), PairRecord | str)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_dialogues_are_a_record_or_a_reason(chosen: str, rejected: str) -> None:
    start = "\n\nHuman: hi\n\nAssistant: "
    for one, other in ((chosen, rejected), (start + chosen, start + rejected)):
        parsed = hh_rlhf.parse({"chosen": one, "rejected": other}, 1, "f")
        assert isinstance(parsed, PairRecord | str)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"response_a": 5}, "response_a"),
        ({"response_b": None}, "response_b"),
        ({"response_a": "Just so."}, "identical"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [{"role": "robot", "content": "x"}]}, "role"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "assistant turn"),
        ({"response_a": "a\x00b"}, "NUL"),
        ({"response_a": "\ud800"}, "surrogate"),
        ({"gold": "left"}, "gold"),
        ({"labels": [{"rater": "r", "choice": "c"}]}, "labels.0.choice"),
        ({"labels": [{"rater": "", "choice": "a"}]}, "labels.0.rater"),
        ({"labels": [{"rater": "r", "kind": "judge", "p_a": 1.5, "order": "ab"}]}, "p_a"),
        ({"labels": [{"rater": "r", "kind": "judge", "p_a": 0.5}]}, "must be given together"),
        ({"labels": [{"rater": "r", "choice": "a", "created_at": "soon"}]}, "ISO 8601"),
        ({"respons_a": "x"}, "respons_a"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], reason: str) -> None:
    parsed = parse(**changes)

    assert isinstance(parsed, str)
    assert reason in parsed


def test_an_empty_response_is_data() -> None:
    parsed = parse(response_a="")

    assert isinstance(parsed, PairRecord)
    assert parsed.response_a == ""


def test_equal_texts_of_two_models_are_a_pair() -> None:
    assert isinstance(parse(response_a="x", response_b="x", model_a="m", model_b="n"), PairRecord)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1]", "must be a JSON object, got list"),
        (b'{"a": NaN}', "NaN"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b" " * (MAX_LINE_BYTES + 1), "longer than"),
    ],
)
def test_what_is_no_object_says_why(raw: bytes, reason: str) -> None:
    found = read_object(raw)

    assert isinstance(found, str)
    assert reason in found


def dialogue(*turns: str) -> str:
    names = ("Human", "Assistant")
    return "".join(f"\n\n{names[i % 2]}: {turn}" for i, turn in enumerate(turns))


def test_dialogues_share_a_prompt_and_differ_in_the_last_answer() -> None:
    chosen, rejected = dialogue("hi", "hello", "why?", "so"), dialogue("hi", "hello", "why?", "no")

    parsed = hh_rlhf.parse({"chosen": chosen, "rejected": rejected}, 7, "f.jsonl")

    assert isinstance(parsed, PairRecord)
    assert [turn.role for turn in parsed.prompt] == ["user", "assistant", "user"]
    assert {parsed.response_a, parsed.response_b} == {"so", "no"}
    better = parsed.response_a if parsed.labels[0].choice == "a" else parsed.response_b
    assert better == "so"
    assert parsed.id == "7"


def test_which_side_is_better_is_not_to_be_seen_from_the_order() -> None:
    first = 0
    for number in range(200):
        parsed = hh_rlhf.parse(
            {"chosen": dialogue("q", f"good {number}"), "rejected": dialogue("q", f"bad {number}")},
            number,
            "f",
        )
        assert isinstance(parsed, PairRecord)
        first += parsed.labels[0].choice == "a"

    assert 70 < first < 130


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        (dialogue("q", "a"), dialogue("q", "a"), "identical"),
        (dialogue("q", "a", "x", "b"), dialogue("q", "other", "x", "b"), "before the last answer"),
        (dialogue("q"), dialogue("q", "b"), "does not end with an answer"),
        ("no turns", dialogue("q", "b"), "does not start"),
        ("\n\nAssistant: a", dialogue("q", "b"), "starts with the assistant"),
        ("\n\nHuman: a\n\nHuman: b\n\nAssistant: c", dialogue("q", "b"), "two turns in a row"),
        (5, dialogue("q", "b"), "must be a string"),
    ],
)
def test_an_odd_dialogue_says_what_is_odd(chosen: Any, rejected: Any, reason: str) -> None:
    parsed = hh_rlhf.parse({"chosen": chosen, "rejected": rejected}, 1, "f")

    assert isinstance(parsed, str)
    assert reason in parsed


def test_dates_without_a_zone_are_taken_as_utc() -> None:
    label = {"rater": "r", "choice": "a", "created_at": "2026-01-31T12:00:00"}
    parsed = pairs_jsonl.parse(json.loads(json.dumps({**GOOD, "labels": [label]})), 1, "f")

    assert isinstance(parsed, PairRecord)
    assert parsed.labels[0].created_at is not None
    assert parsed.labels[0].created_at.utcoffset() is not None
