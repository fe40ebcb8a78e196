"""Where a rater stands by κ, and the flags that need no gold."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped]

from annotation.agreement import Coefficient, cohen_kappa
from annotation.quality.windows import Habits, Standing, flags, standing
from figures.intervals import wilson


def at(value: float | None, low: float | None, high: float | None, n: int = 50) -> Coefficient:
    return Coefficient(value, n, low, high)


@pytest.mark.parametrize(
    ("kappa", "expected"),
    [
        (at(0.8, 0.6, 0.95), Standing.GOOD),
        (at(0.5, 0.3, 0.7), Standing.GOOD),
        (at(0.49, 0.3, 0.7), Standing.DOUBTFUL),
        (at(0.2, 0.0, 0.5), Standing.DOUBTFUL),
        (at(0.2, 0.0, 0.499), Standing.BELOW),
        (at(0.0, None, None), Standing.DOUBTFUL),
        (at(-0.2, -0.5, 0.1, n=19), Standing.UNKNOWN),
        (at(None, None, None), Standing.UNKNOWN),
    ],
)
def test_only_a_whole_interval_below_the_floor_is_acted_upon(
    kappa: Coefficient, expected: Standing
) -> None:
    assert standing(kappa, floor=0.5, min_labels=20) == expected


@pytest.mark.parametrize("pressed", [0, 2])
def test_who_always_gives_one_answer_falls_below_the_floor(pressed: int) -> None:
    table = np.zeros((4, 4), dtype=np.int64)
    table[pressed] = [12, 12, 4, 2]
    assert standing(cohen_kappa(table), floor=0.5, min_labels=20) == Standing.BELOW


def habits(**changes: float) -> Habits:
    usual = {
        "left": 50,
        "right": 50,
        "equal": 10,
        "both_bad": 5,
        "median_seconds": 20.0,
        "repeats": 20,
        "flips": 3,
    }
    return Habits(**(usual | changes))  # type: ignore[arg-type]


def found(**changes: float) -> list[str]:
    return flags(habits(**changes), min_labels=20, min_seconds=3.0, max_flips=0.25)


def test_a_usual_rater_has_no_flag() -> None:
    assert found() == []


def test_each_oddity_has_its_flag() -> None:
    assert found(left=85, right=30) == ["side bias: 74 % left"]
    assert found(left=30, right=85) == ["side bias: 74 % right"]
    assert found(left=0, right=0, equal=120, both_bad=0) == ["one answer: 100 % the same choice"]
    assert found(median_seconds=1.4) == ["speeding: 1.4 s median"]
    assert found(flips=14) == ["inconsistent: changed 14 of 20 repeats"]


def test_chance_is_not_flagged() -> None:
    assert found(left=60, right=40) == [], "100 tosses of a fair coin do that"
    assert found(flips=8) == [], "who flips a quarter does that"
    assert found(repeats=4, flips=4) == []
    assert found(left=9, right=0, equal=0, both_bad=0) == [], "too few labels"


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (1, 10), (7, 20), (20, 20), (300, 1000)])
def test_wilson_agrees_with_statsmodels(hits: int, n: int) -> None:
    both = proportion_confint(hits, n, method="wilson")
    assert np.ravel(wilson(hits / n, n)) == pytest.approx(both, abs=1e-9)


def test_flips_are_flagged_where_chance_does_so_in_fewer_than_one_of_forty() -> None:
    # Of 20 flips with a chance of a quarter each, 9 or more come with 0.041, 10 or more with 0.014.
    assert found(flips=9) == []
    assert found(flips=10) == ["inconsistent: changed 10 of 20 repeats"]
