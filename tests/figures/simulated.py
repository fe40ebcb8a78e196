"""Drawing many data sets of one kind at once, and counting how often intervals hold the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from figures.intervals import Totals, share_bounds
from figures.together import Groups, together

Floats = NDArray[np.float64]

RATES = (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97)
REPEATS = 2_000
LEAST, MOST = 0.93, 0.99
"""What a 95 % interval is held to."""
TOLERANCE = 0.015
"""Two to three standard errors of a coverage near LEAST or MOST, seen in so many draws."""


def covered(low: Floats, high: Floats, truth: float) -> float:
    """The share of the intervals (r,) that hold the truth."""
    return float(((low <= truth + 1e-12) & (high >= truth - 1e-12)).mean())


def clustered(
    rng: np.random.Generator, groups: int, size: int, rate: float, alike: float
) -> Totals:
    """Zeros and ones in groups of `size` on average, correlated by `alike` within a group."""
    shape = (REPEATS, groups)
    chance = np.full(shape, rate)
    if alike:
        chance = rng.beta(rate * (1 / alike - 1), (1 - rate) * (1 / alike - 1), shape)
    sizes = rng.integers(1, 2 * size, shape) if size > 1 else np.ones(shape, dtype=np.int64)
    hits = rng.binomial(sizes, chance).astype(np.float64)
    return Totals(hits, hits, sizes.astype(np.float64))


def share_coverage(groups: int, size: int, alike: float, *, seed: int = 11) -> dict[float, float]:
    """How often the interval of a share holds it, by rate."""
    rng = np.random.default_rng(seed)
    found = {}
    for rate in RATES:
        low, high = share_bounds(clustered(rng, groups, size, rate, alike))
        found[rate] = covered(low, high, rate)
    return found


JUDGES = ("good", "fair", "soft", "useless", "constant", "perverse", "never wrong", "lopsided")


def judge_of(kind: str, human: Floats, rng: np.random.Generator) -> Floats:
    """What a judge of a kind says, in [0, 1], where humans say 0 or 1."""

    def erring(share: float, low: float) -> Floats:
        said = np.where(rng.random(human.shape) < share, 1 - human, human)
        return np.asarray(low + (1 - 2 * low) * said)

    kinds: dict[str, Callable[[], Floats]] = {
        "good": lambda: erring(0.05, 0.1),
        "fair": lambda: erring(0.25, 0.2),
        "soft": lambda: np.clip(
            0.5 + 0.35 * (2 * human - 1) + 0.2 * rng.standard_normal(human.shape), 0, 1
        ),
        "useless": lambda: rng.random(human.shape),
        "constant": lambda: np.full(human.shape, 0.7),
        "perverse": lambda: erring(0.9, 0.1),
        "never wrong": human.copy,
        # Wrong in three of ten, and then always for the same side.
        "lopsided": lambda: np.where(rng.random(human.shape) < 0.3, 0.1, 0.1 + 0.8 * human),
    }
    return np.asarray(kinds[kind](), dtype=np.float64)


def together_coverage(
    kind: str,
    n: int,
    more: int,
    *,
    size: int = 1,
    alike: float = 0.0,
    repeats: int = 800,
    seed: int = 13,
) -> dict[float, float]:
    """How often the joint interval holds the humans' rate, by rate; pairs in groups of `size`."""
    rng = np.random.default_rng(seed)
    found = {}
    for rate in RATES:
        both, alone = n // size, more // size
        chance = np.full((repeats, both + alone, 1), rate)
        if alike:
            a, b = rate * (1 / alike - 1), (1 - rate) * (1 / alike - 1)
            chance = rng.beta(a, b, chance.shape)
        human = (rng.random((repeats, both + alone, size)) < chance).astype(np.float64)
        said = judge_of(kind, human, rng)
        mine = np.arange(both + alone) < both
        count = np.broadcast_to(float(size), (repeats, both + alone))
        joint = together(
            Groups(
                human.sum(-1) * mine,
                said.sum(-1) * mine,
                count * mine,
                said.sum(-1) * ~mine,
                count * ~mine,
            )
        )
        found[rate] = covered(joint.low, joint.high, rate)
    return found
