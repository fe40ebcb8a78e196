"""A judge against humans, and its own faults: agreement, calibration, position, length, form, kin.

The same for a judge that ran here and for one whose verdicts were imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Max
from numpy.typing import NDArray

from annotation.agreement import cohen_kappa
from annotation.models import Choice, GoldPair, Label
from constitution.models import Principle
from figures.intervals import share_of
from judging.asking.arithmetic import outcome
from judging.measures.bias import (
    Figure,
    LengthBin,
    PositionBias,
    figure_of,
    formatting_bias,
    length_bias,
    longer_wins,
    position_bias,
    self_preference,
    wins_by_length,
)
from judging.measures.calibration import (
    Bin,
    Mended,
    expected_calibration_error,
    held_out,
    reliability,
)
from judging.measures.report_data import (
    HUMAN,
    STRATA,
    Floats,
    Readings,
    Said,
    both_orders,
    by_pair,
    human_majority,
    prompts_of,
    said_by,
    texts_of,
)
from judging.models import JudgeConfig, Verdict

CATEGORIES = (Choice.FIRST.value, Choice.SECOND.value, Choice.EQUAL.value)
"""Both bad is no preference: few judges have such an answer."""

LEAST_IN_PART = 5
"""A stratum of fewer pairs says nothing."""

HISTOGRAM_BINS = 20
CACHE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Part:
    """The judge on a part of the pairs: those of a stratum, or under one principle. `accuracy` is
    of pairs on which humans prefer one; `ece` None where there are none, `mended` what a
    temperature learnt on one half makes of it on the other."""

    of: str
    name: str
    pairs: int
    kappa: dict[str, Any]
    accuracy: Figure
    ece: float | None
    mended: Mended | None
    inconsistent: Figure


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """Of verdicts in both orders: `pairs` have them, `consistency` is the share of questions whose
    winner is the same, `kappa_between_orders` the chance-corrected one, `first_shown_share` the
    share of verdicts with a winner in which the first shown wins, `accuracy_gold` the share of
    verdicts on gold pairs with a winner that name the right one."""

    pairs: int
    consistency: float | None
    kappa_between_orders: float | None
    first_shown_share: float | None
    accuracy_gold: float | None
    verdicts_gold: int


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """`confusion` counts pairs by what humans (row) and the judge (column) say, in the order of
    CATEGORIES; `ece` and `bins` are of pairs on which humans prefer one, None where the judge gives
    no probabilities. `first_shown_histogram` counts pairs by what the first shown got of them, both
    orders together, in HISTOGRAM_BINS equal parts of [0, 1]."""

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
    orders: OrderFigures
    position: PositionBias
    first_shown_histogram: list[int]
    length: Figure
    formatting: Figure
    self_preference: Figure
    longer_wins: Figure
    humans_longer_wins: Figure
    by_length: list[LengthBin]
    principles: list[Part]
    strata: list[Part]

    def as_json(self) -> dict[str, Any]:
        """Everything, and the main figures by the names that scripts look for at the top; what is
        undefined is null, and `reasons` says why."""
        main: dict[str, tuple[float | None, str]] = {
            "consistency": (
                self.orders.consistency,
                "no question has readable verdicts in both orders",
            ),
            "kappa_between_orders": (
                self.orders.kappa_between_orders,
                "no question has readable verdicts in both orders, or only one category was used",
            ),
            "first_shown_share": (self.orders.first_shown_share, "no verdict names a winner"),
            "accuracy_gold": (
                self.orders.accuracy_gold,
                "no verdict on a gold pair with a clear winner",
            ),
            "kappa_consensus": (self.kappa["value"], self.kappa.get("reason", "")),
            "length_coefficient": (self.length.value, self.length.reason),
            "ece": (self.ece, "no pair has both a judge probability and a human preference"),
        }
        return {
            "categories": list(CATEGORIES),
            **asdict(self),
            "pairs": self.orders.pairs,
            **{name: value for name, (value, _) in main.items()},
            "reasons": {name: why for name, (value, why) in main.items() if value is None},
        }


def report_of(config: JudgeConfig) -> JudgeReport:
    """`judge_report`, kept until a label, a verdict or a gold answer comes in."""
    project = config.project_id
    newest = [
        Label.objects.filter(project=project).aggregate(newest=Max("pk"))["newest"],
        Verdict.objects.filter(config=config).aggregate(newest=Max("pk"))["newest"],
        GoldPair.objects.filter(project=project).aggregate(newest=Max("settled_at"))["newest"],
    ]
    key = f"judge-report:{config.pk}:{':'.join(str(one) for one in newest)}".replace(" ", "_")
    kept = cache.get(key)
    if isinstance(kept, JudgeReport):
        return kept
    report = judge_report(config)
    cache.set(key, report, CACHE_SECONDS)
    return report


def judge_report(config: JudgeConfig) -> JudgeReport:
    """Everything that can be said of a judge from its labels, its verdicts, and humans' labels.

    Humans speak by their majority; pairs on which they are divided evenly stay out of what is
    compared with them.
    """
    said = said_by(config)
    readings = both_orders(config)
    pairs = by_pair(readings)
    table = _table(said, range(len(said.pair)))
    known = np.isfinite(said.p_first)
    texts = texts_of(config, said.pair)
    p, worth = said.p_first[known], said.worth[known]
    first, second = texts.length_first[known], texts.length_second[known]
    decided = worth != 0
    p_decided, y = p[decided], (worth[decided] > 0).astype(float)
    prompt = prompts_of(said.pair, readings.pair)
    here = np.array([prompt[one] for one in said.pair.tolist()], dtype=np.int64)
    prompts = here[known].tolist()
    orders_of = [prompt[one] for one in pairs.pair.tolist()]
    spoken = [(h, c) for h, c in zip(said.human, said.choice, strict=True) if h is not None]
    prompts_spoken = [p_ for p_, h in zip(here.tolist(), said.human, strict=True) if h is not None]
    mended = [held_out(method, p_decided, y) for method in ("temperature", "isotonic")]
    own = texts.own[known]
    own_worth = (worth * own + 1) / 2
    kin = (own != 0) & np.array([one is not None for one in said.human], dtype=bool)[known]
    return JudgeReport(
        judge=config.rater.name,
        labels=len(said.pair),
        verdicts=_verdict_counts(config),
        compared=sum(map(sum, table)),
        kappa=cohen_kappa(table).as_json(),
        agreement=agreement_on(
            [(_place(human), _place(judge)) for human, judge in spoken], prompts_spoken
        ),
        confusion=table,
        bins=reliability(p_decided, y, prompts=here[known][decided].tolist()),
        ece=expected_calibration_error(p_decided, y),
        mended=[one for one in mended if one is not None],
        orders=_order_figures(config, readings, pairs),
        position=position_bias(pairs.p_ab, pairs.p_ba, orders_of),
        first_shown_histogram=np.histogram(
            (pairs.p_ab + 1 - pairs.p_ba) / 2, bins=HISTOGRAM_BINS, range=(0, 1)
        )[0].tolist(),
        length=length_bias(p, first, second, worth, prompts),
        formatting=formatting_bias(
            p, texts.marks_first[known], texts.marks_second[known], first, second, worth, prompts
        ),
        self_preference=self_preference(
            np.where(own > 0, p, 1 - p)[kin],
            own_worth[kin],
            here[known][kin].tolist(),
        ),
        longer_wins=longer_wins(p, first, second, prompts),
        humans_longer_wins=longer_wins((worth + 1) / 2, first, second, prompts),
        by_length=wins_by_length(p, first, second, worth, prompts),
        principles=_by_principle(config, readings, prompt),
        strata=_by_stratum(said, texts.strata, pairs, prompt),
    )


def agreement_on(said: Sequence[tuple[int, int]], prompts: Sequence[int]) -> dict[str, Any]:
    """The share of pairs on which two say the same, with its interval over prompts."""
    return share_of([one == other for one, other in said], prompts).as_json()


def unscaled(config: JudgeConfig) -> tuple[Floats, Floats]:
    """What a scaling is learnt from: (n,) the judge's probabilities as its verdicts have them, by
    the weights of its principles, and 1 where humans prefer first, 0 second."""
    weights = None
    if config.constitution_version is not None and not config.settings.ensemble_size:
        weights = dict(config.constitution_version.principles.values_list("pk", "weight"))
    pairs = by_pair(both_orders(config), weights)
    humans = human_majority(config)
    worth = np.array([HUMAN.get(humans.get(int(one), ""), 0.0) for one in pairs.pair])
    decided = worth != 0
    p = (pairs.p_ab + pairs.p_ba) / 2
    return p[decided], (worth[decided] > 0).astype(float)


def _table(said: Said, rows: Sequence[int] | range) -> list[list[int]]:
    table = [[0] * len(CATEGORIES) for _ in CATEGORIES]
    for row in rows:
        human = said.human[row]
        if human is not None:
            table[_place(human)][_place(said.choice[row])] += 1
    return table


def _place(choice: str) -> int:
    return CATEGORIES.index(choice) if choice in CATEGORIES else CATEGORIES.index("equal")


def _verdict_counts(config: JudgeConfig) -> dict[str, int]:
    counts = {status.value: 0 for status in Verdict.Status}
    rows = config.verdicts.order_by().values_list("status").annotate(n=Count("pk"))
    return counts | dict(rows)


def _order_figures(config: JudgeConfig, readings: Readings, pairs: Readings) -> OrderFigures:
    ab, ba = np.sign(readings.p_ab - 0.5), np.sign(readings.p_ba - 0.5)
    table = [[int(((ab == one) & (ba == two)).sum()) for two in (1, -1, 0)] for one in (1, -1, 0)]
    # What the first shown got: it is the pair's first in one order, its second in the other.
    winners = np.concatenate([ab, -ba])
    shown = winners[winners != 0]
    gold = dict(
        GoldPair.objects.filter(
            project=config.project_id, state=GoldPair.State.SETTLED, choice__in=tuple(HUMAN)
        ).values_list("pair_id", "choice")
    )
    rows = config.verdicts.filter(status=Verdict.Status.OK, pair__in=list(gold))
    right = [
        (p_first > 0.5) == (gold[pair] == Choice.FIRST)
        for pair, p_first in rows.values_list("pair_id", "p_first").iterator(10_000)
        if p_first is not None and p_first != 0.5
    ]
    return OrderFigures(
        pairs=len(pairs.pair),
        consistency=float((ab * ba > 0).mean()) if len(ab) else None,
        kappa_between_orders=cohen_kappa(table).value,
        first_shown_share=float((shown > 0).mean()) if len(shown) else None,
        accuracy_gold=sum(right) / len(right) if right else None,
        verdicts_gold=len(right),
    )


def _by_principle(config: JudgeConfig, readings: Readings, prompt: dict[int, int]) -> list[Part]:
    """What each principle alone would have said."""
    humans = human_majority(config)
    names = dict(
        Principle.objects.filter(pk__in=np.unique(readings.principle).tolist())
        .order_by("position")
        .values_list("pk", "name")
    )
    found = []
    for pk, name in names.items():
        here = readings.principle == pk
        p = (readings.p_ab[here] + readings.p_ba[here]) / 2
        human = [humans.get(int(one)) for one in readings.pair[here]]
        choice = [outcome(float(one), tie_band=config.tie_band) for one in p]
        inconsistent = (readings.p_ab[here] - 0.5) * (readings.p_ba[here] - 0.5) <= 0
        prompts = [prompt[int(one)] for one in readings.pair[here]]
        found.append(_part("principle", name, p, choice, human, prompts, inconsistent, prompts))
    return found


def _by_stratum(
    said: Said, strata: dict[str, list[str]], pairs: Readings, prompt: dict[int, int]
) -> list[Part]:
    changes = dict(
        zip(
            pairs.pair.tolist(),
            ((pairs.p_ab - 0.5) * (pairs.p_ba - 0.5) <= 0).tolist(),
            strict=True,
        )
    )
    found = []
    for name in STRATA:
        values = sorted(set(strata[name]))
        if len(values) < 2:
            continue
        for value in values:
            rows = [row for row, one in enumerate(strata[name]) if one == value]
            if len(rows) < LEAST_IN_PART:
                continue
            ids = said.pair[rows].tolist()
            inconsistent = [changes[pair] for pair in ids if pair in changes]
            found.append(
                _part(
                    name,
                    value or "not said",
                    said.p_first[rows],
                    [said.choice[row] for row in rows],
                    [said.human[row] for row in rows],
                    [prompt[pair] for pair in ids],
                    np.array(inconsistent, dtype=bool),
                    [prompt[pair] for pair in ids if pair in changes],
                )
            )
    return found


def _part(
    of: str,
    name: str,
    p: Floats,
    choice: Sequence[str],
    human: Sequence[str | None],
    prompts: Sequence[int],
    inconsistent: NDArray[np.bool_],
    prompts_read: Sequence[int],
) -> Part:
    table = [[0] * len(CATEGORIES) for _ in CATEGORIES]
    for says, judge in zip(human, choice, strict=True):
        if says is not None:
            table[_place(says)][_place(judge)] += 1
    worth = np.array([HUMAN.get(one or "", 0.0) for one in human])
    usable = np.isfinite(p) & (worth != 0)
    p_decided, y = p[usable], (worth[usable] > 0).astype(float)
    right = (p_decided > 0.5) == (y > 0.5)
    return Part(
        of=of,
        name=name,
        pairs=len(p),
        kappa=cohen_kappa(table).as_json(),
        accuracy=figure_of(
            share_of(
                right,
                np.asarray(prompts, dtype=np.int64)[usable].tolist(),
                nothing="Humans prefer neither response on any of these pairs.",
            )
        ),
        ece=expected_calibration_error(p_decided, y),
        mended=held_out("temperature", p_decided, y),
        inconsistent=figure_of(
            share_of(
                inconsistent, prompts_read, nothing="No pair has readable verdicts in both orders."
            )
        ),
    )
