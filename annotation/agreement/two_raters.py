"""Two raters, from the table of what one chose while the other chose that.

All functions take a stack of tables (t, k, k), as large projects have tens of thousands of twos of
raters; the ones in the singular take one table.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from annotation.agreement.coefficient import (
    ONE_CATEGORY,
    ONE_SIDED,
    Coefficient,
    Counts,
    Floats,
    Z,
    as_counts,
    beyond_chance,
    wilson,
)

Weights = Literal["nominal", "linear", "quadratic"] | Floats


def cohen_kappa(table: ArrayLike, *, weights: Weights = "nominal") -> Coefficient:
    """Cohen's κ of two raters from their contingency table (k, k); see `cohen_kappas`."""
    return cohen_kappas(as_counts(table, 2)[None], weights=weights)[0]


def cohen_kappas(tables: ArrayLike, *, weights: Weights = "nominal") -> list[Coefficient]:
    """Cohen's κ, plain or weighted, of each of a stack of tables.

    `tables` (t, k, k): how often rater A chose row i while rater B chose column j. With linear or
    quadratic weights the categories are an ordinal scale in their order, and a disagreement weighs
    the distance |i - j| or its square; other weights come as an array (k, k) of how far two
    categories agree, 0 to 1.

    The interval is κ ± 1.96 standard errors, clipped to [-1, 1]. Two tables have no honest standard
    error, and get κ at Wilson's bounds of the observed agreement instead, agreement by chance held
    fixed: with perfect agreement it is 0 however few the pairs; and where one rater used a single
    category κ is 0 whatever the other did, so that the bounds alone tell a rater who always presses
    the same from one who was sent alike pairs.

    Raises ValueError for a table that is not square or holds a negative count.

    Source: Cohen (1960), Educational and Psychological Measurement 20, 37-46; weights: Cohen
    (1968), Psychological Bulletin 70, 213-220; standard error: Fleiss, Cohen and Everitt (1969),
    Psychological Bulletin 72, 323-327: the weighted form, and equation 13.
    """
    cells, n, p = _shares(tables)
    w = agreement_weights(cells.shape[1], weights)
    row, column = p.sum(axis=2), p.sum(axis=1)
    observed = (p * w).sum(axis=(1, 2))
    expected = np.einsum("ti,ij,tj->t", row, w, column)
    value = beyond_chance(observed, expected)
    error = Z * cohen_standard_errors(p, n, w)
    low, high = value - error, value + error
    one_sided = np.minimum((row > 0).sum(axis=1), (column > 0).sum(axis=1)) == 1
    by_share = one_sided | (_agreed(cells) == n)
    shares = wilson(np.clip(observed, 0, 1), np.maximum(n, 1))
    low = np.where(by_share, beyond_chance(shares[0], expected), low)
    high = np.where(by_share, beyond_chance(shares[1], expected), high)
    value = np.where(one_sided, 0.0, value)
    reasons = np.where(one_sided, ONE_SIDED, "")
    return _coefficients(cells, n, value, np.clip(low, -1, 1), np.clip(high, -1, 1), reasons)


def cohen_standard_errors(p: Floats, n: Counts, w: Floats) -> Floats:
    """The large-sample standard errors (t,) of Cohen's κ; NaN where κ is undefined.

    `p` (t, k, k) are the tables' proportions over `n` (t,) units, `w` (k, k) the weights of
    agreement, 1 on the diagonal.

    Source: Fleiss, Cohen and Everitt (1969), for weighted κ; with 1 on the diagonal of `w` and 0
    elsewhere it is their equation 13.
    """
    row, column = p.sum(axis=2), p.sum(axis=1)
    observed = (p * w).sum(axis=(1, 2))
    expected = np.einsum("ti,ij,tj->t", row, w, column)
    # A category's mean weight against the other rater's margin: the crossed margins.
    crossed = (column @ w.T)[:, :, None] + (row @ w)[:, None, :]
    left = (1 - expected)[:, None, None]
    spread = p * (w * left - crossed * (1 - observed)[:, None, None]) ** 2
    centre = (observed * expected - 2 * expected + observed) ** 2
    variance = np.maximum(0.0, spread.sum(axis=(1, 2)) - centre)
    out = np.full(len(p), np.nan)
    above, below = np.sqrt(variance / np.maximum(n, 1)), (1 - expected) ** 2
    errors: Floats = np.divide(above, below, out=out, where=below > 1e-24)
    return errors


def agreement_weights(k: int, weights: Weights) -> Floats:
    """How far each two of `k` categories agree (k, k): 1 on the diagonal, 0 at the far ends.

    Raises ValueError for weights of another shape, out of 0 to 1, or not 1 on the diagonal.

    Source: Cohen (1968), in the form of agreement by Fleiss, Cohen and Everitt (1969).
    """
    if not isinstance(weights, str):
        if weights.shape != (k, k) or not ((weights >= 0) & (weights <= 1)).all():
            raise ValueError(f"Weights must be {k} × {k} numbers from 0 to 1.")
        if (np.diag(weights) != 1).any():
            raise ValueError("Weights must be 1 on the diagonal.")
        return weights
    if weights == "nominal":
        return np.eye(k)
    places = np.arange(k)
    apart = np.abs(places[:, None] - places[None, :]) / max(k - 1, 1)
    return np.asarray(1 - (apart if weights == "linear" else apart**2), dtype=np.float64)


def ac1_of_two(tables: ArrayLike) -> list[Coefficient]:
    """Gwet's AC1 of each of a stack of tables (t, k, k), k > 1 the categories that were offered.

    Where nearly all pairs fall into one category, agreement by chance as κ sees it nears 1, and κ
    nears 0 however well two agree; AC1 does not follow it there.

    Source: Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48; the
    interval is of the linearised variance given there, which is that of `gwet_ac1` with two
    judgements a unit.
    """
    cells, n, p = _shares(tables)
    k = cells.shape[1]
    share = (p.sum(axis=1) + p.sum(axis=2)) / 2
    expected = (share * (1 - share)).sum(axis=1) / (k - 1)
    value = beyond_chance(_agreed(cells) / np.maximum(n, 1), expected)
    by_chance = ((1 - share)[:, :, None] + (1 - share)[:, None, :]) / 2 / (k - 1)
    left = (1 - expected)[:, None, None]
    each = (np.eye(k) - expected[:, None, None]) / left
    each = each - 2 * (1 - value)[:, None, None] * (by_chance - expected[:, None, None]) / left
    spread = (p * (each - value[:, None, None]) ** 2).sum(axis=(1, 2))
    error = Z * np.sqrt(spread / np.maximum(n - 1, 1))
    perfect = _agreed(cells) == n
    at_least = wilson(_agreed(cells) / np.maximum(n, 1), np.maximum(n, 1))[0]
    low = np.where(perfect, beyond_chance(at_least, expected), value - error)
    high = np.where(perfect, 1.0, value + error)
    return _coefficients(cells, n, value, np.clip(low, -1, 1), np.clip(high, -1, 1))


def agreement_of_two(tables: ArrayLike) -> list[Coefficient]:
    """The share of pairs on which the two agree, with Wilson's interval, of each table (t, k, k).

    It knows nothing of chance, and so is defined with one category too.
    """
    cells, n, _ = _shares(tables)
    share = _agreed(cells) / np.maximum(n, 1)
    low, high = wilson(share, np.maximum(n, 1))
    return _coefficients(cells, n, share, low, high, one_category=False)


def _shares(tables: ArrayLike) -> tuple[Counts, Counts, Floats]:
    cells = as_counts(tables, 3)
    if cells.shape[1] != cells.shape[2]:
        raise ValueError(f"The table has shape {cells.shape[1:]}; it must be square.")
    n = cells.sum(axis=(1, 2))
    return cells, n, cells / np.maximum(n, 1)[:, None, None]


def _agreed(cells: Counts) -> Counts:
    agreed: Counts = np.trace(cells, axis1=1, axis2=2)
    return agreed


def _coefficients(
    cells: Counts,
    n: Counts,
    value: Floats,
    low: Floats,
    high: Floats,
    reasons: np.ndarray[tuple[int, ...], np.dtype[np.str_]] | None = None,
    *,
    one_category: bool = True,
) -> list[Coefficient]:
    """Rows of figures as coefficients, with reasons for those that are not defined."""
    used = ((cells.sum(axis=1) + cells.sum(axis=2)) > 0).sum(axis=1)
    alone = one_category & (used == 1)
    told = reasons.tolist() if reasons is not None else [""] * len(n)
    rows = zip(
        n.tolist(), alone.tolist(), value.tolist(), low.tolist(), high.tolist(), told, strict=True
    )
    return [
        Coefficient(None, many, reason=f"{many} units were judged by both; two are needed.")
        if many < 2
        else Coefficient(None, many, reason=ONE_CATEGORY)
        if one
        else Coefficient(figure, many, at_least, at_most, reason)
        for many, one, figure, at_least, at_most, reason in rows
    ]
