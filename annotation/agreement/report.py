"""How far a project's raters agree: the report behind the command, the pages and the cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation.agreement import (
    Coefficient,
    ac1_of_two,
    agreement_of_two,
    cohen_kappas,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    prevalence_of,
    prevalences_of,
    raw_agreement,
)
from annotation.agreement.counts import (
    AgreementCounts,
    Counts,
    PartCounts,
    Patterns,
    agreement_counts,
)
from annotation.agreement.scale import (
    CHOICES,
    DECIDED,
    FOUR,
    STRENGTH,
    THREE,
    patterns_by,
    tables_by,
)
from corpus.models import Project

DECIDED_OF_FOUR = (0, 1, -1, -1)
"""Where the four choices go when decided pairs count alone."""


@dataclass(frozen=True, slots=True)
class BesideKappa:
    """What is read beside the κ of two: the observed agreement, AC1, and κ where both decided.

    `kappa_strength` is quadratically weighted over the seven places of choice and strength; it is
    None where the other side states no strength. `warning` is empty unless κ misleads.
    """

    agreement: Coefficient
    ac1: Coefficient
    kappa_decided: Coefficient
    kappa_strength: Coefficient | None
    warning: str

    def as_json(self) -> dict[str, Any]:
        figures: dict[str, Any] = {
            "agreement": self.agreement.as_json(),
            "ac1": self.ac1.as_json(),
            "kappa_decided": self.kappa_decided.as_json(),
        }
        if self.kappa_strength is not None:
            figures["kappa_strength"] = self.kappa_strength.as_json()
        return figures | ({"warning": self.warning} if self.warning else {})


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """One rater against the gold answers and against the majority of the other humans."""

    rater_id: int
    rater: str
    kind: str
    labels: int
    gold: Coefficient
    consensus: Coefficient
    beside_gold: BesideKappa
    beside_consensus: BesideKappa

    def as_json(self) -> dict[str, Any]:
        return {
            "rater": self.rater,
            "kind": self.kind,
            "labels": self.labels,
            "kappa_gold": self.gold.value,
            "kappa_consensus": self.consensus.value,
            "gold": self.gold.as_json() | self.beside_gold.as_json(),
            "consensus": self.consensus.as_json() | self.beside_consensus.as_json(),
        } | _reason(kappa_gold=self.gold, kappa_consensus=self.consensus)


@dataclass(frozen=True, slots=True)
class PairwiseAgreement:
    """Two raters over the pairs that both labelled; `beside` is None where there is none."""

    rater_a: str
    kind_a: str
    rater_b: str
    kind_b: str
    kappa: Coefficient
    beside: BesideKappa | None

    def as_json(self) -> dict[str, Any]:
        figures = self.kappa.as_json()
        return {
            "rater_a": self.rater_a,
            "kind_a": self.kind_a,
            "rater_b": self.rater_b,
            "kind_b": self.kind_b,
            "kappa": figures.pop("value"),
            **figures,
            **(self.beside.as_json() if self.beside else {}),
        }


@dataclass(frozen=True, slots=True)
class OverallAgreement:
    """Any number of raters over pairs with two labels or more, under one set of categories."""

    fleiss_kappa: Coefficient
    krippendorff_alpha: Coefficient
    gwet_ac1: Coefficient
    raw_agreement: Coefficient

    def as_json(self) -> dict[str, Any]:
        return {
            "fleiss_kappa": self.fleiss_kappa.as_json(),
            "krippendorff_alpha": self.krippendorff_alpha.as_json(),
            "gwet_ac1": self.gwet_ac1.as_json(),
            "raw_agreement": self.raw_agreement.as_json(),
        }


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """All raters of a group: over the four choices; with `equal` and `both_bad` as one; over
    pairs on which everybody decided; and α over the ordinal scale of choice and strength."""

    four: OverallAgreement
    three: OverallAgreement
    decided: OverallAgreement
    strength_alpha: Coefficient
    warning: str

    def as_json(self) -> dict[str, Any]:
        figures = {
            **self.four.as_json(),
            "strength_alpha": self.strength_alpha.as_json(),
            "three": self.three.as_json(),
            "decided": self.decided.as_json(),
        }
        return figures | ({"warning": self.warning} if self.warning else {})


@dataclass(frozen=True, slots=True)
class AgreementOfKinds:
    """The human raters among themselves, all raters together, and the judges among themselves.

    The plain names of the JSON are the humans': a judge among the raters moves α, and what is read
    as the agreement of people must be theirs. `all_` and `judge_` stand before the others' names.
    """

    humans: GroupAgreement
    everybody: GroupAgreement
    judges: GroupAgreement

    def as_json(self) -> dict[str, Any]:
        return {
            f"{before}{name}": figure
            for before, group in (
                ("", self.humans),
                ("all_", self.everybody),
                ("judge_", self.judges),
            )
            for name, figure in group.as_json().items()
        }


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """How far a project's raters agree: one by one, two by two, and by kind."""

    raters: list[RaterAgreement]
    pairwise: list[PairwiseAgreement]
    of_kinds: AgreementOfKinds

    def as_json(self) -> dict[str, Any]:
        return {
            "raters": [row.as_json() for row in self.raters],
            "pairwise": [row.as_json() for row in self.pairwise],
            **self.of_kinds.as_json(),
        }


def agreement_report(project: Project) -> AgreementReport:
    """All agreement coefficients of a project, from its effective labels.

    A rater who labelled a pair more than once (a repeat) counts with the newest label. Raters
    without an effective label are left out. All figures are of the same moment.
    """
    counts = agreement_counts(project)
    return AgreementReport(
        raters=_rater_rows(counts),
        pairwise=_pairwise_rows(counts),
        of_kinds=agreement_of_kinds(counts),
    )


def agreement_of_kinds(counts: AgreementCounts | PartCounts) -> AgreementOfKinds:
    """The figures of humans, of all raters and of judges, from what was counted."""
    return AgreementOfKinds(
        humans=group_agreement(counts.humans),
        everybody=group_agreement(counts.everybody),
        judges=group_agreement(counts.judges),
    )


def group_agreement(patterns: Patterns) -> GroupAgreement:
    """The figures of any number of raters, from counted patterns of eight places."""
    choices, often = patterns_by(patterns.counts, FOUR), patterns.often
    return GroupAgreement(
        four=_overall(choices, often),
        three=_overall(patterns_by(patterns.counts, THREE), often),
        decided=_overall(patterns_by(patterns.counts, DECIDED, drop_units=True), often),
        strength_alpha=krippendorff_alpha(
            patterns_by(patterns.counts, STRENGTH), often=often, level="ordinal"
        ),
        warning=prevalence_of(often @ choices).warning(CHOICES),
    )


def _overall(counts: Counts, often: Counts) -> OverallAgreement:
    return OverallAgreement(
        fleiss_kappa=fleiss_kappa(counts, often=often),
        krippendorff_alpha=krippendorff_alpha(counts, often=often),
        gwet_ac1=gwet_ac1(counts, often=often),
        raw_agreement=raw_agreement(counts, often=often),
    )


def _rater_rows(counts: AgreementCounts) -> list[RaterAgreement]:
    rows = zip(
        counts.raters,
        counts.labels.tolist(),
        cohen_kappas(counts.gold),
        cohen_kappas(counts.majority),
        _beside(counts.gold),
        _beside(counts.majority),
        strict=True,
    )
    return [
        RaterAgreement(rater.pk, rater.name, rater.kind, labels, gold, majority, *beside)
        for rater, labels, gold, majority, *beside in rows
    ]


def _pairwise_rows(counts: AgreementCounts) -> list[PairwiseAgreement]:
    """Each two raters; those who never met come without figures."""
    four = tables_by(counts.two, FOUR)
    strength = cohen_kappas(tables_by(counts.two, STRENGTH), weights="quadratic")
    kappas = cohen_kappas(four)
    twos = zip(counts.first_of_two.tolist(), counts.second_of_two.tolist(), strict=True)
    met = dict(zip(twos, zip(kappas, _beside(four, strength), strict=True), strict=True))
    (nothing,) = cohen_kappas(np.zeros((1, 4, 4)))
    return [
        PairwiseAgreement(
            one.name, one.kind, other.name, other.kind, *met.get((a, b), (nothing, None))
        )
        for a, one in enumerate(counts.raters)
        for b, other in enumerate(counts.raters[a + 1 :], a + 1)
    ]


def _beside(tables: Counts, strength: list[Coefficient] | None = None) -> list[BesideKappa]:
    """What stands beside the κ of each table (t, 4, 4)."""
    nothing: list[Coefficient | None] = [None] * len(tables)
    rows = zip(
        agreement_of_two(tables),
        ac1_of_two(tables),
        cohen_kappas(tables_by(tables, DECIDED_OF_FOUR)),
        strength or nothing,
        prevalences_of(tables.sum(axis=1) + tables.sum(axis=2)),
        strict=True,
    )
    return [
        BesideKappa(agreement, ac1, decided, weighted, prevalence.warning(CHOICES))
        for agreement, ac1, decided, weighted, prevalence in rows
    ]


def _reason(**figures: Coefficient) -> dict[str, str]:
    """Why figures are missing, in one line; no entry when none is."""
    missing = [
        f"{name}: {figure.reason}" for name, figure in figures.items() if figure.value is None
    ]
    return {"reason": " ".join(missing)} if missing else {}
