"""When one category is so frequent that κ misleads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from figures.words import percent

SKEWED = 0.8
"""From this share of the most frequent category on, κ is not to be read alone."""


@dataclass(frozen=True, slots=True)
class Prevalence:
    """The most frequent category (its number; None without a judgement) and its share, 0 to 1."""

    category: int | None
    share: float

    @property
    def misleads(self) -> bool:
        """Whether κ is pulled towards 0 by this margin, so that AC1 must be read beside it."""
        return self.share >= SKEWED

    def warning(self, names: tuple[str, ...]) -> str:
        """One sentence for a reader, or an empty string. `names` (k,) are of the categories."""
        if self.category is None or not self.misleads:
            return ""
        return (
            f"{percent(self.share, 0)} of the judgements are {names[self.category]}: κ and α are "
            "pulled towards 0 by that alone; read AC1 and the observed agreement beside them."
        )


def prevalences_of(counts: ArrayLike) -> list[Prevalence]:
    """The most frequent category of judgements counted per category, one row each (t, k).

    For two raters a row is the sum of both margins, and the share the mean of the two. High
    agreement with a low κ comes from such margins (the first paradox of Feinstein and Cicchetti).
    With two categories the prevalence index of Byrt, Bishop and Carlin is PI = 2 · share - 1, so
    that a share of 0.8 is PI = 0.6: there 0.68 agree by chance alone. The bound is a convention,
    ours; neither paper draws one.

    Source: Feinstein and Cicchetti (1990), Journal of Clinical Epidemiology 43, 543-549; Byrt,
    Bishop and Carlin (1993), Journal of Clinical Epidemiology 46, 423-429.
    """
    judged = np.asarray(counts, dtype=np.float64)
    totals = judged.sum(axis=1)
    shares = judged.max(axis=1, initial=0) / np.maximum(totals, 1)
    rows = zip(judged.argmax(axis=1).tolist(), shares.tolist(), totals.tolist(), strict=True)
    return [
        Prevalence(category, share) if total else Prevalence(None, 0.0)
        for category, share, total in rows
    ]


def prevalence_of(counts: ArrayLike) -> Prevalence:
    """The most frequent category of judgements counted per category (k,); see `prevalences_of`."""
    return prevalences_of(np.asarray(counts)[None])[0]
