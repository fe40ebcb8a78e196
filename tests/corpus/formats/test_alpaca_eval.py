"""AlpacaEval annotations: a judge's probability, and a person's choice."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import alpaca_eval
from tests.corpus.formats.reading import example_pairs, label, pair, reason


def annotation(**changes: Any) -> dict[str, Any]:
    return {
        "instruction": "Why?",
        "dataset": "helpful_base",
        "generator_1": "baseline",
        "output_1": "No idea.",
        "generator_2": "candidate",
        "output_2": "Because.",
        "annotator": "weighted_judge",
        "preference": 1.93,
        **changes,
    }


def test_a_judge_gives_a_probability_that_is_of_no_order() -> None:
    found = pair(alpaca_eval, **annotation())

    assert (found.model_a, found.model_b) == ("baseline", "candidate")
    assert found.source == "helpful_base"
    [said] = found.labels
    assert (said.rater, said.kind, said.order, said.p_a) == ("weighted_judge", "judge", None, 0.07)


@pytest.mark.parametrize(("preference", "p_a"), [(1, 1.0), (2, 0.0), (1.5, 0.5), (0, 0.5)])
def test_whole_preferences_are_hard_and_0_is_a_draw(preference: float, p_a: float) -> None:
    assert label(alpaca_eval, **annotation(preference=preference)).p_a == p_a


def test_an_unscored_pair_has_no_label() -> None:
    found = pair(alpaca_eval, **annotation(preference=None))

    assert found.labels == ()
    assert found.metadata == {"unscored_by": "weighted_judge"}


@pytest.mark.parametrize(("preference", "choice"), [(1, "a"), (2, "b"), (1.5, "equal")])
def test_an_annotator_with_a_number_is_a_person(preference: float, choice: str) -> None:
    said = label(alpaca_eval, **annotation(annotator_index=16, preference=preference))

    assert (said.rater, said.kind, said.choice) == ("annotator 16", "human", choice)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"preference": 2.5}, "preference: must be a number from 1 (output_1) to 2"),
        ({"preference": "b"}, "preference: must be a number"),
        ({"output_2": None}, "output_2: must be a string, got nothing"),
        ({"instruction": ""}, "the prompt is empty"),
    ],
)
def test_a_bad_annotation_is_refused_with_what_is_wrong(changes: dict[str, Any], said: str) -> None:
    assert said in reason(alpaca_eval, **annotation(**changes))


def test_a_file_of_annotations() -> None:
    pairs = example_pairs("alpaca-eval-annotations.json", alpaca_eval)

    assert [[label.p_a for label in one.labels] for one in pairs] == [
        [0.07],
        [0.5],
        [0.98],
        [0.0],
        [],
    ]
    assert {(one.model_a, one.model_b) for one in pairs} == {("baseline", "candidate")}
