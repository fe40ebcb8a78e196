"""From all raters' labels to a distribution over the choices for each pair: pure functions.

Majority counts every rater alike. Dawid and Skene's model learns for each rater how they err, and
weighs them by it. The tests hold it against crowd-kit's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ITERATIONS = 100
"""At most so many: fifty reproduce the published estimates on Dawid and Skene's own data to all
digits. The bound falls for a while on its way, so that it does not tell when to end."""
STILL = 1e-13
"""A step that moves no probability further than this was the last."""

TINY = 1e-12
LEAST_CHANCE = 1e-10
"""No choice of a rater is taken to be less probable."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels as arrays (l,): pair and rater by any whole number, choice from 0 to `choices` - 1.

    Several labels of one rater on one pair count as several observations.
    """

    pair: Ints
    rater: Ints
    choice: Ints
    choices: int


@dataclass(frozen=True, slots=True)
class Consensus:
    """What the raters say together.

    `pairs` (p,) are the pairs in ascending order, `distribution` (p, k) sums to 1 along a row.
    `marginals` (k,) are the shares of the choices. A majority has no `confusion`; Dawid and Skene
    give for each rater the matrix (k, k) of P(label j | truth i), truth in rows.
    """

    pairs: Ints
    distribution: Floats
    marginals: Floats
    confusion: Mapping[int, Floats]
    iterations: int = 0
    log_likelihood: float | None = None

    @property
    def choice(self) -> Ints:
        """The most probable choice of each pair (p,); of equals the first."""
        best: Ints = self.distribution.argmax(axis=1)
        return best

    @property
    def confidence(self) -> Floats:
        """The probability of that choice (p,)."""
        top: Floats = self.distribution.max(axis=1, initial=0.0)
        return top


def majority(labels: Labels, settled: Mapping[int, int] | None = None) -> Consensus:
    """The shares of the choices among the labels of each pair.

    `settled` names the truth of pairs that a senior decided: those get probability 1 on it.
    """
    pairs, place = np.unique(labels.pair, return_inverse=True)
    counts = np.zeros((len(pairs), labels.choices))
    np.add.at(counts, (place, labels.choice), 1.0)
    distribution = _settle(pairs, counts / counts.sum(axis=1, keepdims=True), settled)
    return Consensus(pairs, distribution, _marginals(distribution, labels.choices), {})


def dawid_skene(labels: Labels, settled: Mapping[int, int] | None = None) -> Consensus:
    """The posterior of each pair's choice under Dawid and Skene's model, by EM from the majority.

    `settled` is known truth: it fixes those pairs, and teaches how the raters err. Where nobody
    shares a pair and nothing is settled, the labels stand as they are: there is nothing to learn
    from, and the result is the majority's.

    Source: Dawid and Skene (1979), Maximum likelihood estimation of observer error-rates using the
    EM algorithm, Applied Statistics 28, 20-28.
    """
    known = dict(settled or {})
    _, often = np.unique(labels.pair, return_counts=True)
    if not len(often) or (often.max() < 2 and not known):
        return majority(labels, settled)
    start = majority(labels, settled)
    raters, rater = np.unique(labels.rater, return_inverse=True)
    # Choices that nobody made are no part of the model.
    used = np.flatnonzero(start.distribution.sum(axis=0))
    place = np.searchsorted(start.pairs, labels.pair)
    answer = rater * labels.choices + labels.choice
    fixed = np.isin(start.pairs, list(known))
    truth = start.distribution[:, used]
    errors = _errors(answer, place, truth, len(raters), labels.choices)
    iterations, moved = 0, np.inf
    while iterations < ITERATIONS and moved >= STILL:
        before = truth
        truth = _truths(answer, place, truth.mean(axis=0), errors)
        truth[fixed] = before[fixed]
        errors = _errors(answer, place, truth, len(raters), labels.choices)
        iterations, moved = iterations + 1, float(np.abs(truth - before).max())
    distribution, marginals = np.zeros_like(start.distribution), np.zeros(labels.choices)
    distribution[:, used], marginals[used] = truth, truth.mean(axis=0)
    matrices = np.zeros((len(raters), labels.choices, labels.choices))
    matrices[:, used] = errors.reshape(len(raters), labels.choices, -1).transpose(0, 2, 1)
    confusion = dict(zip(raters.tolist(), matrices, strict=True))
    return Consensus(
        pairs=start.pairs,
        distribution=distribution,
        marginals=marginals,
        confusion=confusion,
        iterations=iterations,
        log_likelihood=_log_likelihood(labels, start.pairs, marginals, confusion),
    )


def _errors(answer: Ints, place: Ints, truth: Floats, raters: int, choices: int) -> Floats:
    """P(label | truth) of each rater's each choice, (raters · choices, truths): the M step. 0 for a
    choice that a rater never made."""
    many = raters * choices
    counts = np.stack(
        [np.bincount(answer, weights=column[place], minlength=many) for column in truth.T], axis=1
    )
    made = np.bincount(answer, minlength=many) > 0
    counts = np.where(made[:, None], np.maximum(counts, LEAST_CHANCE), 0.0)
    by_rater = counts.reshape(raters, choices, -1)
    shares: Floats = (by_rater / by_rater.sum(axis=1, keepdims=True)).reshape(many, -1)
    return shares


def _truths(answer: Ints, place: Ints, marginals: Floats, errors: Floats) -> Floats:
    """The posterior of each pair's truth (p, truths): the E step."""
    logs = np.log(np.maximum(errors, np.finfo(float).tiny))
    pairs = int(place.max()) + 1
    joint = np.log(np.maximum(marginals, LEAST_CHANCE)) + np.stack(
        [np.bincount(place, weights=column[answer], minlength=pairs) for column in logs.T], axis=1
    )
    chances: Floats = np.exp(joint - joint.max(axis=1, keepdims=True))
    shares: Floats = chances / chances.sum(axis=1, keepdims=True)
    return shares


def _log_likelihood(
    labels: Labels, pairs: Ints, marginals: Floats, confusion: Mapping[int, Floats]
) -> float:
    """Natural logarithm of the probability of all labels under the model."""
    place = np.searchsorted(pairs, labels.pair)
    logs = np.stack(
        [np.log(np.maximum(confusion[rater], TINY)) for rater in sorted(confusion)]
    )  # (raters, truth, label)
    number = np.searchsorted(np.array(sorted(confusion)), labels.rater)
    joint = np.tile(np.log(np.maximum(marginals, TINY)), (len(pairs), 1))
    np.add.at(joint, place, logs[number, :, labels.choice])
    top = joint.max(axis=1)
    return float((top + np.log(np.exp(joint - top[:, None]).sum(axis=1))).sum())


def _settle(pairs: Ints, distribution: Floats, settled: Mapping[int, int] | None) -> Floats:
    for place, pair in enumerate(pairs.tolist()):
        if settled and pair in settled:
            distribution[place] = 0.0
            distribution[place, settled[pair]] = 1.0
    return distribution


def _marginals(distribution: Floats, choices: int) -> Floats:
    if not len(distribution):
        return np.zeros(choices)
    shares: Floats = distribution.mean(axis=0)
    return shares
