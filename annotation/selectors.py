"""Reads of annotation that several places need."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from annotation.agreement_report import AgreementReport, RaterAgreement, agreement_report
from annotation.models import Label, Rater, Slot
from corpus.models import Project

__all__ = [
    "AgreementReport",
    "ProjectCounts",
    "RaterAgreement",
    "RaterProgress",
    "agreement_report",
    "project_counts",
    "rater_progress",
]

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


def rater_progress(rater: Rater) -> RaterProgress:
    done = Label.objects.effective().filter(rater=rater).count()
    waiting = Slot.objects.filter(state=Slot.State.OPEN).new_to(rater)
    pairs = list(waiting.values_list("pair_id", flat=True)[:PROGRESS_SLOTS])
    held = Slot.objects.filter(rater=rater, state=Slot.State.LEASED).count()
    return RaterProgress(done=done, left=len(set(pairs)) + held, more=len(pairs) == PROGRESS_SLOTS)


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
