"""Whether 95 % intervals of a judge's faults, and of what a draft changes, hold the truth in 93 to
99 % of data sets, from the fewest pairs on for which pages show one.

Seeds are fixed. The standard error of a coverage of 0.93 is 0.015 in 300 data sets: SLACK is two of
them. `benchmarks/coverage.py` draws more.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from figures.intervals import LEAST_GROUPS, LEAST_UNITS
from judging.measures.bias import LEAST_TO_REGRESS
from tests.figures.simulated import LEAST, MOST, TOLERANCE
from tests.figures.simulated_judges import (
    bin_coverage,
    change_coverage,
    coefficient_coverage,
    kin_coverage,
)

SLACK = 0.03


def held(found: Mapping[float, float], slack: float = SLACK) -> None:
    assert min(found.values()) >= LEAST - slack, found
    assert max(found.values()) <= MOST + slack, found


@pytest.mark.parametrize("what", ["length", "formatting"])
@pytest.mark.parametrize(
    ("n", "size", "pull"), [(LEAST_TO_REGRESS, 1, 0.0), (200, 1, 0.0), (160, 4, 0.7)]
)
def test_a_coefficient_of_length_or_formatting_is_held(
    what: str, n: int, size: int, pull: float
) -> None:
    held(coefficient_coverage(what, n, size=size, pull=pull, repeats=150), slack=0.045)


@pytest.mark.parametrize(
    ("n", "size", "alike"), [(LEAST_UNITS, 1, 0.0), (100, 1, 0.0), (4 * LEAST_GROUPS, 4, 0.5)]
)
def test_self_preference_is_held(n: int, size: int, alike: float) -> None:
    held(kin_coverage(n, size=size, alike=alike, repeats=300))


@pytest.mark.parametrize(("prompts", "size"), [(LEAST_GROUPS, 4), (100, 2)])
def test_a_change_over_pairs_that_share_prompts_is_held(prompts: int, size: int) -> None:
    held(change_coverage(prompts, size, repeats=300))


@pytest.mark.parametrize("n", [LEAST_UNITS, 100])
def test_what_came_of_a_bin_of_probabilities_is_held(n: int) -> None:
    held(bin_coverage(n, repeats=500), slack=TOLERANCE + 0.01)
