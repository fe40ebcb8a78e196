"""Two raters, from the table of what one chose while the other chose that.

All functions take a stack of tables (t, k, k), as large projects have tens of thousands of twos of
raters; the ones in the singular take one table.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from annotation.agreement.coefficient import (
    LEAST_PAIRS,
    ONE_CATEGORY,
    ONE_SIDED,
    Coefficient,
    Counts,
    Floats,
    Linear,
    as_counts,
    beyond_chance,
    bounds,
    too_few,
    wilson,
)
from figures.intervals import LEAST_UNITS
from figures.intervals import too_few as too_few_for_a_share

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

    The interval is that of `coefficient.bounds`, whose variance is the one below; none is given
    where there are too few pairs for it to hold (`coefficient.too_few`). Where one rater used a
    single category κ is 0 whatever the other did: its interval is κ at Wilson's bounds of the
    observed agreement, agreement by chance held fixed, which tells a rater who always presses the
    same from one who was sent alike pairs.

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
    one_sided = np.minimum((row > 0).sum(axis=1), (column > 0).sum(axis=1)) == 1
    moves = cohen_moves(p, w)
    moves[one_sided] = 0.0
    low, high = _bounds(cells, w, observed, expected, moves)
    value = np.where(one_sided, 0.0, value)
    reasons = np.where(one_sided, ONE_SIDED, "")
    return _coefficients(cells, n, value, low, high, reasons, expected=expected)


def cohen_moves(p: Floats, w: Floats) -> Floats:
    """How far a unit in each cell (t, k, k) moves Cohen's κ, times 1 - agreement by chance.

    `p` (t, k, k) are the tables' proportions, `w` (k, k) the weights of agreement. 0 where κ is
    undefined.

    Source: Fleiss, Cohen and Everitt (1969), whose variance is that of these numbers over units.
    """
    row, column = p.sum(axis=2), p.sum(axis=1)
    left = 1 - np.einsum("ti,ij,tj->t", row, w, column)
    lost = 1 - (p * w).sum(axis=(1, 2))
    # A category's mean weight against the other rater's margin: the crossed margins.
    crossed = (column @ w.T)[:, :, None] + (row @ w)[:, None, :]
    ratio = np.divide(lost, left, out=np.zeros_like(left), where=left > 1e-12)
    moves: Floats = w - crossed * ratio[:, None, None]
    return moves


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
    interval is that of `coefficient.bounds`, of the linearised variance given there, which is that
    of `gwet_ac1` with two judgements a unit.
    """
    cells, n, p = _shares(tables)
    k = cells.shape[1]
    share = (p.sum(axis=1) + p.sum(axis=2)) / 2
    expected = (share * (1 - share)).sum(axis=1) / (k - 1)
    observed = _agreed(cells) / np.maximum(n, 1)
    value = beyond_chance(observed, expected)
    by_chance = ((1 - share)[:, :, None] + (1 - share)[:, None, :]) / (k - 1)
    moves = np.eye(k) - (1 - value)[:, None, None] * by_chance
    low, high = _bounds(cells, np.eye(k), observed, expected, moves)
    return _coefficients(cells, n, value, low, high, expected=expected, least=LEAST_UNITS)


def agreement_of_two(tables: ArrayLike) -> list[Coefficient]:
    """The share of pairs on which the two agree, with Wilson's interval, of each table (t, k, k).

    It knows nothing of chance, and so is defined with one category too. Too few pairs have no
    interval, as any other share.
    """
    cells, n, _ = _shares(tables)
    share = _agreed(cells) / np.maximum(n, 1)
    low, high = wilson(share, np.maximum(n, 1))
    return _coefficients(cells, n, share, low, high)


def _bounds(
    cells: Counts, w: Floats, observed: Floats, expected: Floats, moves: Floats
) -> tuple[Floats, Floats]:
    """The interval of a coefficient whose value a unit in each cell moves by `moves` (t, k, k)."""
    many, k = cells.shape[:2]
    used = cells.sum(axis=1) + cells.sum(axis=2) > 0
    alike = np.diagonal(moves, axis1=1, axis2=2)
    unseen = np.where(used, alike, np.nan)
    if ((w > 0) & (w < 1)).any():
        # On a scale one step is the commonest disagreement, and the far ones weigh the most.
        corners = np.stack([moves[:, 0, -1], moves[:, -1, 0]], axis=1)
        unseen = np.concatenate([unseen, corners], axis=1)
    return bounds(
        Linear(
            observed,
            expected,
            cells.reshape(many, k * k).astype(np.float64),
            np.broadcast_to(w.ravel(), (many, k * k)),
            moves.reshape(many, k * k),
            unseen,
        )
    )


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
    expected: Floats | None = None,
    least: int = LEAST_PAIRS,
) -> list[Coefficient]:
    """Rows of figures as coefficients, with reasons for those that are not defined or have too few
    units for an interval, `least` at the least; `expected` is the agreement by chance, None for a
    plain share."""
    used = ((cells.sum(axis=1) + cells.sum(axis=2)) > 0).sum(axis=1)
    alone = (used == 1) & (expected is not None)
    told = reasons.tolist() if reasons is not None else [""] * len(n)
    by_chance: list[float | None] = [None] * len(n) if expected is None else expected.tolist()
    rows = zip(
        n.tolist(),
        alone.tolist(),
        value.tolist(),
        low.tolist(),
        high.tolist(),
        told,
        by_chance,
        strict=True,
    )
    return [_coefficient(row, least) for row in rows]


def _coefficient(
    row: tuple[int, bool, float, float, float, str, float | None], least: int
) -> Coefficient:
    n, one_category, value, low, high, reason, expected = row
    if n < 2:
        return Coefficient(None, n, reason=f"{n} units were judged by both; two are needed.")
    if one_category:
        return Coefficient(None, n, reason=ONE_CATEGORY)
    few = too_few_for_a_share(n, n) if expected is None else too_few(n, expected, least)
    if few:
        return Coefficient(value, n, reason=few)
    return Coefficient(value, n, low, high, reason)
