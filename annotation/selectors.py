"""Reads of annotation that several places need."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, F, Max, Min, Sum
from django.db.models.functions import TruncDate
from numpy.typing import NDArray

from annotation.agreement import Coefficient, cohen_kappa, fleiss_kappa, krippendorff_alpha
from annotation.contingency import (
    Judgements,
    count_per_pair,
    majority_of_others,
    tables_against,
    tables_of_two,
)
from annotation.models import Choice, GoldAnswer, GoldPair, Label, Rater, Slot
from annotation.permissions import AnyUser
from annotation.services.policy import policy_of
from corpus.models import Pair, Project

CHOICES = tuple(Choice.values)
"""The four categories, in the order of rows and columns of every table here."""

BOOTSTRAP_SEED = 0
"""Fixed, so that a page, the command line and a dataset card give the same interval."""


PROGRESS_SLOTS = 1000
"""How far into the queue progress is counted: it is asked for with every task."""


@dataclass(frozen=True, slots=True)
class RaterProgress:
    """How far one rater is. `left` counts the pairs that they could still get among the next
    PROGRESS_SLOTS slots; `more` says that there are others behind."""

    done: int
    left: int
    more: bool = False

    @property
    def percent(self) -> int:
        total = self.done + self.left
        return round(100 * self.done / total) if total else 100

    @property
    def words(self) -> str:
        return f"{self.done} done · {self.left}{'+' if self.more else ''} left"


def rater_progress(rater: Rater) -> RaterProgress:
    """For a rater in calibration: of the pairs of this try; else of all that is to be had."""
    if rater.status in (Rater.Status.ONBOARDING, Rater.Status.RETRAINING):
        answered = Slot.objects.filter(
            rater=rater,
            purpose=Slot.Purpose.CALIBRATION,
            state=Slot.State.DONE,
            pk__gt=rater.calibration_after,
        ).count()
        wanted = policy_of(rater.project_id).calibration_pairs
        return RaterProgress(done=answered, left=max(0, wanted - answered))
    done = Label.objects.effective().filter(rater=rater).count()
    waiting = Slot.objects.filter(state=Slot.State.OPEN).new_to(rater)
    pairs = list(waiting.values_list("pair_id", flat=True)[:PROGRESS_SLOTS])
    held = Slot.objects.filter(rater=rater, state=Slot.State.LEASED).count()
    return RaterProgress(done=done, left=len(set(pairs)) + held, more=len(pairs) == PROGRESS_SLOTS)


@dataclass(frozen=True, slots=True)
class Day:
    """A rater's work of one day."""

    day: dt.date
    labels: int
    seconds: float


OWN_DAYS = 14


def own_days(rater: Rater) -> list[Day]:
    """The last days on which the rater labelled, newest first."""
    rows = (
        Label.objects.effective()
        .filter(rater=rater)
        .annotate(day=TruncDate("created_at"))
        .order_by("-day")
        .values_list("day")
        .annotate(Count("id"), Sum("seconds"))[:OWN_DAYS]
    )
    return [Day(day=day, labels=labels, seconds=seconds or 0.0) for day, labels, seconds in rows]


def next_pair_for_gold(project: Project, author: AnyUser) -> Pair | None:
    """The pair on which this senior's gold answer helps most: those that seniors differ on, then
    those that want another senior, then one without any answer. Never one they have answered."""
    own = GoldAnswer.objects.filter(author=author.pk).values("pair")
    for state in (GoldPair.State.CONTESTED, GoldPair.State.PROPOSED):
        waiting = GoldPair.objects.filter(project=project, state=state).exclude(pair__in=own)
        if (row := waiting.select_related("pair").order_by("id").first()) is not None:
            return row.pair
    fresh = project.pairs.filter(held_back="", gold__isnull=True).exclude(origin=Pair.Origin.EDIT)
    ends = fresh.aggregate(low=Min("id"), high=Max("id"))
    if ends["low"] is None:
        return None
    start = random.SystemRandom().randint(ends["low"], ends["high"])
    return fresh.filter(pk__gte=start).order_by("pk").first()


@dataclass(frozen=True, slots=True)
class ProjectCounts:
    pairs: int
    labels_human: int
    labels_judge: int
    slots_open: int
    slots_done: int
    raters: int


def project_counts(project: Project) -> ProjectCounts:
    labels = Label.objects.effective().filter(project=project)
    by_kind = dict(labels.values_list("rater__kind").annotate(Count("id")))
    slots = dict(Slot.objects.filter(project=project).values_list("state").annotate(Count("id")))
    return ProjectCounts(
        pairs=project.pairs.count(),
        labels_human=by_kind.get(Rater.Kind.HUMAN, 0),
        labels_judge=by_kind.get(Rater.Kind.JUDGE, 0),
        slots_open=slots.get(Slot.State.OPEN, 0) + slots.get(Slot.State.LEASED, 0),
        slots_done=slots.get(Slot.State.DONE, 0),
        raters=project.raters.count(),
    )


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """One rater against the gold answers and against the majority of the other humans."""

    rater_id: int
    rater: str
    kind: str
    labels: int
    gold: Coefficient
    consensus: Coefficient

    def as_json(self) -> dict[str, Any]:
        return {
            "rater": self.rater,
            "kind": self.kind,
            "labels": self.labels,
            "kappa_gold": self.gold.value,
            "kappa_consensus": self.consensus.value,
            "gold": self.gold.as_json(),
            "consensus": self.consensus.as_json(),
        } | _reason(kappa_gold=self.gold, kappa_consensus=self.consensus)


@dataclass(frozen=True, slots=True)
class PairwiseAgreement:
    """Two raters over the pairs that both labelled."""

    rater_a: str
    kind_a: str
    rater_b: str
    kind_b: str
    kappa: Coefficient

    def as_json(self) -> dict[str, Any]:
        figures = self.kappa.as_json()
        return {
            "rater_a": self.rater_a,
            "kind_a": self.kind_a,
            "rater_b": self.rater_b,
            "kind_b": self.kind_b,
            "kappa": figures.pop("value"),
        } | figures


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """How far a project's raters agree, over the four choices.

    `fleiss_kappa` and `krippendorff_alpha` are of all raters, judges included; those that begin
    with `human` leave the judges out.
    """

    raters: list[RaterAgreement]
    pairwise: list[PairwiseAgreement]
    fleiss_kappa: Coefficient
    krippendorff_alpha: Coefficient
    human_fleiss_kappa: Coefficient
    human_krippendorff_alpha: Coefficient

    def as_json(self) -> dict[str, Any]:
        return {
            "raters": [row.as_json() for row in self.raters],
            "pairwise": [row.as_json() for row in self.pairwise],
            "fleiss_kappa": self.fleiss_kappa.as_json(),
            "krippendorff_alpha": self.krippendorff_alpha.as_json(),
            "human_fleiss_kappa": self.human_fleiss_kappa.as_json(),
            "human_krippendorff_alpha": self.human_krippendorff_alpha.as_json(),
        }


def agreement_report(project: Project) -> AgreementReport:
    """All agreement coefficients of a project, from its effective labels.

    A rater who labelled a pair more than once (a repeat) counts with the newest label. Raters
    without an effective label are left out. The labels are read in one query, so that all figures
    are of the same moment while raters go on labelling.
    """
    labels = _label_rows(project)
    raters = list(
        Rater.objects.filter(pk__in=np.unique(labels["rater"]).tolist()).order_by("kind", "name")
    )
    judgements, pair_ids = _judgements(labels, raters)
    human = np.array([rater.kind == Rater.Kind.HUMAN for rater in raters], dtype=np.bool_)
    everybody = count_per_pair(judgements)
    humans = count_per_pair(judgements.of(human[judgements.rater]))
    return AgreementReport(
        raters=_rater_rows(raters, labels, judgements, human, _gold(project, pair_ids)),
        pairwise=[
            PairwiseAgreement(
                rater_a=raters[a].name,
                kind_a=raters[a].kind,
                rater_b=raters[b].name,
                kind_b=raters[b].kind,
                kappa=cohen_kappa(table),
            )
            for a, b, table in tables_of_two(judgements)
        ],
        fleiss_kappa=fleiss_kappa(everybody, rng=_rng()),
        krippendorff_alpha=krippendorff_alpha(everybody, rng=_rng()),
        human_fleiss_kappa=fleiss_kappa(humans, rng=_rng()),
        human_krippendorff_alpha=krippendorff_alpha(humans, rng=_rng()),
    )


def _label_rows(project: Project) -> NDArray[np.void]:
    """The effective labels as rows (pair, rater, choice), in order of pair, then of age."""
    code = {choice: number for number, choice in enumerate(CHOICES)}
    rows = (
        Label.objects.effective()
        .filter(project=project)
        .order_by("pair_id", "id")
        .values_list("pair_id", "rater_id", "choice")
    )
    return np.fromiter(
        ((pair, rater, code[choice]) for pair, rater, choice in rows.iterator(10_000)),
        dtype=[("pair", np.int64), ("rater", np.int64), ("choice", np.int64)],
    )


def _judgements(
    labels: NDArray[np.void], raters: list[Rater]
) -> tuple[Judgements, NDArray[np.int64]]:
    """The newest label of each rater on each pair, and the ids of the pairs (pairs,)."""
    # A stable sort keeps the order of age among the labels of one rater on one pair.
    order = np.lexsort((labels["rater"], labels["pair"]))
    rows = labels[order]
    newest = np.ones(len(rows), dtype=np.bool_)
    newest[:-1] = (rows["pair"][1:] != rows["pair"][:-1]) | (
        rows["rater"][1:] != rows["rater"][:-1]
    )
    rows = rows[newest]
    pair_ids, pair = np.unique(rows["pair"], return_inverse=True)
    ids = np.array([rater.pk for rater in raters], dtype=np.int64)
    by_id = np.argsort(ids)
    rater = by_id[np.searchsorted(ids[by_id], rows["rater"])]
    judgements = Judgements(pair, rater, rows["choice"], len(pair_ids), len(raters), len(CHOICES))
    return judgements, pair_ids


def _gold(project: Project, pair_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The gold answer of each pair (pairs,), -1 where there is none or its authors differ."""
    answers = dict(
        GoldAnswer.objects.filter(pair__project=project)
        .values("pair_id")
        .annotate(lowest=Min("choice"), highest=Max("choice"))
        .filter(lowest=F("highest"))
        .values_list("pair_id", "lowest")
    )
    return np.array(
        [CHOICES.index(answers[pair]) if pair in answers else -1 for pair in pair_ids.tolist()],
        dtype=np.int64,
    )


def _rater_rows(
    raters: list[Rater],
    labels: NDArray[np.void],
    judgements: Judgements,
    human: NDArray[np.bool_],
    gold: NDArray[np.int64],
) -> list[RaterAgreement]:
    on_gold = tables_against(judgements, gold[judgements.pair])
    on_majority = tables_against(judgements, majority_of_others(judgements, human))
    return [
        RaterAgreement(
            rater_id=rater.pk,
            rater=rater.name,
            kind=rater.kind,
            labels=int(np.count_nonzero(labels["rater"] == rater.pk)),
            gold=cohen_kappa(on_gold[number]),
            consensus=cohen_kappa(on_majority[number]),
        )
        for number, rater in enumerate(raters)
    ]


def _reason(**figures: Coefficient) -> dict[str, str]:
    """Why figures are missing, in one line; no entry when none is."""
    missing = [
        f"{name}: {figure.reason}" for name, figure in figures.items() if figure.value is None
    ]
    return {"reason": " ".join(missing)} if missing else {}


def _rng() -> np.random.Generator:
    return np.random.default_rng(BOOTSTRAP_SEED)
