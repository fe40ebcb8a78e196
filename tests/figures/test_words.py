"""How figures are worded, in one place for pages, commands and cards."""

from __future__ import annotations

import math

import pytest

from figures.words import (
    NOTHING,
    counted,
    decimals,
    decimals_between,
    few,
    percent,
    percent_beside,
    percent_between,
    points,
    points_between,
    said_number,
    sentence,
)


def test_a_share_is_a_percentage_and_a_difference_of_shares_is_in_points() -> None:
    assert percent(0.6694) == "66.9 %"
    assert percent_between(0.601, 0.723) == "60.1 to 72.3 %"
    assert points(0.032) == "+3.2 points"
    assert points(-0.032) == "−3.2 points"
    assert points(-0.0001) == "0.0 points"
    assert points_between(-0.01, 0.042) == "−1.0 to +4.2 points"
    assert decimals_between(0.1, 0.25, 2) == "0.10 to 0.25"


@pytest.mark.parametrize("missing", [None, "", math.nan, math.inf, "n/a"])
def test_what_is_missing_is_a_dash_whatever_it_is_shown_as(missing: object) -> None:
    assert {percent(missing), decimals(missing), points(missing)} == {NOTHING}
    assert {percent_between(0.1, missing), points_between(missing, 0.1)} == {NOTHING}
    assert percent_beside(missing, 0.05) == NOTHING
    assert few(missing) == ""


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.046, "4.6 %"), (0.0496, "4.96 %"), (0.03, "3 %"), (0.05, "5 %"), (0.404, "40 %")],
)
def test_a_share_beside_its_bound_never_rounds_to_the_bound(share: float, said: str) -> None:
    assert percent_beside(share, 0.05) == said


def test_a_figure_of_fewer_than_thirty_units_carries_a_warning() -> None:
    assert few(4) == "Based on only 4 pairs: too few to be reliable."
    assert few(1, "prompts") == "Based on only 1 prompt: too few to be reliable."
    assert few(29)
    assert not few(30)
    assert not few(0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Nothing is left.", "Nothing is left."),
        ("  it fails ", "it fails."),
        ("Why?", "Why?"),
        ("and so on…", "and so on…"),
        ("", ""),
    ],
)
def test_a_sentence_ends_once_whoever_wrote_it(text: str, said: str) -> None:
    assert sentence(text) == said


def test_a_reason_within_a_line_brings_no_full_stop_of_its_own() -> None:
    few = "9 pairs: no interval is given for fewer than 10."
    assert said_number(0.5, None, None, 9, few) == (
        "0.500 (9 pairs: no interval is given for fewer than 10; based on only 9 pairs: too few to "
        "be reliable)"
    )
    assert said_number(None, None, None, 9, "All are alike.") == "undefined (All are alike)"


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 pairs"), (1, "1 pair"), (2, "2 pairs"), (1_200, "1,200 pairs")]
)
def test_one_is_counted_in_the_singular(n: int, said: str) -> None:
    assert counted(n, "pairs") == said
