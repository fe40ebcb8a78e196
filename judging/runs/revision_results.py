"""What a critique–revise run says to the rest: its pairs are labelled, and queued if wanted.

That the revision is the better answer is what the run's constitution and model say: a label of a
rater of its own, under the law of every AI rater. Judges and humans may say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from annotation.models import Choice, Label, Rater, Slot
from annotation.services import open_slots
from constitution.models import Chain, RevisionRun
from constitution.revision.prompts import TEMPLATES
from corpus.models import Pair
from jobs.runner import JobContext
from jobs.services import assert_lease
from judging.models import JudgeConfig

LABELS_AT_ONCE = 500


def publish_results(context: JobContext[RevisionRun]) -> None:
    """Label and queue the pairs of a run that have neither yet. Safe to call again."""
    run = context.job
    rater = reviser_of(run)
    while True:
        context.checkpoint()
        said = Label.objects.filter(pair=OuterRef("pair"), rater=rater)
        chains = list(
            Chain.objects.filter(~Exists(said), run=run, pair__isnull=False)
            .select_related("pair")
            .order_by("pk")[:LABELS_AT_ONCE]
        )
        if not chains:
            return
        with transaction.atomic():
            assert_lease(run)
            Label.objects.bulk_create(
                _label(run, chain, chain.pair, rater) for chain in chains if chain.pair is not None
            )
            if run.ask_raters:
                _queue(chains)


def reviser_of(run: RevisionRun) -> Rater:
    """The rater in whose name the run's labels stand, made when missing."""
    name = (
        f"revisions by {run.constitution_version} with {run.model_version.name} "
        f"({run.engine}, {run.template})"
    )[:200]
    rater, _ = Rater.objects.get_or_create(
        project_id=run.project_id, kind=Rater.Kind.JUDGE, name=name
    )
    JudgeConfig.objects.get_or_create(
        rater=rater,
        defaults={
            "project_id": run.project_id,
            "constitution_version": run.constitution_version,
            "model_version": run.model_version,
            "engine": run.engine,
            "template": run.template,
        },
    )
    return rater


@dataclass(frozen=True, slots=True)
class OtherJudgements:
    """What others than the reviser say of a run's pairs: how many they judged, and in how many
    they prefer the initial answer, or neither."""

    judged: int
    prefer_initial: int
    undecided: int


def other_judgements(run: RevisionRun) -> OtherJudgements:
    """Counted over pairs; where several judged one, whoever prefers the initial answer counts."""
    against = prefers_initial()
    chains = Chain.objects.filter(run=run, pair__isnull=False)
    undecided = _said_by_others(Q(choice__in=(Choice.EQUAL, Choice.BOTH_BAD)))
    return OtherJudgements(
        judged=chains.filter(_said_by_others(Q())).count(),
        prefer_initial=chains.filter(against).count(),
        undecided=chains.filter(undecided).exclude(against).count(),
    )


def prefers_initial() -> Q:
    """Chains of which somebody else than a reviser says that the initial answer is the better."""
    return Q(
        Q(revision_is_first=True) & _said_by_others(Q(choice=Choice.SECOND))
        | Q(revision_is_first=False) & _said_by_others(Q(choice=Choice.FIRST))
    )


def _said_by_others(what: Q) -> Q:
    labels = Label.objects.effective().filter(what, pair=OuterRef("pair"))
    return Q(Exists(labels.exclude(rater__judge_config__template__in=tuple(TEMPLATES))))


def _label(run: RevisionRun, chain: Chain, pair: Pair, rater: Rater) -> Label:
    return Label(
        project_id=run.project_id,
        pair=pair,
        rater=rater,
        choice=Choice.FIRST if chain.revision_is_first else Choice.SECOND,
        p_first=float(bool(chain.revision_is_first)),
        created_at=timezone.now(),
    )


def _queue(chains: Sequence[Chain]) -> None:
    """Ask the raters about pairs of which nobody was asked yet."""
    asked = set(Slot.objects.filter(pair__in=[one.pair_id for one in chains]).values_list("pair"))
    pairs = {one.pair_id: one.pair for one in chains if (one.pair_id,) not in asked}
    open_slots(pairs=[pair for pair in pairs.values() if pair is not None])
