"""Verdict arithmetic: values worked by hand, then invariants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.asking.arithmetic import Reading, combine, outcome, p_first_from_shown

probabilities = st.floats(0, 1)


def test_the_second_order_is_turned_round() -> None:
    assert p_first_from_shown(0.8, "ab") == 0.8
    assert p_first_from_shown(0.8, "ba") == pytest.approx(0.2)


@pytest.mark.parametrize("wrong", [float("nan"), -0.1, 1.1])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        p_first_from_shown(wrong, "ab")


def test_both_orders_are_averaged_and_principles_weighted() -> None:
    readings = [
        Reading("ab", 0.9, 3.0),
        Reading("ab", 0.5, 1.0),
        Reading("ba", 0.7, 3.0),
        Reading("ba", 0.1, 1.0),
    ]
    # ab: (2.7 + 0.5) / 4 = 0.8; ba: (2.1 + 0.1) / 4 = 0.55
    assert combine(readings) == pytest.approx(0.675)


def test_one_order_alone_gives_no_judgement() -> None:
    assert combine([Reading("ab", 0.9)]) is None
    assert combine([Reading("ab", 0.9), Reading("ab", 0.9), Reading("ba", 0.9)]) is None
    assert combine([]) is None


@given(p=probabilities)
def test_a_judge_with_pure_position_bias_averages_to_one_half(p: float) -> None:
    readings = [
        Reading("ab", p_first_from_shown(p, "ab")),
        Reading("ba", p_first_from_shown(p, "ba")),
    ]

    assert combine(readings) == pytest.approx(0.5)


@given(st.lists(st.tuples(probabilities, probabilities), min_size=1, max_size=5))
def test_swapping_first_and_second_mirrors_the_judgement(pairs: list[tuple[float, float]]) -> None:
    readings = [r for ab, ba in pairs for r in (Reading("ab", ab), Reading("ba", ba))]
    mirrored = [r for ab, ba in pairs for r in (Reading("ba", 1 - ab), Reading("ab", 1 - ba))]

    one, other = combine(readings), combine(mirrored)

    assert one is not None
    assert other is not None
    assert one + other == pytest.approx(1.0)


def test_inside_the_band_is_equal() -> None:
    assert outcome(0.54, tie_band=0.05) == "equal"
    assert outcome(0.56, tie_band=0.05) == "first"
    assert outcome(0.3, tie_band=0.05) == "second"
    assert outcome(0.5, tie_band=0.0) == "equal"
