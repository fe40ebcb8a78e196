"""What kind of task comes next, and which side: pure, seeded, right in the long run."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.queue.draws import uniform
from annotation.queue.policy import (
    RECALIBRATION_RATE,
    Kind,
    Shares,
    Situation,
    first_stands_left,
    kinds_to_try,
)

SHARES = Shares(gold=0.1, repeat=0.05)
DRAWS = 20_000
shares = st.tuples(st.floats(0, 1), st.floats(0, 1)).filter(lambda two: sum(two) <= 1)


def long_run(situation: Situation, wanted: Shares = SHARES) -> dict[Kind, float]:
    """The shares of the kinds tried first over many draws of one rater."""
    counts = Counter(
        kinds_to_try(situation, wanted, uniform("seed", 7, task))[0] for task in range(DRAWS)
    )
    return {kind: counts[kind] / DRAWS for kind in Kind}


def test_the_stream_holds_the_shares_that_the_policy_names() -> None:
    found = long_run(Situation(certified=True, repeat_due=True))
    assert found[Kind.GOLD] == pytest.approx(0.1, abs=0.01)
    assert found[Kind.REPEAT] == pytest.approx(0.05, abs=0.01)
    assert found[Kind.PRODUCTION] == pytest.approx(0.85, abs=0.01)
    assert found[Kind.CALIBRATION] == 0


def test_without_a_repeat_due_its_share_is_production() -> None:
    found = long_run(Situation(certified=True))
    assert found[Kind.REPEAT] == 0
    assert found[Kind.PRODUCTION] == pytest.approx(0.9, abs=0.01)


def test_recalibration_takes_its_rate_and_leaves_the_shares_of_the_rest() -> None:
    found = long_run(Situation(certified=True, recalibration_left=20, repeat_due=True))
    rest = 1 - RECALIBRATION_RATE
    assert found[Kind.CALIBRATION] == pytest.approx(RECALIBRATION_RATE, abs=0.01)
    assert found[Kind.GOLD] == pytest.approx(0.1 * rest, abs=0.01)
    assert found[Kind.REPEAT] == pytest.approx(0.05 * rest, abs=0.01)


@given(draw=st.floats(0, 1, exclude_max=True), left=st.integers(0, 99), due=st.booleans())
def test_without_a_certificate_there_is_calibration_and_nothing_else(
    draw: float, left: int, due: bool
) -> None:
    situation = Situation(certified=False, recalibration_left=left, repeat_due=due)
    assert kinds_to_try(situation, SHARES, draw) == (Kind.CALIBRATION,)


@given(
    two=shares, draw=st.floats(0, 1, exclude_max=True), left=st.integers(0, 9), due=st.booleans()
)
def test_gold_is_never_served_for_want_of_production(
    two: tuple[float, float], draw: float, left: int, due: bool
) -> None:
    kinds = kinds_to_try(
        Situation(certified=True, recalibration_left=left, repeat_due=due), Shares(*two), draw
    )
    assert Kind.PRODUCTION in kinds
    assert not {Kind.GOLD, Kind.CALIBRATION} & set(kinds[kinds.index(Kind.PRODUCTION) :])
    assert (Kind.REPEAT in kinds) == due
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("two", [(0.7, 0.4), (-0.1, 0), (0, 1.1)])
def test_shares_that_leave_the_stream_are_refused(two: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="shares of one stream"):
        Shares(*two)


@pytest.mark.parametrize("draw", [-0.01, 1.0, float("nan")])
def test_a_draw_outside_the_unit_interval_is_refused(draw: float) -> None:
    with pytest.raises(ValueError, match="draw"):
        kinds_to_try(Situation(certified=True), SHARES, draw)


def test_a_pair_out_of_balance_is_put_right_whatever_the_draw() -> None:
    for draw in (0.0, 0.5, 0.999):
        assert not first_stands_left(1, 0, draw)
        assert first_stands_left(-1, 5, draw)


def test_a_rater_is_kept_in_balance_without_being_foreseeable() -> None:
    balance, furthest, repeats, before = 0, 0, 0, True
    for task in range(DRAWS):
        left = first_stands_left(0, balance, uniform("side", task))
        balance += 1 if left else -1
        furthest = max(furthest, abs(balance))
        repeats += left == before
        before = left
    assert furthest < 20, "a fair coin would stray by about the root of the draws, 141"
    assert 0.3 < repeats / DRAWS < 0.6


def test_a_draw_is_the_same_for_one_key_and_evenly_spread_over_keys() -> None:
    assert uniform(1, "task", 2) == uniform(1, "task", 2)
    assert uniform(1, "a", "bc") != uniform(1, "ab", "c")
    found = [uniform(0, "spread", number) for number in range(DRAWS)]
    assert all(0 <= draw < 1 for draw in found)
    tenths = Counter(int(10 * draw) for draw in found)
    assert all(abs(count - DRAWS / 10) < 5 * (DRAWS * 0.09) ** 0.5 for count in tenths.values())
