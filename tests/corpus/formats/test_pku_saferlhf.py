"""PKU-SafeRLHF: two questions of one pair."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import pku_saferlhf
from tests.corpus.formats.reading import example_pairs, label, pair, reason


def row(**changes: Any) -> dict[str, Any]:
    return {
        "prompt": "Why?",
        "response_0": "No idea.",
        "response_1": "Because.",
        "prompt_source": "own",
        "response_0_source": "m1",
        "response_1_source": "m2",
        "is_response_0_safe": True,
        "is_response_1_safe": True,
        "better_response_id": 1,
        "safer_response_id": 0,
        **changes,
    }


def test_better_is_the_choice_and_both_questions_are_criteria() -> None:
    found = pair(pku_saferlhf, **row())

    assert (found.model_a, found.model_b, found.source) == ("m1", "m2", "own")
    [said] = found.labels
    assert said.choice == "b"
    assert said.criteria == {"better": "b", "safer": "a"}


def test_two_unsafe_answers_are_both_bad_and_the_less_unsafe_is_kept() -> None:
    found = pair(pku_saferlhf, **row(is_response_0_safe=False, is_response_1_safe=False))

    assert found.labels[0].criteria == {"better": "b", "safer": "both_bad"}
    assert found.metadata["safer_response_id"] == 0


def test_one_unsafe_answer_is_not_both() -> None:
    said = label(pku_saferlhf, **row(is_response_0_safe=False, safer_response_id=1))

    assert said.criteria == {"better": "b", "safer": "b"}


def test_a_file_without_the_second_question_has_one_criterion() -> None:
    said = label(pku_saferlhf, **row(safer_response_id=None))

    assert said.criteria == {"better": "b"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"better_response_id": 2}, "better_response_id: must be 0 or 1, got '2'"),
        ({"safer_response_id": "x"}, "safer_response_id: must be 0 or 1, got 'x'"),
        ({"response_0": 7}, "response_0: must be a string, got int"),
    ],
)
def test_a_bad_row_is_refused_with_what_is_wrong(changes: dict[str, Any], said: str) -> None:
    assert said in reason(pku_saferlhf, **row(**changes))


def test_a_file_of_comparisons() -> None:
    pairs = example_pairs("pku-saferlhf.jsonl", pku_saferlhf)

    assert [one.labels[0].criteria for one in pairs] == [
        *[{"better": "b", "safer": "a"}] * 4,
        {"better": "b", "safer": "b"},
    ]
