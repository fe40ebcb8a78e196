"""Drawing many data sets of a judge with known faults, and counting how often intervals hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from figures.intervals import share_of
from judging.measures.bias import Figure, formatting_bias, length_bias, self_preference
from judging.trials.impact_figures import paired_change

Floats = NDArray[np.float64]

LENGTHS = (0.0, 0.5, 1.0)
"""True coefficients of a length or of formatting: of what is equal otherwise, one with the odds
1, 1.6 and 2.7 times."""


def coefficient_coverage(
    what: str, n: int, *, size: int = 1, pull: float = 0.0, repeats: int = 400, seed: int = 41
) -> dict[float, float]:
    """Of a judge whose odds follow what is long (`length`) or formatted (`formatting`) and what
    humans say, over `n` pairs in prompts of `size`, whose judgements share a `pull`."""
    rng, found = np.random.default_rng(seed), {}
    for truth in LENGTHS:
        told = [_coefficient(what, rng, truth, n, size, pull) for _ in range(repeats)]
        found[truth] = _held(told, truth)
    return found


def _coefficient(
    what: str, rng: np.random.Generator, truth: float, n: int, size: int, pull: float
) -> Figure:
    prompts = np.arange(n) // size
    human = rng.choice([-1.0, 0.0, 1.0], size=n, p=[0.4, 0.2, 0.4])
    ratio = 0.6 * rng.standard_normal(n) + 0.2 * human
    marks = rng.poisson(2, (2, n)).astype(float)
    of = ratio if what == "length" else np.sign(marks[0] - marks[1])
    shared = pull * rng.standard_normal(prompts.max() + 1)[prompts]
    odds = truth * of + human + shared
    p_first = np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), 0.9, 0.1)
    first, second = np.exp(ratio), np.ones(n)
    groups = prompts.tolist()
    if what == "length":
        return length_bias(p_first, first, second, human, groups)
    return formatting_bias(p_first, marks[0], marks[1], first, second, human, groups)


def kin_coverage(
    n: int, *, size: int = 1, alike: float = 0.0, repeats: int = 1_000, seed: int = 42
) -> dict[float, float]:
    """Of the self-preference of a judge that gives its own answers so much more than humans do."""
    rng, found = np.random.default_rng(seed), {}
    for truth in (0.0, 0.1, 0.25):

        def drawn(truth: float = truth) -> Figure:
            prompts = np.arange(n) // size
            worth = np.clip(rng.normal(0.4, 0.2, prompts.max() + 1), 0.05, 0.6)[prompts]
            human = rng.choice([0.0, 0.5, 1.0], size=n, p=[0.5, 0.1, 0.4])
            # What a judge thinks of a prompt's answers is alike; its mean is 0.45 as humans' is.
            leaning = (worth - worth.mean()) * alike
            judge = np.clip(0.45 + truth + leaning + 0.15 * rng.standard_normal(n), 0, 1)
            return self_preference(judge, human, prompts.tolist())

        found[truth] = _held([drawn() for _ in range(repeats)], truth)
    return found


def change_coverage(
    prompts: int, size: int, *, repeats: int = 1_000, seed: int = 43
) -> dict[float, float]:
    """Of a change of agreement with humans, over pairs whose flips are alike within a prompt."""
    rng, found = np.random.default_rng(seed), {}
    for gained, lost in ((0.1, 0.1), (0.3, 0.1), (0.15, 0.25)):
        told = []
        for _ in range(repeats):
            rise = rng.beta(2 * gained, 2 * (1 - gained), prompts).repeat(size)
            drawn, fall = rng.random(prompts * size), lost / (1 - gained)
            up = drawn < rise
            down = ~up & (rng.random(prompts * size) < fall)
            before = np.where(up, False, np.where(down, True, rng.random(prompts * size) < 0.7))
            after = np.where(up, True, np.where(down, False, before))
            change = paired_change(
                before.tolist(), after.tolist(), np.arange(prompts).repeat(size).tolist()
            )
            told.append(Figure(change.value, change.n, change.low, change.high))
        found[gained - lost] = _held(told, gained - lost)
    return found


def bin_coverage(n: int, *, repeats: int = 1_000, seed: int = 44) -> dict[float, float]:
    """Of the share in which humans prefer first, in a bin of a reliability diagram: chances differ
    within it."""
    rng, found = np.random.default_rng(seed), {}
    for middle in (0.15, 0.45, 0.75, 0.95):
        chances = middle + 0.1 * (rng.random((repeats, n)) - 0.5)
        told = [share_of(row) for row in rng.random((repeats, n)) < chances]
        found[middle] = _held([Figure(t.value, t.n, t.low, t.high) for t in told], middle)
    return found


def _held(told: list[Figure], truth: float) -> float:
    """The share of those with an interval that hold the truth; none without is expected."""
    ends = [(one.low, one.high) for one in told if one.low is not None and one.high is not None]
    assert len(ends) >= 0.9 * len(told), told[0]
    low, high = np.array(ends).T
    return float(((low <= truth + 1e-12) & (high >= truth - 1e-12)).mean())
