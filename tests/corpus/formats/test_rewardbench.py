"""RewardBench: a known better answer, in subsets."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import rewardbench
from corpus.importers.records import PairRecord
from tests.corpus.formats.reading import example_pairs, pair, read, reason


def row(**changes: Any) -> dict[str, Any]:
    return {
        "prompt": "Why?",
        "chosen": "Because.",
        "chosen_model": "m1",
        "rejected": "No idea.",
        "rejected_model": "m2",
        "subset": "alpacaeval-easy",
        "id": 12,
        **changes,
    }


def test_the_subset_is_the_domain_and_each_answer_keeps_its_model() -> None:
    found = pair(rewardbench, **row())

    assert (found.domain, found.id) == ("alpacaeval-easy", "12")
    answers = {found.response_a: found.model_a, found.response_b: found.model_b}
    assert answers == {"Because.": "m1", "No idea.": "m2"}
    [said] = found.labels
    better = found.response_a if said.choice == "a" else found.response_b
    assert (better, said.rater) == ("Because.", "rewardbench")


def test_the_order_of_the_answers_tells_nothing() -> None:
    said = {pair(rewardbench, **row(chosen=f"Answer {n}.")).labels[0].choice for n in range(20)}

    assert said == {"a", "b"}


def test_each_better_answer_of_several_is_paired_with_each_worse() -> None:
    several = {
        "id": "t1",
        "prompt": "Why?",
        "chosen": ["Because."],
        "rejected": ["No idea.", "Who knows."],
        "num_correct": 1,
        "num_incorrect": 2,
        "models": ["m1", "m2", "m3"],
        "subset": "Factuality",
    }
    assert rewardbench.recognises([several]) == 2

    [line] = read(rewardbench, several)

    pairs = [one for one in line.records if isinstance(one, PairRecord)]
    assert [(one.id, one.domain) for one in pairs] == [
        ("t1:1-1", "Factuality"),
        ("t1:1-2", "Factuality"),
    ]
    for one in pairs:
        answers = {one.response_a: one.model_a, one.response_b: one.model_b}
        better = one.response_a if one.labels[0].choice == "a" else one.response_b
        assert better == "Because."
        assert answers["Because."] == "m1"
    assert "rejected: must be a text, or a list" in reason(
        rewardbench, **{**several, "rejected": "No."}
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"chosen": 5}, "chosen: must be a string, got int"),
        ({"prompt": None}, "prompt: must be a string, got nothing"),
        ({"rejected": "Because.", "rejected_model": "m1"}, "identical"),
    ],
)
def test_a_bad_row_is_refused_with_what_is_wrong(changes: dict[str, Any], said: str) -> None:
    assert said in reason(rewardbench, **row(**changes))


def test_a_file_of_five_subsets() -> None:
    pairs = example_pairs("rewardbench.jsonl", rewardbench)

    assert [one.domain for one in pairs] == [
        "alpacaeval-easy",
        "math-prm",
        "refusals-dangerous",
        "hep-python",
        "xstest-should-respond",
    ]
    for one in pairs:
        better = one.model_a if one.labels[0].choice == "a" else one.model_b
        assert better == "m1"
