"""RewardBench: a known better answer, in subsets."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import rewardbench
from tests.corpus.formats.reading import example_pairs, pair, reason


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
