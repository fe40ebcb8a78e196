"""Drawing many data sets of raters of one kind, and counting how often intervals of agreement hold.

A unit has a category of its own, drawn from the shares of a kind; a rater reads it with a chance of
√κ and else presses what they like, by the same shares. Two raters then have Cohen's κ, any number
Fleiss' κ and Krippendorff's α, at whatever numbers of judgements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.agreement import (
    Coefficient,
    ac1_of_two,
    agreement_of_two,
    cohen_kappas,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    raw_agreement,
)
from annotation.agreement.two_raters import Weights, agreement_weights

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

TRUTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9)
KINDS: dict[str, tuple[float, ...]] = {
    "two even": (0.5, 0.5),
    "three": (0.45, 0.4, 0.15),
    "four": (0.42, 0.38, 0.12, 0.08),
    "two, one common": (0.8, 0.2),
    "four, one common": (0.8, 0.1, 0.06, 0.04),
    "two, one rare": (0.95, 0.05),
    "seven on a scale": (0.1, 0.2, 0.2, 0.04, 0.2, 0.18, 0.08),
}
SKEWED = ("two, one common", "four, one common", "two, one rare")
"""Where a choice is so rare that, at low κ, it may never be agreed upon in a data set: intervals do
not rule out what was not seen, and are wider than need be."""


class Coverage(NamedTuple):
    """How often an interval held the truth where one was given, and how often one was given."""

    held: float
    given: float


def coverage(found: Sequence[Coefficient], truth: float) -> Coverage:
    told = [(one.low, one.high) for one in found if one.low is not None and one.high is not None]
    if not told:
        return Coverage(float("nan"), 0.0)
    low, high = np.array(told).T
    held = (low <= truth + 1e-12) & (high >= truth - 1e-12)
    return Coverage(float(held.mean()), len(told) / len(found))


def tables_of(
    rng: np.random.Generator, shares: Floats, kappa: float, n: int, repeats: int
) -> Counts:
    """What two such raters chose of `n` units (repeats, k, k)."""
    k = len(shares)
    joint = kappa * np.diag(shares) + (1 - kappa) * np.outer(shares, shares)
    return rng.multinomial(n, joint.ravel(), repeats).reshape(repeats, k, k)


def units_of(
    rng: np.random.Generator,
    shares: Floats,
    kappa: float,
    n: int,
    judgements: Sequence[int],
    repeats: int,
) -> Counts:
    """How many raters put each of `n` units into each category (repeats, n, k); each unit has one
    of the numbers of `judgements`, at random."""
    k, shape = len(shares), (repeats, n)
    own = rng.choice(k, p=shares, size=shape)
    many = rng.choice(judgements, size=shape)
    found = np.zeros((*shape, k), dtype=np.int64)
    for rater in range(max(judgements)):
        reads = rng.random(shape) < np.sqrt(kappa)
        chosen = np.where(reads, own, rng.choice(k, p=shares, size=shape))
        found += np.eye(k, dtype=np.int64)[chosen] * (rater < many)[..., None]
    return found


def ac1_truth(shares: Floats, kappa: float) -> float:
    """AC1 where the raters' κ is this and their shares are these."""
    observed = raw_truth(shares, kappa)
    expected = float((shares * (1 - shares)).sum() / (len(shares) - 1))
    return (observed - expected) / (1 - expected)


def raw_truth(shares: Floats, kappa: float) -> float:
    return float(kappa + (1 - kappa) * (shares**2).sum())


def kappa_truth(_shares: Floats, kappa: float) -> float:
    return kappa


TWO: dict[str, tuple[Callable[[Counts], list[Coefficient]], Callable[[Floats, float], float]]] = {
    "κ": (cohen_kappas, kappa_truth),
    "AC1": (ac1_of_two, ac1_truth),
    "raw": (agreement_of_two, raw_truth),
}
MANY: dict[str, tuple[Callable[[Counts], Coefficient], Callable[[Floats, float], float]]] = {
    "Fleiss' κ": (fleiss_kappa, kappa_truth),
    "α": (krippendorff_alpha, kappa_truth),
    "AC1": (gwet_ac1, ac1_truth),
    "raw": (raw_agreement, raw_truth),
}


def two_coverage(
    figure: str, kind: str, n: int, *, repeats: int = 2_000, seed: int = 21
) -> dict[float, Coverage]:
    """Of a figure of two raters over `n` units, by κ."""
    rng, shares = np.random.default_rng(seed), np.array(KINDS[kind])
    of, truth = TWO[figure]
    return {
        kappa: coverage(of(tables_of(rng, shares, kappa, n, repeats)), truth(shares, kappa))
        for kappa in TRUTHS
    }


def many_coverage(
    figure: str,
    kind: str,
    n: int,
    judgements: Sequence[int],
    *,
    repeats: int = 2_000,
    truths: Sequence[float] = TRUTHS,
    seed: int = 22,
) -> dict[float, Coverage]:
    """Of a figure of any number of raters over `n` units, by κ."""
    rng, shares = np.random.default_rng(seed), np.array(KINDS[kind])
    of, truth = MANY[figure]
    return {
        kappa: coverage(
            [of(units) for units in units_of(rng, shares, kappa, n, judgements, repeats)],
            truth(shares, kappa),
        )
        for kappa in truths
    }


def scaled_coverage(
    figure: str, n: int, *, spread: float = 0.0, repeats: int = 2_000, seed: int = 23
) -> dict[float, Coverage]:
    """Of weighted κ (by its weights' name) or ordinal α on a scale of seven, by how far raters
    read what is there; who does not read it presses what they like, and who does may be off by a
    step with a chance of `spread`."""
    rng, shares = np.random.default_rng(seed), np.array(KINDS["seven on a scale"])
    found = {}
    for kappa in TRUTHS:
        joint = joint_on_a_scale(shares, kappa, spread)
        tables = rng.multinomial(n, joint.ravel(), repeats).reshape(repeats, *joint.shape)
        if figure == "α":
            # The figure of the whole population, units without number.
            truth = _ordinal_alpha(np.rint(joint * 1e9).astype(np.int64)).value
            told = [_ordinal_alpha(one) for one in tables]
        else:
            weights: Weights = "quadratic" if figure == "quadratic" else "linear"
            truth = weighted_truth(joint, weights)
            told = cohen_kappas(tables, weights=weights)
        assert truth is not None
        found[kappa] = coverage(told, truth)
    return found


def joint_on_a_scale(shares: Floats, kappa: float, spread: float) -> Floats:
    """The chance that two raters choose these two of a scale (k, k)."""
    k = len(shares)
    step = np.zeros((k, k))
    for place in range(k):
        step[place, place] += 1 - spread
        for near in (place - 1, place + 1):
            step[place, min(max(near, 0), k - 1)] += spread / 2
    read = np.sqrt(kappa) * step + (1 - np.sqrt(kappa)) * shares[None, :]
    return np.asarray(np.einsum("c,ci,cj->ij", shares, read, read))


def weighted_truth(joint: Floats, weights: Weights) -> float:
    w = agreement_weights(len(joint), weights)
    by_chance = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return float(1 - (joint * (1 - w)).sum() / (by_chance * (1 - w)).sum())


def _ordinal_alpha(table: Counts) -> Coefficient:
    """α of two raters from how often one chose this where the other chose that (k, k)."""
    one, other = (index.ravel() for index in np.indices(table.shape))
    each = np.eye(len(table), dtype=np.int64)
    return krippendorff_alpha(each[one] + each[other], often=table.ravel(), level="ordinal")
