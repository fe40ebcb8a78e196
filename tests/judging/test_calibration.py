"""Whether probabilities mean what they say, and that scaling mends those that do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from judging.calibration import (
    Method,
    calibration_error_interval,
    expected_calibration_error,
    fit_temperature,
    held_out,
    reliability,
)

RNG = np.random.default_rng(3)
TRUE = RNG.uniform(0.02, 0.98, 4_000)
OUTCOMES = (RNG.uniform(size=4_000) < TRUE).astype(float)
OVERSURE = expit(3 * logit(TRUE))


def test_the_bins_say_what_was_said_and_what_came_of_it() -> None:
    found = reliability([0.05, 0.15, 0.12, 1.0, 0.95], [0, 1, 0, 1, 1])

    assert [(one.low, one.n) for one in found] == [(0.0, 1), (0.1, 2), (0.9, 2)]
    assert found[1].mean_p == pytest.approx(0.135)
    assert (found[1].share, found[2].share) == (0.5, 1.0)
    assert found[1].share_low < 0.5 < found[1].share_high


def test_the_error_is_the_mean_distance_weighed_by_bins() -> None:
    # |0.135 - 0.5| over two pairs of five, |0.05 - 0| over one, |0.975 - 1| over two.
    assert expected_calibration_error(
        [0.05, 0.15, 0.12, 1.0, 0.95], [0, 1, 0, 1, 1]
    ) == pytest.approx((2 * 0.365 + 0.05 + 2 * 0.025) / 5)
    assert expected_calibration_error([], []) is None


def test_a_calibrated_judge_has_a_small_error() -> None:
    error = expected_calibration_error(TRUE, OUTCOMES)
    assert error is not None
    assert error < 0.03


def test_the_temperature_of_a_judge_three_times_too_sure_is_three() -> None:
    assert fit_temperature(OVERSURE, OUTCOMES) == pytest.approx(3.0, rel=0.1)
    assert fit_temperature(TRUE, OUTCOMES) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_scaling_halves_the_error_on_pairs_it_was_not_fitted_on(method: Method) -> None:
    mended = held_out(method, OVERSURE, OUTCOMES)

    assert mended is not None
    assert mended.n == 4_000
    assert mended.before > 0.1
    assert mended.after < mended.before / 2


def test_certainty_has_a_logit_too() -> None:
    assert fit_temperature([0.0, 1.0, 1.0, 0.0], [0, 1, 0, 1]) > 1


def test_too_few_pairs_or_one_outcome_are_not_fitted() -> None:
    assert held_out("isotonic", [0.5] * 19, [0, 1] * 9 + [0]) is None
    assert held_out("isotonic", [0.5] * 40, [1] * 40) is None


@pytest.mark.parametrize(
    ("p", "y"), [([1.2], [1]), ([0.5], [0.5]), ([0.5, 0.5], [1]), ([[0.5]], [[1]])]
)
def test_what_is_no_probability_or_outcome_is_refused(p: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match=r"wanted|shape"):
        reliability(p, y)


def test_the_errors_interval_holds_the_point_and_narrows_with_more_pairs() -> None:
    rng = np.random.default_rng(8)

    def made(n: int) -> tuple[np.ndarray, np.ndarray]:
        truth = rng.uniform(0.1, 0.9, n)
        y = (rng.random(n) < truth).astype(float)
        return np.clip(truth + 0.15, 0, 1), y

    few, many = made(100), made(10_000)
    for p, y in (few, many):
        interval = calibration_error_interval(p, y)
        point = expected_calibration_error(p, y)
        assert interval is not None
        assert point is not None
        assert interval[0] <= point <= interval[1]
    narrow, wide = calibration_error_interval(*many), calibration_error_interval(*few)
    assert narrow is not None
    assert wide is not None
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 3
    assert narrow[0] > 0.1
    assert calibration_error_interval([0.5] * 5, [1, 0, 1, 0, 1]) is None
