"""Pairs of several answers: which are made, and what the rankings say of each."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.importers.groups import expand
from corpus.importers.records import Candidate, GroupRecord, Ranking
from corpus.models import PairPolicy
from corpus.pairing import pairs_of


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (PairPolicy.ALL, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
        (PairPolicy.BEST, [(0, 2), (1, 2), (2, 3)]),
        (PairPolicy.ADJACENT, [(0, 2), (0, 3), (1, 3)]),
    ],
)
def test_policies_by_hand(policy: PairPolicy, expected: list[tuple[int, int]]) -> None:
    # The third is the best, then the first, the fourth, the second.
    assert pairs_of([2.0, 4.0, 1.0, 3.0], policy) == expected


ranks = st.lists(st.none() | st.floats(0, 9), max_size=8)


@given(ranks, st.sampled_from(PairPolicy), st.integers(0, 40))
def test_pairs_are_different_places_each_once(
    ranks: list[float | None], policy: PairPolicy, most: int
) -> None:
    made = pairs_of(ranks, policy, most=most, seed="s")

    assert made == sorted(set(made))
    assert set(made) <= set(combinations(range(len(ranks)), 2))
    assert made == pairs_of(ranks, policy, most=most, seed="s")
    if policy == PairPolicy.RANDOM:
        assert len(made) == min(most, len(ranks) * (len(ranks) - 1) // 2)
    ranked = sum(rank is not None for rank in ranks)
    if ranked > 1 and policy in (PairPolicy.BEST, PairPolicy.ADJACENT):
        assert len(made) == ranked - 1


def group(*scores: float | None, **known: object) -> GroupRecord:
    return GroupRecord.model_validate(
        {
            "prompt": "Why?",
            "id": "q1",
            "completions": [Candidate(text=f"answer {n}") for n in range(len(scores))],
            "rankings": [
                Ranking(
                    rater="judge",
                    kind="judge",
                    scores=scores,
                    criteria={"honest": tuple(reversed(scores))},
                    measured=True,
                )
            ],
            **known,
        }
    )


def test_scores_become_choices_ties_stay_ties_and_criteria_come_along() -> None:
    pairs, singles, identical = expand(group(5.0, 3.0, 5.0), PairPolicy.ALL, None)

    said = [(pair.id, pair.labels[0].choice, pair.labels[0].margin) for pair in pairs]
    assert said == [("q1:1-2", "a", 2.0), ("q1:1-3", "equal", 0.0), ("q1:2-3", "b", 2.0)]
    assert pairs[0].labels[0].criteria == {"honest": "a"}
    assert (singles, identical) == ([], 0)


def test_an_answer_nobody_rated_is_in_a_pair_without_a_label() -> None:
    pairs, _, _ = expand(group(5.0, None), PairPolicy.ALL, None)

    assert [pair.labels for pair in pairs] == [()]


def test_answers_that_are_in_no_pair_are_kept_once_and_identical_ones_are_counted() -> None:
    texts = ["best", "worst", "best", "middle"]
    record = group(9.0, 1.0, 9.0, 5.0, completions=[Candidate(text=text) for text in texts])

    pairs, singles, identical = expand(record, PairPolicy.ADJACENT, None)

    assert {(pair.response_a, pair.response_b) for pair in pairs} == {
        ("best", "middle"),
        ("worst", "middle"),
    }
    assert identical == 1
    assert [one.completion for one in singles] == ["best"]


def test_a_ranking_must_say_something_of_every_answer() -> None:
    with pytest.raises(ValueError, match="1 entries for 2 completions"):
        group(1.0, 2.0, rankings=[Ranking(rater="r", scores=(1.0,))])
