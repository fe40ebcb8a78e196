"""Which pairs are made of several completions of one prompt. Pure functions of places and ranks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from corpus.models import PairPolicy

RANDOM_PAIRS = 4
"""Pairs a prompt under the random policy, where nobody says how many."""


class Places(NamedTuple):
    """Two of the completions, by their places in the list, the earlier first."""

    first: int
    second: int


def pairs_of(
    ranks: Sequence[float | None],
    policy: PairPolicy,
    *,
    most: int | None = None,
    seed: str = "",
) -> list[Places]:
    """The pairs that a policy makes of n completions.

    Args:
        ranks: n ranks, 1 the best; equal ones are ties, None is unranked. The best against the
            rest, and neighbors, are made among the ranked; where nothing is ranked, the order of
            the list is taken for none and every two are paired.
        most: at most so many pairs, under the random policy.
        seed: what the draws of the random policy depend on, such as the prompt's hash.

    Returns:
        At most n(n−1)/2 pairs, in the order of their places. Of several equally best, the first
        is the best; neighbors in the ranking are taken in the order of rank, then of the list.
    """
    everyone = [Places(*two) for two in combinations(range(len(ranks)), 2)]
    ranked = sorted((rank, place) for place, rank in enumerate(ranks) if rank is not None)
    if policy == PairPolicy.RANDOM:
        wanted = RANDOM_PAIRS if most is None else most
        drawn = random.Random(seed).sample(everyone, min(wanted, len(everyone)))
        return sorted(drawn)
    if policy == PairPolicy.ALL or not ranked:
        return everyone
    order = [place for _, place in ranked]
    if policy == PairPolicy.BEST:
        best = order[0]
        return sorted(Places(*sorted((best, other))) for other in order[1:])
    return sorted(Places(*sorted(two)) for two in pairwise(order))
