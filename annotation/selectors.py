"""Reads of annotation that several places need."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from annotation.models import Label, Rater, Slot
from corpus.models import Project


@dataclass(frozen=True, slots=True)
class RaterProgress:
    """How far one rater is. `left` counts tasks that they could still get."""

    done: int
    left: int

    @property
    def percent(self) -> int:
        total = self.done + self.left
        return round(100 * self.done / total) if total else 100


def rater_progress(rater: Rater) -> RaterProgress:
    done = Label.objects.effective().filter(rater=rater).count()
    seen = Slot.objects.filter(rater=rater, state=Slot.State.DONE).values("pair")
    left = (
        Slot.objects.filter(project=rater.project_id)
        .filter(Q(state=Slot.State.OPEN) | Q(state=Slot.State.LEASED, rater=rater))
        .exclude(pair__in=seen)
        .exclude(pair__skips__rater=rater)
        .values("pair")
        .distinct()
        .count()
    )
    return RaterProgress(done=done, left=left)


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
