"""Formats with several answers of one prompt."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.groups import expand
from corpus.importers.reading import Row
from corpus.importers.records import GroupRecord
from corpus.importers.registry import FORMATS
from corpus.models import PairPolicy
from tests.corpus.formats.rows import changed


def read(name: str, **changes: Any) -> GroupRecord:
    (record,) = FORMATS[name].parse(Row(1, changed(name, **changes), "f"))
    assert isinstance(record, GroupRecord)
    return record


def test_aspects_become_criteria_and_the_overall_score_is_measured() -> None:
    record = read("ultrafeedback")

    (ranking,) = record.rankings
    assert (ranking.rater, ranking.kind, ranking.measured) == ("ultrafeedback", "judge", True)
    assert ranking.scores == (9.0, 2.5)
    assert ranking.criteria == {"honesty": (5.0, None), "helpfulness": (4.0, 1.0)}
    assert [one.model for one in record.completions] == ["m1", "m2"]
    assert record.completions[1].metadata["critique"] == "no"


def test_a_pair_of_a_group_has_the_judges_label_and_no_criterion_that_was_not_rated() -> None:
    (pair,) = expand(read("ultrafeedback"), PairPolicy.ALL, None).pairs

    (label,) = pair.labels
    better = pair.response_a if label.choice == "a" else pair.response_b
    assert better == "Rhine, Rhône, Loire."
    assert (set(label.criteria), label.margin, label.kind) == ({"helpfulness"}, 6.5, "judge")


def test_a_rank_of_one_is_the_best() -> None:
    record = read("nectar")

    assert record.messages() == [{"role": "user", "content": "Name three rivers."}]
    assert record.rankings[0].scores == (-3.0, -1.0, -2.0)
    assert (record.rankings[0].kind, record.rankings[0].measured) == ("judge", False)
    assert record.metadata["num_responses"] == 3


def test_a_marked_prompt_of_several_turns_is_a_conversation() -> None:
    prompt = "\n\nHuman: hi\n\nAssistant: hello\n\nHuman: why?"

    turns = read("nectar", prompt=prompt).prompt

    assert [(turn.role, turn.content) for turn in turns] == [
        ("user", "hi"),
        ("assistant", "hello"),
        ("user", "why?"),
    ]


@pytest.mark.parametrize(
    ("changes", "scores", "measured"),
    [
        ({}, (1.0, 4.5), True),
        ({"completions": ["x", "y"], "ranks": [2, 1]}, (-2.0, -1.0), False),
        ({"completions": ["x", "y"], "scores": [0.1, None]}, (0.1, None), True),
        (
            {"completions": ..., "answers": [{"answer": "x", "rank": 1}, {"answer": "y"}]},
            (-1.0, None),
            False,
        ),
        (
            {"completions": [{"response": "x", "rating": "N/A"}, {"response": "y", "rating": "4"}]},
            (None, 4.0),
            True,
        ),
    ],
)
def test_ranks_and_scores_stand_with_the_answers_or_beside_them(
    changes: dict[str, Any], scores: tuple[float | None, ...], measured: bool
) -> None:
    record = read("rankings", **changes)

    assert record.rankings[0].scores == scores
    assert record.rankings[0].measured == measured
    assert record.rankings[0].kind == "human"
