"""From all raters' labels to a distribution over the choices for each pair: pure functions.

Majority counts every rater alike. Dawid and Skene's model learns for each rater how they err, and
weighs them by it. Both come from crowd-kit.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ITERATIONS = 100
"""Always so many: crowd-kit ends when its bound grows by less than a tolerance, and that bound
falls for a while on its way, so that it would end after four steps on Dawid and Skene's own data,
of which fifty reproduce the published estimates to all digits."""
NEVER = -float("inf")

TINY = 1e-12


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
    EM algorithm, Applied Statistics 28, 20-28; crowd-kit: Ustalov, Pavlichenko and Tseitlin (2024),
    Journal of Open Source Software 9(96), 6227.
    """
    known = dict(settled or {})
    _, often = np.unique(labels.pair, return_counts=True)
    if not len(often) or (often.max() < 2 and not known):
        return majority(labels, settled)
    from crowdkit.aggregation import DawidSkene

    data = pd.DataFrame({"task": labels.pair, "worker": labels.rater, "label": labels.choice})
    truth = pd.Series({pair: known[pair] for pair in np.unique(labels.pair) if pair in known})
    model = DawidSkene(n_iter=ITERATIONS, tol=NEVER)
    with warnings.catch_warnings():
        # pandas, of crowd-kit's use of it.
        warnings.simplefilter("ignore")
        model.fit(data, truth if len(truth) else None)
    if model.probas_ is None or model.priors_ is None or model.errors_ is None:
        raise RuntimeError("crowd-kit's model was fitted and holds no estimate.")
    found = model.probas_.reindex(columns=range(labels.choices), fill_value=0.0).sort_index()
    pairs = found.index.to_numpy(dtype=np.int64)
    distribution = found.to_numpy(dtype=np.float64)
    distribution = _settle(pairs, distribution / distribution.sum(axis=1, keepdims=True), settled)
    marginals = model.priors_.reindex(range(labels.choices), fill_value=0.0).to_numpy()
    confusion = _confusion(model.errors_, labels.choices)
    return Consensus(
        pairs=pairs,
        distribution=distribution,
        marginals=np.asarray(marginals, dtype=np.float64),
        confusion=confusion,
        iterations=len(model.loss_history_),
        log_likelihood=_log_likelihood(labels, pairs, marginals, confusion),
    )


def _confusion(errors: pd.DataFrame, choices: int) -> dict[int, Floats]:
    """crowd-kit's frame by (rater, label), truth in columns, as a matrix a rater."""
    matrices: dict[int, Floats] = {}
    for rater, rows in errors.groupby(level="worker"):
        full = rows.droplevel("worker").reindex(
            index=range(choices), columns=range(choices), fill_value=0.0
        )
        matrices[int(str(rater))] = full.to_numpy(dtype=np.float64).T
    return matrices


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
