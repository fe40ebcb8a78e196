"""Coefficients and standard errors in their textbooks' form, which intervals are held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotation.agreement.coefficient import beyond_chance
from annotation.agreement.many_raters import Level, _agreeing, _met
from annotation.agreement.two_raters import cohen_moves

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def fleiss_of(units: Counts, weights: Floats) -> Floats:
    """Fleiss' κ (r,) of units (u, k) under each row of weights (r, u); NaN where undefined."""
    judgements = units.sum(axis=1)
    total = weights.sum(axis=1)
    observed = weights @ _agreeing(units) / total
    shares = weights @ (units / judgements[:, None]) / total[:, None]
    return beyond_chance(observed, (shares**2).sum(axis=1))


def alpha_of(units: Counts, weights: Floats, level: Level = "nominal") -> Floats:
    """Krippendorff's α (r,) of units (u, k) under each row of weights (r, u); NaN if undefined.

    Two categories are apart by 1 (nominal), by the number of judgements between the middles of
    the two (ordinal), or by the difference of their places 0 to k-1 (interval), squared.

    Source: Krippendorff (2011), sections C and D.
    """
    k = units.shape[1]
    coincidences = (weights @ _met(units).reshape(-1, k * k)).reshape(-1, k, k)
    margin = weights @ units.astype(np.float64)
    apart: Floats
    if level == "nominal":
        apart = np.broadcast_to(1 - np.eye(k), coincidences.shape)
    else:
        middle = np.cumsum(margin, axis=1) - margin / 2
        place = middle if level == "ordinal" else np.broadcast_to(np.arange(k), margin.shape)
        apart = (place[:, :, None] - place[:, None, :]) ** 2
    seen = (coincidences * apart).sum(axis=(1, 2))
    by_chance = np.einsum("ri,rij,rj->r", margin, apart, margin) / (margin.sum(axis=1) - 1)
    out = np.full(len(seen), np.nan)
    share: Floats = np.divide(seen, by_chance, out=out, where=by_chance > 1e-12)
    return 1 - share


def cohen_standard_errors(p: Floats, n: Counts, w: Floats) -> Floats:
    """The large-sample standard errors (t,) of Cohen's κ; NaN where κ is undefined.

    `p` (t, k, k) are the tables' proportions over `n` (t,) units, `w` (k, k) the weights of
    agreement, 1 on the diagonal.

    Source: Fleiss, Cohen and Everitt (1969), for weighted κ; with 1 on the diagonal of `w` and 0
    elsewhere it is their equation 13.
    """
    expected = np.einsum("ti,ij,tj->t", p.sum(axis=2), w, p.sum(axis=1))
    moves = cohen_moves(p, w)
    apart = moves - (p * moves).sum(axis=(1, 2))[:, None, None]
    spread = np.sqrt((p * apart**2).sum(axis=(1, 2)) / np.maximum(n, 1))
    out, left = np.full(len(p), np.nan), 1 - expected
    errors: Floats = np.divide(spread, left, out=out, where=left > 1e-12)
    return errors
