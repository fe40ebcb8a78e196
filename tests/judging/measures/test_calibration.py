"""Whether probabilities mean what they say, and that scaling mends those that do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from judging.measures.calibration import (
    Method,
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
    # Two pairs are too few for an interval.
    assert (found[1].share_low, found[1].share_high) == (None, None)
    many = reliability([0.05] * 30, [0] * 20 + [1] * 10)
    assert many[0].share_low is not None
    assert many[0].share_low < 1 / 3 < (many[0].share_high or 0)


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
    with pytest.raises(ValueError, match=r"must be|shape"):
        reliability(p, y)
