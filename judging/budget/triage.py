"""What people should look at first: where judge and humans disagree, and where the judge is unsure.

Disagreements go to seniors by the search that finds all disputes (`find_adjudications`); what the
judge is unsure of goes to raters, before everything else in the queue.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, F, FloatField, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Abs

from annotation.models import Adjudication, Label, Rater, Slot
from annotation.quality.rater_figures import rater_figures
from annotation.services import find_adjudications, open_slots
from corpus.models import Pair, PairSet, Project
from figures.words import counted
from judging.budget.planner import Plan, Prices, plan
from judging.models import JudgeConfig, Verdict
from serving.models import Usage

UNSURE = 0.15
"""A judge is unsure within this distance of one half, unless told otherwise."""

URGENT = 100
"""The priority of what is sent to raters first."""

SHOWN = 50
USUAL_HUMAN_ACCURACY = 0.85
"""Of one rater's label, where no gold tells: about what agreement studies of preferences find."""


@dataclass(frozen=True, slots=True)
class Triage:
    """How many pairs stand where; the first of each kind to look at."""

    disputed: int
    unsure: int
    abstained: int
    human_done: int
    unsure_pairs: list[dict[str, Any]]
    disputes: list[Adjudication]


def unsure_pairs(
    config: JudgeConfig, *, within: float = UNSURE, picked: PairSet | None = None
) -> QuerySet[Label]:
    """The judge's labels within `within` of one half on pairs that no human has labelled, the
    least sure first; gold is left out. `picked` narrows it to these pairs."""
    among = Q() if picked is None else Q(pair__sets=picked)
    human = Label.objects.effective().filter(pair=OuterRef("pair"), rater__kind=Rater.Kind.HUMAN)
    distance = Abs(F("p_first") - Value(0.5), output_field=FloatField())
    return (
        Label.objects.effective()
        .filter(rater=config.rater_id, p_first__isnull=False, pair__held_back="")
        .filter(among, pair__gold__isnull=True)
        .annotate(distance=distance)
        .filter(~Exists(human), distance__lte=within)
        .order_by("distance", "pair_id")
    )


def abstained_pairs(config: JudgeConfig, *, picked: PairSet | None = None) -> QuerySet[Pair]:
    """Pairs that the judge has read and given no label, and no human either."""
    labelled = Label.objects.effective().filter(pair=OuterRef("pk"))
    read = Verdict.objects.filter(
        config=config, pair=OuterRef("pk"), status=Verdict.Status.OK, run__state="succeeded"
    )
    mine = labelled.filter(rater=config.rater_id)
    human = labelled.filter(rater__kind=Rater.Kind.HUMAN)
    among = Pair.objects if picked is None else picked.pairs
    return among.filter(
        Exists(read), ~Exists(mine), ~Exists(human), project=config.project_id, held_back=""
    ).order_by("pk")


def triage(config: JudgeConfig, *, within: float = UNSURE, picked: PairSet | None = None) -> Triage:
    """Where this judge and the project's humans stand, on all pairs or on picked ones."""
    unsure = unsure_pairs(config, within=within, picked=picked)
    among = Q() if picked is None else Q(pair__sets=picked)
    disputes = (
        Adjudication.objects.filter(
            among,
            project=config.project_id,
            state=Adjudication.State.OPEN,
            reason=Adjudication.Reason.JUDGE,
        )
        .select_related("pair__prompt")
        .order_by("-pk")
    )
    labelled = Label.objects.effective().filter(
        among, project=config.project_id, rater__kind=Rater.Kind.HUMAN
    )
    return Triage(
        disputed=disputes.count(),
        unsure=unsure.count(),
        abstained=abstained_pairs(config, picked=picked).count(),
        human_done=labelled.order_by().values("pair_id").distinct().count(),
        unsure_pairs=[
            {"pair_id": pair, "p_first": p_first, "prompt": prompt}
            for pair, p_first, prompt in unsure.values_list(
                "pair_id", "p_first", "pair__prompt__messages"
            )[:SHOWN]
        ],
        disputes=list(disputes[:SHOWN]),
    )


@transaction.atomic
def send_to_raters(
    *,
    config: JudgeConfig,
    within: float = UNSURE,
    limit: int = 200,
    picked: PairSet | None = None,
) -> int:
    """Put what the judge is unsure of, and what it abstained from, before all else in the raters'
    queue; how many pairs. A pair that waits there already moves to the front, one that does not is
    asked for once; a pair in hand stays where it is."""
    found = unsure_pairs(config, within=within, picked=picked)
    unsure = list(found.values_list("pair_id", flat=True)[:limit])
    room = max(0, limit - len(unsure))
    abstained = abstained_pairs(config, picked=picked).values_list("pk", flat=True)[:room]
    return send_pairs([*abstained, *unsure])


def send_pairs(pairs: Collection[int]) -> int:
    """Ask raters for these pairs before all others; how many are wanted now."""
    wanted = list(dict.fromkeys(pairs))
    open_now = Slot.objects.filter(pair__in=wanted, state=Slot.State.OPEN)
    moved = set(open_now.values_list("pair_id", flat=True))
    open_now.filter(priority__lt=URGENT).update(priority=URGENT)
    held = set(
        Slot.objects.filter(pair__in=wanted, state=Slot.State.LEASED).values_list(
            "pair_id", flat=True
        )
    )
    fresh = list(Pair.objects.filter(pk__in=set(wanted) - moved - held))
    open_slots(pairs=fresh, wanted=1)
    Slot.objects.filter(
        pair__in=[pair.pk for pair in fresh], state=Slot.State.OPEN, priority__lt=URGENT
    ).update(priority=URGENT)
    return len(moved) + len(fresh)


def send_to_seniors(*, project: Project) -> int:
    """Look for disputes, between humans and with judges, that no senior has been asked about."""
    return find_adjudications(project=project)


@dataclass(frozen=True, slots=True)
class Known:
    """What the project's own labels say of what a label takes; each with where it comes from."""

    human_accuracy: float
    human_accuracy_from: str
    human_seconds: float
    human_seconds_from: str
    judge_cost: float
    judge_cost_from: str


def known_of(config: JudgeConfig) -> Known:
    """Accuracy against gold, time on task and the judge's cost so far, or what is usual."""
    project = config.project
    humans = [one for one in rater_figures(project) if one.rater.kind == Rater.Kind.HUMAN]
    gold = sum(one.gold.n for one in humans)
    right = sum(one.gold_correct for one in humans)
    seconds = [
        (one.habits.median_seconds, one.labels)
        for one in humans
        if one.habits.median_seconds is not None and one.labels
    ]
    spent = Usage.objects.filter(
        project=project,
        purpose=Usage.Purpose.JUDGE,
        run_id__in=config.runs.values("pk"),
        cost__isnull=False,
    ).values_list("cost", flat=True)
    labelled = sum(config.runs.values_list("labelled", flat=True))
    cost = float(sum(one for one in spent if one is not None))
    return Known(
        human_accuracy=right / gold if gold >= 20 else USUAL_HUMAN_ACCURACY,
        human_accuracy_from=f"{gold} gold answers" if gold >= 20 else "assumed: too little gold",
        human_seconds=(
            sum(median * labels for median, labels in seconds)
            / sum(labels for _, labels in seconds)
            if seconds
            else 30.0
        ),
        human_seconds_from="raters' median times" if seconds else "assumed: no times recorded",
        judge_cost=cost / labelled if cost and labelled else 0.0,
        judge_cost_from=(
            counted(labelled, "labels") if cost and labelled else "its model has no price"
        ),
    )


def plan_labels(
    config: JudgeConfig,
    *,
    money: float | None,
    hours: float | None,
    hourly_wage: float,
    human_accuracy: float | None = None,
    human_seconds: float | None = None,
    picked: PairSet | None = None,
) -> Plan:
    """Share the pairs that this judge has labelled and no human has between raters and it; of
    picked pairs, these alone.

    ValueError as of `planner.plan`.
    """
    known = known_of(config)
    seconds = known.human_seconds if human_seconds is None else human_seconds
    p = np.fromiter(
        (
            value
            for value in unsure_pairs(config, within=0.5, picked=picked).values_list(
                "p_first", flat=True
            )
            if value is not None
        ),
        dtype=np.float64,
    )
    return plan(
        p,
        human_accuracy=known.human_accuracy if human_accuracy is None else human_accuracy,
        prices=Prices(
            human_cost=hourly_wage * seconds / 3600,
            human_hours=seconds / 3600,
            judge_cost=known.judge_cost,
        ),
        money=money,
        hours=hours,
    )
