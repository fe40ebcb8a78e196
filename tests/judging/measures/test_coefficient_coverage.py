"""Whether the intervals of a judge's length and formatting coefficients hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from judging.measures.bias import LEAST_TO_REGRESS, formatting_bias, length_bias

REPEATS = 300
TOLERANCE = 0.03
"""Two standard errors of a coverage near 0.93 or 0.99 in so many draws."""


@pytest.mark.parametrize(("n", "size"), [(LEAST_TO_REGRESS, 1), (160, 4)])
@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_the_length_coefficient_is_held(n: int, size: int, truth: float) -> None:
    rng = np.random.default_rng(3)
    held = 0
    prompts = np.repeat(np.arange(n // size), size).tolist()
    for _ in range(REPEATS):
        ratio = 0.7 * rng.standard_normal(n)
        human = rng.choice([1.0, -1.0], n)
        # What pairs of one prompt have in common is in the lengths as well.
        ratio += np.repeat(0.5 * rng.standard_normal(n // size), size)
        odds = truth * ratio + 0.8 * human
        p = np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), 0.9, 0.1)
        found = length_bias(p, np.exp(ratio), np.ones(n), human, prompts)
        assert found.low is not None
        held += found.low <= truth <= (found.high or 0)
    assert 0.93 - TOLERANCE <= held / REPEATS <= 0.99 + TOLERANCE


def test_the_formatting_coefficient_is_held() -> None:
    rng = np.random.default_rng(4)
    held, n, truth = 0, 100, 0.5
    for _ in range(REPEATS):
        ratio, human = 0.7 * rng.standard_normal(n), rng.choice([1.0, -1.0], n)
        marks = rng.integers(0, 4, (2, n))
        odds = truth * np.sign(marks[0] - marks[1]) + 0.5 * ratio + 0.8 * human
        p = np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), 0.9, 0.1)
        found = formatting_bias(p, marks[0], marks[1], np.exp(ratio), np.ones(n), human)
        assert found.low is not None
        held += found.low <= truth <= (found.high or 0)
    assert 0.93 - TOLERANCE <= held / REPEATS <= 0.99 + TOLERANCE


def test_few_decided_pairs_give_a_coefficient_without_an_interval() -> None:
    rng = np.random.default_rng(5)
    n = LEAST_TO_REGRESS - 1
    p = np.where(rng.random(n) < 0.5, 0.9, 0.1)
    found = length_bias(p, np.exp(rng.standard_normal(n)), np.ones(n), np.zeros(n))
    assert found.value is not None
    assert found.low is None
    assert found.reason == "49 decided pairs: no interval is given for fewer than 50."
