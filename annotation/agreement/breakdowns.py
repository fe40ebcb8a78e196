"""Agreement by part: where, when and on what raters differ. Kept apart, so the report is fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from annotation.agreement import Coefficient, cohen_kappa
from annotation.agreement.counts import (
    PartCounts,
    Stratum,
    counts_by_criterion,
    counts_by_stratum,
    counts_by_week,
    rater_week_counts,
)
from annotation.agreement.report import AgreementOfKinds, agreement_of_kinds
from corpus.models import Project


@dataclass(frozen=True, slots=True)
class PartAgreement:
    """Humans, all raters and judges on one part of a project; `part` is "" without a name."""

    part: str
    of_kinds: AgreementOfKinds

    def as_json(self) -> dict[str, Any]:
        return {"part": self.part, **self.of_kinds.as_json()}


@dataclass(frozen=True, slots=True)
class RaterWeek:
    """One rater in one ISO week: κ against gold and against the majority of the other humans."""

    rater_id: int
    rater: str
    kind: str
    week: str
    gold: Coefficient
    consensus: Coefficient

    def as_json(self) -> dict[str, Any]:
        return {
            "rater": self.rater,
            "kind": self.kind,
            "week": self.week,
            "gold": self.gold.as_json(),
            "consensus": self.consensus.as_json(),
        }


def agreement_by_stratum(project: Project, stratum: Stratum) -> list[PartAgreement]:
    """Per value of that field of the prompts, in order of name."""
    return _parts(counts_by_stratum(project, stratum))


def agreement_by_week(project: Project) -> list[PartAgreement]:
    """Per ISO week (UTC) in which a pair got its newest label, oldest first."""
    return _parts(counts_by_week(project))


def agreement_by_criterion(project: Project) -> list[PartAgreement]:
    """Per criterion of the labels, over what they say on it; they carry no strength."""
    return _parts(counts_by_criterion(project))


def rater_weekly_kappa(project: Project) -> list[RaterWeek]:
    """Per rater and ISO week (UTC) of their own labels, by rater, oldest week first."""
    return [
        RaterWeek(
            rater_id=row.rater.pk,
            rater=row.rater.name,
            kind=row.rater.kind,
            week=row.week,
            gold=cohen_kappa(row.gold),
            consensus=cohen_kappa(row.majority),
        )
        for row in rater_week_counts(project)
    ]


BY: dict[str, Callable[[Project], list[PartAgreement]] | Callable[[Project], list[RaterWeek]]] = {
    "domain": partial(agreement_by_stratum, stratum="domain"),
    "difficulty": partial(agreement_by_stratum, stratum="difficulty"),
    "language": partial(agreement_by_stratum, stratum="language"),
    "week": agreement_by_week,
    "criterion": agreement_by_criterion,
    "rater-week": rater_weekly_kappa,
}
"""What the command's --by can name."""


def _parts(counted: list[PartCounts]) -> list[PartAgreement]:
    return [PartAgreement(one.part, agreement_of_kinds(one)) for one in counted]
