"""Tables counted from labels, against counting them one by one."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annotation.contingency import (
    NO_MAJORITY,
    Judgements,
    count_per_pair,
    majority_of_others,
    tables_against,
    tables_of_two,
)

PAIRS, RATERS, CHOICES = 6, 5, 4

votes = st.dictionaries(
    st.tuples(st.integers(0, PAIRS - 1), st.integers(0, RATERS - 1)), st.integers(0, CHOICES - 1)
)
"""(pair, rater) → choice."""


def judgements_of(chosen: dict[tuple[int, int], int]) -> Judgements:
    rows = sorted((pair, rater, choice) for (pair, rater), choice in chosen.items())
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Judgements(columns[0], columns[1], columns[2], PAIRS, RATERS, CHOICES)


@given(votes)
def test_every_label_is_counted_under_its_pair(chosen: dict[tuple[int, int], int]) -> None:
    counts = count_per_pair(judgements_of(chosen))
    slowly = Counter((pair, choice) for (pair, _), choice in chosen.items())
    assert counts.shape == (PAIRS, CHOICES)
    assert {cell: n for cell, n in np.ndenumerate(counts) if n} == dict(slowly)


@given(votes)
def test_two_raters_meet_on_every_pair_they_share(chosen: dict[tuple[int, int], int]) -> None:
    tables = {(a, b): table for a, b, table in tables_of_two(judgements_of(chosen))}
    assert list(tables) == list(combinations(range(RATERS), 2))
    for (a, b), table in tables.items():
        slowly = np.zeros((CHOICES, CHOICES), dtype=np.int64)
        for pair in range(PAIRS):
            if (pair, a) in chosen and (pair, b) in chosen:
                slowly[chosen[pair, a], chosen[pair, b]] += 1
        assert (table == slowly).all()


@given(votes, st.lists(st.booleans(), min_size=RATERS, max_size=RATERS))
def test_the_majority_is_of_the_other_voters_alone(
    chosen: dict[tuple[int, int], int], voting: list[bool]
) -> None:
    judgements = judgements_of(chosen)
    found = majority_of_others(judgements, np.array(voting))
    slowly = []
    for pair, rater in sorted(chosen):
        others = Counter(
            choice
            for (other_pair, other), choice in chosen.items()
            if other_pair == pair and other != rater and voting[other]
        )
        clear = [choice for choice, n in others.items() if 2 * n > others.total()]
        slowly.append(clear[0] if clear else NO_MAJORITY)
    assert found.tolist() == slowly


def test_a_tie_is_no_majority_and_half_is_not_enough() -> None:
    tie = judgements_of({(0, 0): 0, (0, 1): 1, (0, 2): 2})
    assert majority_of_others(tie, np.ones(RATERS, dtype=bool)).tolist() == [NO_MAJORITY] * 3
    # Two of the four others: the most frequent choice, but not more than half.
    half = judgements_of({(0, 0): 0, (0, 1): 1, (0, 2): 1, (0, 3): 2, (0, 4): 3})
    assert majority_of_others(half, np.ones(RATERS, dtype=bool))[0] == NO_MAJORITY


def test_answers_that_are_missing_are_left_out() -> None:
    judgements = judgements_of({(0, 0): 1, (1, 0): 2, (2, 0): 3})
    tables = tables_against(judgements, np.array([1, -1, 0]))
    assert tables.shape == (RATERS, CHOICES, CHOICES)
    assert tables.sum() == 2
    assert tables[0, 1, 1] == 1
    assert tables[0, 3, 0] == 1
