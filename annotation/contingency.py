"""Who chose what beside whom: the tables that agreement is computed from.

Pure functions of arrays of equal length l, one entry a label: `pair` and `rater` (whole numbers
from 0, without gaps) and `choice` (0 to k-1). A rater has at most one entry for a pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_MAJORITY = -1


@dataclass(frozen=True, slots=True)
class Judgements:
    """Labels as arrays (l,), in ascending order of pair."""

    pair: Counts
    rater: Counts
    choice: Counts
    pairs: int
    raters: int
    choices: int

    def of(self, chosen: Flags) -> Judgements:
        """Those where `chosen` (l,), over the same pairs and raters."""
        return Judgements(
            self.pair[chosen],
            self.rater[chosen],
            self.choice[chosen],
            self.pairs,
            self.raters,
            self.choices,
        )


def count_per_pair(judgements: Judgements) -> Counts:
    """How many raters made each choice, (pairs, k)."""
    cell = judgements.pair * judgements.choices + judgements.choice
    size = judgements.pairs * judgements.choices
    return np.bincount(cell, minlength=size).reshape(judgements.pairs, judgements.choices)


def tables_of_two(judgements: Judgements) -> Iterator[tuple[int, int, Counts]]:
    """Each two raters a < b, and their table (k, k) over the pairs that both labelled.

    Two who share no pair come with a table of zeros.
    """
    k = judgements.choices
    crossed: dict[int, Counts] = {}
    # In ascending order of pair, the labels of one pair stand together: those that lie `lag`
    # apart cover each two of them once.
    lag = 1
    while (together := judgements.pair[lag:] == judgements.pair[:-lag]).any():
        one, other = np.flatnonzero(together), np.flatnonzero(together) + lag
        swap = judgements.rater[one] > judgements.rater[other]
        a, b = np.where(swap, other, one), np.where(swap, one, other)
        two = judgements.rater[a] * judgements.raters + judgements.rater[b]
        cell = judgements.choice[a] * k + judgements.choice[b]
        met, place = np.unique(two, return_inverse=True)
        counts = np.bincount(place * k * k + cell, minlength=len(met) * k * k)
        for key, table in zip(met.tolist(), counts.reshape(len(met), k, k), strict=True):
            crossed[key] = crossed[key] + table if key in crossed else table
        lag += 1
    nothing = np.zeros((k, k), dtype=np.int64)
    for a_rater in range(judgements.raters):
        for b_rater in range(a_rater + 1, judgements.raters):
            key = a_rater * judgements.raters + b_rater
            yield a_rater, b_rater, crossed.get(key, nothing)


def majority_of_others(judgements: Judgements, voters: Flags) -> Counts:
    """For each label, the choice of more than half of the other voters of its pair, (l,).

    `voters` (raters,) marks whose labels are votes; a label never votes on itself. NO_MAJORITY
    where no choice has more than half, or nobody else voted.
    """
    voting = voters[judgements.rater]
    votes = count_per_pair(judgements.of(voting))[judgements.pair]
    votes[np.flatnonzero(voting), judgements.choice[voting]] -= 1
    favourite = votes.argmax(axis=1)
    clear = 2 * votes.max(axis=1, initial=0) > votes.sum(axis=1)
    return np.where(clear, favourite, NO_MAJORITY)


def tables_against(judgements: Judgements, answers: Counts) -> Counts:
    """Each rater's table (raters, k, k): own choice in rows, answer in columns.

    `answers` (l,) is what each label is held against; negative ones are left out.
    """
    k = judgements.choices
    known = answers >= 0
    cell = (judgements.rater[known] * k + judgements.choice[known]) * k + answers[known]
    size = judgements.raters * k * k
    return np.bincount(cell, minlength=size).reshape(judgements.raters, k, k)
