"""One line of a file: a record, or the reason why it is none."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from corpus.importers.files.json_rows import MAX_LINE_BYTES, read_object
from corpus.importers.files.rows import RawRow
from corpus.importers.formats import hh_rlhf, pairs_jsonl
from corpus.importers.reading import Row, RowError
from corpus.importers.records import PairRecord
from corpus.importers.registry import parse_rows

GOOD: dict[str, Any] = {"prompt": "Why?", "response_a": "Because.", "response_b": "Just so."}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def pair(**changes: Any) -> PairRecord:
    (record,) = pairs_jsonl.parse(Row(1, {**GOOD, **changes}, "file.jsonl"))
    assert isinstance(record, PairRecord)
    return record


def reason(**changes: Any) -> str:
    (line,) = parse_rows([RawRow(1, {**GOOD, **changes})], pairs_jsonl, "file.jsonl")
    assert not line.records
    return line.reason


def dialogues(fields: dict[str, Any], number: int = 1) -> PairRecord:
    (record,) = hh_rlhf.parse(Row(number, fields, "f.jsonl"))
    assert isinstance(record, PairRecord)
    return record


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_reason(raw: bytes) -> None:
    assert isinstance(read_object(raw), dict | str)


@given(st.dictionaries(st.sampled_from([*PairRecord.model_fields, "x"]), json_values))
def test_any_object_is_a_record_or_a_reason(fields: dict[str, Any]) -> None:
    for row in (fields, {**GOOD, **fields}):
        with contextlib.suppress(ValidationError, RowError):
            assert pairs_jsonl.parse(Row(1, row, "f"))


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_dialogues_are_a_record_or_a_reason(chosen: str, rejected: str) -> None:
    start = "\n\nHuman: hi\n\nAssistant: "
    for one, other in ((chosen, rejected), (start + chosen, start + rejected)):
        with contextlib.suppress(ValidationError, RowError):
            assert hh_rlhf.parse(Row(1, {"chosen": one, "rejected": other}, "f"))


@pytest.mark.parametrize(
    ("changes", "words"),
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
        ({"labels": [{"rater": "r", "p_a": 0.5, "choice": "a"}]}, "only for judges"),
        ({"labels": [{"rater": "r", "kind": "judge", "order": "ab"}]}, "without p_a or choice"),
        ({"labels": [{"rater": "r", "kind": "judge"}]}, "needs a choice or p_a"),
        ({"labels": [{"rater": "r", "choice": "a", "created_at": "soon"}]}, "ISO 8601"),
        ({"metadata": "x"}, "metadata"),
        ({"metadata": {"x": "y" * 100_001}}, "larger than 100,000 bytes"),
        ({"x": [[[[[[[[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]]]]]]]}, "more than 20 deep"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], words: str) -> None:
    assert words in reason(**changes)


def test_an_empty_response_is_data() -> None:
    assert pair(response_a="").response_a == ""


def test_equal_texts_of_two_models_are_a_pair() -> None:
    assert pair(response_a="x", response_b="x", model_a="m", model_b="n").model_b == "n"


def test_numbers_are_ids_and_names_too() -> None:
    found = pair(id=17, labels=[{"rater": 3, "choice": "a"}])

    assert (found.id, found.labels[0].rater) == ("17", "3")


def test_fields_that_are_not_ours_are_kept_and_those_of_labels_are_named() -> None:
    found = pair(
        reviewer="kim", metadata={"seen": 1}, labels=[{"rater": "r", "choice": "a", "x": 1}]
    )

    assert found.metadata == {"seen": 1, "reviewer": "kim"}
    assert found.dropped == ("labels.x",)


def test_a_judges_bare_choice_in_one_order_is_a_hard_verdict() -> None:
    label = {"rater": "j", "kind": "judge", "order": "ba", "choice": "b"}

    assert pair(labels=[label]).labels[0].p_a == 0.0


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1]", "must be a JSON object, got list"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b" " * (MAX_LINE_BYTES + 1), "longer than"),
    ],
)
def test_what_is_no_object_says_why(raw: bytes, reason: str) -> None:
    found = read_object(raw)

    assert isinstance(found, str)
    assert reason in found


def test_a_number_that_is_none_is_missing() -> None:
    assert read_object(b'{"a": NaN, "b": [-Infinity]}') == {"a": None, "b": [None]}


def dialogue(*turns: str) -> str:
    names = ("Human", "Assistant")
    return "".join(f"\n\n{names[i % 2]}: {turn}" for i, turn in enumerate(turns))


def test_dialogues_share_a_prompt_and_differ_in_the_last_answer() -> None:
    chosen, rejected = dialogue("hi", "hello", "why?", "so"), dialogue("hi", "hello", "why?", "no")

    parsed = dialogues({"chosen": chosen, "rejected": rejected}, 7)

    assert [turn.role for turn in parsed.prompt] == ["user", "assistant", "user"]
    assert {parsed.response_a, parsed.response_b} == {"so", "no"}
    better = parsed.response_a if parsed.labels[0].choice == "a" else parsed.response_b
    assert better == "so"
    assert parsed.id == "7"


def test_which_side_is_better_is_not_to_be_seen_from_the_order() -> None:
    first = 0
    for number in range(200):
        parsed = dialogues(
            {"chosen": dialogue("q", f"good {number}"), "rejected": dialogue("q", f"bad {number}")}
        )
        first += parsed.labels[0].choice == "a"

    assert 70 < first < 130


@pytest.mark.parametrize(
    ("chosen", "rejected", "words"),
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
def test_an_odd_dialogue_says_what_is_odd(chosen: Any, rejected: Any, words: str) -> None:
    with pytest.raises(RowError, match=words):
        dialogues({"chosen": chosen, "rejected": rejected})


def test_dates_without_a_zone_are_taken_as_utc() -> None:
    label = {"rater": "r", "choice": "a", "created_at": "2026-01-31T12:00:00"}
    made = pair(labels=[label]).labels[0].created_at

    assert made is not None
    assert made.isoformat() == "2026-01-31T12:00:00+00:00"
