"""Reads of judging."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from pydantic import BaseModel, ConfigDict

from annotation.models import Label
from corpus.models import Pair
from jobs.models import Job
from judging.arithmetic import position_consistency
from judging.models import JudgeConfig, JudgeRun, Verdict


class PairSelection(BaseModel):
    """Which pairs a run judges: all of the project, or those of one batch; `new` leaves out the
    pairs that this judge has labelled already."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    which: Literal["all", "new"] = "new"
    batch: str | None = None


def pairs_to_judge(config: JudgeConfig, selection: PairSelection) -> QuerySet[Pair]:
    pairs = Pair.objects.filter(project=config.project_id)
    if selection.batch is not None:
        pairs = pairs.filter(batch=selection.batch)
    if selection.which == "new":
        judged = Label.objects.effective().filter(rater=config.rater_id, pair=OuterRef("pk"))
        pairs = pairs.filter(~Exists(judged))
    return pairs.order_by("pk")


def run_consistency(run: JudgeRun) -> float | None:
    """Position consistency over the run's pairs, per principle; None without both orders."""
    return position_consistency(_both_orders(run))


def _both_orders(run: JudgeRun) -> Iterator[tuple[float, float]]:
    verdicts = (
        Verdict.objects.filter(run=run, status=Verdict.Status.OK)
        .order_by("pair", "principle", "order")
        .values_list("pair", "principle", "order", "p_first")
    )
    previous: tuple[int, int | None, str, float | None] | None = None
    for row in verdicts.iterator():
        if previous is not None and row[:2] == previous[:2]:
            if previous[3] is not None and row[3] is not None:
                yield previous[3], row[3]
            previous = None
        else:
            previous = row


def run_counts(run: JudgeRun) -> dict[str, int]:
    """Verdicts by status, and the pairs the run has touched."""
    return Verdict.objects.filter(run=run).aggregate(
        pairs=Count("pair", distinct=True),
        ok=Count("pk", filter=Q(status=Verdict.Status.OK)),
        failed=Count("pk", filter=~Q(status=Verdict.Status.OK)),
    )


def run_seconds(run: Job) -> float | None:
    """How long the present attempt has gone on, or the last one took; None before the first."""
    if run.started_at is None:
        return None
    return ((run.finished_at or timezone.now()) - run.started_at).total_seconds()
