"""Tables of any shape, read through a mapping of their columns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from corpus.errors import MappingError
from corpus.importers.mapping import MappedFormat, columns_of, guess, read_mapping
from corpus.importers.reading import Row, RowError
from corpus.importers.records import CompletionRecord, DemonstrationRecord, PairRecord, Record

TABLE = {
    "prompt": "Question",
    "response_a": "Answer 1",
    "response_b": "Answer 2",
    "choice": "Better",
}
ROW: dict[str, Any] = {"Question": "Why?", "Answer 1": "So.", "Answer 2": "No.", "Better": "1"}


def parse(
    fields: dict[str, Any], columns: dict[str, str], values: dict[str, str] | None = None
) -> Record:
    (record,) = MappedFormat(read_mapping(columns, values or {})).parse(Row(1, fields, "t.csv"))
    return record


@pytest.mark.parametrize(
    ("said", "meant"),
    [("1", "a"), (2, "b"), (2.0, "b"), (" Tie ", "equal"), ("neither", "both_bad"), ("LEFT", "a")],
)
def test_usual_words_for_a_choice_are_known(said: Any, meant: str) -> None:
    record = parse({**ROW, "Better": said}, TABLE)

    assert isinstance(record, PairRecord)
    assert [label.choice for label in record.labels] == [meant]
    assert (record.response_a, record.response_b, record.source) == ("So.", "No.", "t.csv")


def test_values_mean_what_the_mapping_says_before_what_we_take_them_for() -> None:
    record = parse({**ROW, "Better": "0"}, TABLE, {"0": "a", "1": "b"})
    other = parse({**ROW, "Better": "1"}, TABLE, {"0": "a", "1": "b"})

    assert isinstance(record, PairRecord)
    assert isinstance(other, PairRecord)
    assert (record.labels[0].choice, other.labels[0].choice) == ("a", "b")


def test_a_value_that_nobody_explained_is_a_reason_and_an_empty_one_no_label() -> None:
    with pytest.raises(RowError, match="'0' is no known choice"):
        parse({**ROW, "Better": "0"}, TABLE)
    silent = parse({**ROW, "Better": None}, TABLE)

    assert isinstance(silent, PairRecord)
    assert silent.labels == ()


def test_other_columns_are_kept_as_metadata() -> None:
    record = parse({**ROW, "Batch": "7", "Empty": None}, TABLE)

    assert record.metadata == {"Batch": "7"}


def test_scores_are_a_choice_and_a_margin() -> None:
    columns = {**TABLE, "score_a": "s1", "score_b": "s2"}
    del columns["choice"]
    better = parse({**ROW, "s1": "4.5", "s2": "3"}, columns)
    tie = parse({**ROW, "s1": 2, "s2": 2.0}, columns)
    silent = parse({**ROW, "s1": "N/A", "s2": 2}, columns)

    assert isinstance(better, PairRecord)
    assert isinstance(tie, PairRecord)
    assert isinstance(silent, PairRecord)
    assert (better.labels[0].choice, better.labels[0].margin) == ("a", 1.5)
    assert tie.labels[0].choice == "equal"
    assert silent.labels == ()


def test_chosen_and_rejected_are_a_pair_whose_order_tells_nothing() -> None:
    columns = {"prompt": "q", "chosen": "good", "rejected": "bad"}
    sides = set()
    for n in range(40):
        record = parse({"q": "Why?", "good": f"yes {n}", "bad": f"no {n}"}, columns)
        assert isinstance(record, PairRecord)
        chosen = record.response_a if record.labels[0].choice == "a" else record.response_b
        assert chosen == f"yes {n}"
        sides.add(record.labels[0].choice)

    assert sides == {"a", "b"}


def test_a_single_response_is_a_demonstration_or_with_a_thumb_a_labelled_completion() -> None:
    columns = {"prompt": "q", "completion": "a"}
    shown = parse({"q": "Why?", "a": "So."}, columns)
    liked = parse({"q": "Why?", "a": "So.", "t": "yes"}, {**columns, "thumb": "t"})

    assert isinstance(shown, DemonstrationRecord)
    assert isinstance(liked, CompletionRecord)
    assert liked.labels[0].good is True


def test_a_column_of_an_inner_object_is_named_with_a_dot() -> None:
    columns = {"prompt": "info.post", "response_a": "a", "response_b": "b"}
    row = {"info": {"post": "Why?"}, "a": "x", "b": "y"}

    assert columns_of([row]) == ["info", "info.post", "a", "b"]
    assert parse(row, columns).prompt[0].content == "Why?"


def test_the_usual_names_of_columns_are_guessed() -> None:
    assert guess(["Question", "Answer 1", "Answer 2", "Better", "Who"]) == {
        **TABLE,
        "rater": "Who",
    }
    assert guess(["instruction", "output", "label"]) == {
        "prompt": "instruction",
        "completion": "output",
        "choice": "label",
    }
    assert guess(["x", "y"]) == {}


@pytest.mark.parametrize(
    ("columns", "values", "words"),
    [
        ({"response_a": "a", "response_b": "b"}, {}, "prompt"),
        ({"prompt": "p", "response_a": "a"}, {}, "response_a and response_b"),
        ({"prompt": "p", "completion": "c", "colour": "x"}, {}, "colour"),
        ({"prompt": "p", "completion": "c"}, {"x": "maybe"}, "values"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_what_is_wrong(
    columns: dict[str, str], values: dict[str, str], words: str
) -> None:
    with pytest.raises(MappingError, match=words):
        read_mapping(columns, values)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["q", "a", "b", "w", "z"]), anything))
def test_any_row_is_a_record_or_a_reason(fields: dict[str, Any]) -> None:
    every: dict[str, str] = dict.fromkeys(("system", "choice", "gold", "rater", "kind"), "w")
    every |= dict.fromkeys(("strength", "comment", "created_at", "seconds", "model_a"), "z")
    for columns in (
        {**every, "prompt": "q", "response_a": "a", "response_b": "b"},
        {"prompt": "q", "chosen": "a", "rejected": "b", "score_a": "w", "score_b": "z"},
        {"prompt": "q", "completion": "a", "thumb": "w", "model": "z"},
    ):
        try:
            parse(fields, columns)
        except (RowError, ValidationError):
            continue
