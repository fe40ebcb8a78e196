"""Whether 95 % intervals of agreement hold the truth in 93 to 99 % of data sets, where given.

Seeds are fixed; TOLERANCE as in `simulated`. Truths are κ of 0 to 0.9. `benchmarks/coverage.py`
draws more of more kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from annotation.agreement import cohen_kappa
from annotation.quality.windows import MIN_REPEATS, Habits, flags
from figures.intervals import LEAST_UNITS
from tests.annotation.agreement.agreement_references import cohen_standard_errors
from tests.figures.simulated import LEAST, MOST, TOLERANCE
from tests.figures.simulated_agreement import (
    KINDS,
    SKEWED,
    Coverage,
    many_coverage,
    scaled_coverage,
    tables_of,
    two_coverage,
)

OFTEN = 0.2
"""Where an interval is given in fewer of the data sets nothing is counted."""


def held(found: Mapping[float, Coverage], *, most: float = MOST, slack: float = TOLERANCE) -> None:
    counted = {truth: one.held for truth, one in found.items() if one.given >= OFTEN}
    assert counted, found
    assert min(counted.values()) >= LEAST - slack, found
    assert max(counted.values()) <= most + slack, found


def most_of(kind: str) -> float:
    return 1.0 if kind in SKEWED else MOST


@pytest.mark.parametrize(
    ("kind", "n"),
    [
        *((kind, n) for kind in ("two even", "three", "four") for n in (10, 20, 50, 300)),
        *(("two, one common", n) for n in (20, 50, 300)),
    ],
)
def test_cohens_kappa_is_held(kind: str, n: int) -> None:
    held(two_coverage("κ", kind, n, repeats=1_000), most=most_of(kind))


@pytest.mark.parametrize("kind", ["four, one common", "two, one rare"])
def test_kappa_beside_a_choice_that_nearly_everybody_makes_is_held_where_an_interval_is_given(
    kind: str,
) -> None:
    found = two_coverage("κ", kind, 100, repeats=1_000)
    held(found, most=1.0)
    few = two_coverage("κ", kind, 10, repeats=200)
    assert max(one.given for one in few.values()) < 0.5, few


@pytest.mark.parametrize("n", [LEAST_UNITS, 50, 300])
@pytest.mark.parametrize("kind", ["two even", "four", "four, one common"])
@pytest.mark.parametrize("figure", ["AC1", "raw"])
def test_ac1_and_raw_agreement_of_two_are_held(figure: str, kind: str, n: int) -> None:
    # Wilson's interval of zeros and ones goes up and down with the rate, at 20 pairs to 0.917.
    slack = 0.03 if (figure, n) == ("raw", LEAST_UNITS) else TOLERANCE
    held(two_coverage(figure, kind, n, repeats=1_000), slack=slack)


@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("figure", ["quadratic", "linear"])
def test_a_weighted_kappa_is_held(figure: str, n: int) -> None:
    held(scaled_coverage(figure, n, spread=0.3, repeats=1_000))


@pytest.mark.parametrize(
    ("kind", "n", "judgements"),
    [("four", 20, (2,)), ("four", 20, (2, 3, 6)), ("four, one common", 50, (5,))],
)
@pytest.mark.parametrize("figure", ["Fleiss' κ", "α", "AC1", "raw"])
def test_a_figure_of_any_number_of_raters_is_held(
    figure: str, kind: str, n: int, judgements: Sequence[int]
) -> None:
    # Fewer draws: a standard error of 0.015.
    found = many_coverage(figure, kind, n, judgements, repeats=250, truths=(0.2, 0.6, 0.9))
    held(found, most=1.0, slack=0.035)


def test_an_ordinal_alpha_is_held() -> None:
    held(scaled_coverage("α", 40, spread=0.3, repeats=200), most=1.0, slack=0.035)


def test_the_textbooks_interval_of_kappa_is_what_it_was_not_to_be() -> None:
    # κ ± 1.96 standard errors over 50 pairs, which was shown before.
    rng, shares = np.random.default_rng(21), np.array(KINDS["four"])
    tables = tables_of(rng, shares, 0.9, 50, 1_000)
    p = tables / 50
    error = 1.96 * cohen_standard_errors(p, np.full(len(p), 50), np.eye(4))
    kappa = np.array([cohen_kappa(one).value for one in tables], dtype=np.float64)
    assert float((abs(kappa - 0.9) <= error).mean()) < 0.92


@pytest.mark.parametrize("repeats", [MIN_REPEATS, 20, 50, 200])
def test_a_rater_who_flips_no_more_than_allowed_is_seldom_flagged(repeats: int) -> None:
    """At the very bound a flag is false in 2.5 % or fewer."""
    rng = np.random.default_rng(31)
    alarms = np.array([bool(flips_flag(repeats, flips)) for flips in range(repeats + 1)])

    def flagged(chance: float) -> float:
        drawn = rng.binomial(repeats, chance, 4_000)
        often = np.bincount(drawn, minlength=repeats + 1)
        return float(often @ alarms / len(drawn))

    assert flagged(0.25) <= 0.025 + 0.006
    assert flagged(0.15) <= 0.005
    assert flagged(0.05) == 0
    # And who answers anything is found out.
    assert flagged(0.6) >= (0.5 if repeats < 20 else 0.85)


def flips_flag(repeats: int, flips: int) -> list[str]:
    habits = Habits(
        left=50,
        right=50,
        equal=10,
        both_bad=5,
        median_seconds=20.0,
        repeats=repeats,
        flips=flips,
    )
    return flags(habits, min_labels=20, min_seconds=3.0, max_flips=0.25)
