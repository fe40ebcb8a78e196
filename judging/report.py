"""A judge against humans, and its own faults: agreement, calibration, position, length.

The same for a judge that ran here and for one whose verdicts were imported.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.agreement import agreement_of_two, cohen_kappa
from annotation.consensus_selectors import CHOICES, consensus_of
from annotation.models import Choice, Label
from corpus.models import Pair
from judging.bias import Figure, PositionBias, length_bias, longer_wins, position_bias
from judging.calibration import Bin, Mended, expected_calibration_error, held_out, reliability
from judging.models import JudgeConfig, Verdict

CATEGORIES = (Choice.FIRST.value, Choice.SECOND.value, Choice.EQUAL.value)
"""Both bad is no preference: few judges have such an answer."""

HUMAN = {Choice.FIRST.value: 1.0, Choice.SECOND.value: -1.0}
PAIRS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """`confusion` counts pairs by what humans (row) and the judge (column) say, in the order of
    CATEGORIES; `ece` and `bins` are of pairs on which humans prefer one, None where the judge gives
    no probabilities."""

    judge: str
    labels: int
    verdicts: dict[str, int]
    compared: int
    kappa: dict[str, Any]
    agreement: dict[str, Any]
    confusion: list[list[int]]
    bins: list[Bin]
    ece: float | None
    mended: list[Mended]
    position: PositionBias
    length: Figure
    longer_wins: Figure
    humans_longer_wins: Figure

    def as_json(self) -> dict[str, Any]:
        return {"categories": list(CATEGORIES), **asdict(self)}


@dataclass(frozen=True, slots=True)
class _Said:
    """One row a pair that the judge labelled: (n,) arrays; NaN where there is no probability."""

    pair: NDArray[np.int64]
    choice: list[str]
    p_first: NDArray[np.float64]


def judge_report(config: JudgeConfig) -> JudgeReport:
    """Everything that can be said of a judge from its labels, its verdicts, and humans' labels.

    Humans speak by their majority; pairs on which they are divided evenly stay out of what is
    compared with them.
    """
    said = _labels(config)
    humans = _humans(config)
    table = [[0] * len(CATEGORIES) for _ in CATEGORIES]
    for pair, choice in zip(said.pair.tolist(), said.choice, strict=True):
        if pair in humans:
            table[_place(humans[pair])][_place(choice)] += 1
    human = np.array([HUMAN.get(humans.get(pair, ""), 0.0) for pair in said.pair.tolist()])
    known = np.isfinite(said.p_first)
    preferred = known & (human != 0)
    p, y = said.p_first[preferred], (human[preferred] > 0).astype(float)
    first, second = _lengths(said.pair[known])
    mended = [held_out(method, p, y) for method in ("temperature", "isotonic")]
    return JudgeReport(
        judge=config.rater.name,
        labels=len(said.pair),
        verdicts=_verdict_counts(config),
        compared=sum(map(sum, table)),
        kappa=cohen_kappa(table).as_json(),
        agreement=agreement_of_two([table])[0].as_json(),
        confusion=table,
        bins=reliability(p, y),
        ece=expected_calibration_error(p, y),
        mended=[one for one in mended if one is not None],
        position=position_bias(*_both_orders(config)),
        length=length_bias(said.p_first[known], first, second, human[known]),
        longer_wins=longer_wins(said.p_first[known], first, second),
        humans_longer_wins=longer_wins((human[known] + 1) / 2, first, second),
    )


def _labels(config: JudgeConfig) -> _Said:
    rows = list(
        Label.objects.effective()
        .filter(rater=config.rater_id)
        .exclude(kind=Label.Kind.REPEAT)
        .order_by("pair_id", "pk")
        .values_list("pair_id", "choice", "p_first")
    )
    return _Said(
        np.array([row[0] for row in rows], dtype=np.int64),
        [row[1] for row in rows],
        np.array([np.nan if row[2] is None else row[2] for row in rows], dtype=np.float64),
    )


def _humans(config: JudgeConfig) -> dict[int, str]:
    found = consensus_of(config.project, "majority", "human")
    return {
        int(pair): CHOICES[int(choice)]
        for pair, choice, row in zip(found.pairs, found.choice, found.distribution, strict=True)
        if np.count_nonzero(row == row.max()) == 1
    }


def _place(choice: str) -> int:
    return CATEGORIES.index(choice) if choice in CATEGORIES else CATEGORIES.index("equal")


def _verdict_counts(config: JudgeConfig) -> dict[str, int]:
    counts = {status.value: 0 for status in Verdict.Status}
    for status in config.verdicts.values_list("status", flat=True).iterator(10_000):
        counts[status] += 1
    return counts


def _both_orders(config: JudgeConfig) -> tuple[list[float], list[float]]:
    """Per pair with readable verdicts in both orders: the mean over principles in each order.

    Of several verdicts on the same question the newest counts.
    """
    newest: dict[tuple[int, int | None, str], float] = {}
    rows = config.verdicts.filter(status=Verdict.Status.OK).order_by("pk")
    for pair, principle, order, p_first in rows.values_list(
        "pair_id", "principle_id", "order", "p_first"
    ).iterator(10_000):
        if p_first is not None:
            newest[pair, principle, order] = p_first
    means: dict[int, dict[str, list[float]]] = {}
    for (asked, principle_id, shown), said in newest.items():
        other = "ba" if shown == "ab" else "ab"
        if (asked, principle_id, other) in newest:
            means.setdefault(asked, {"ab": [], "ba": []})[shown].append(said)
    return (
        [float(np.mean(orders["ab"])) for orders in means.values()],
        [float(np.mean(orders["ba"])) for orders in means.values()],
    )


def _lengths(pairs: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Characters of first and second, an empty one counting as one, in the order of `pairs`."""
    found: dict[int, tuple[int, int]] = {}
    ids = pairs.tolist()
    for start in range(0, len(ids), PAIRS_AT_ONCE):
        rows = Pair.objects.filter(pk__in=ids[start : start + PAIRS_AT_ONCE])
        for pk, one, two in rows.values_list("pk", "first__text", "second__text"):
            found[pk] = (max(1, len(one)), max(1, len(two)))
    return (
        np.array([found[pair][0] for pair in ids], dtype=np.float64),
        np.array([found[pair][1] for pair in ids], dtype=np.float64),
    )
