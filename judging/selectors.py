"""Reads of judging."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Literal

import numpy as np
from django.db import transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from pydantic import BaseModel, ConfigDict, Field

from annotation.consensus.selectors import CHOICES, consensus_of
from annotation.models import Choice, Label, Rater
from constitution.models import ConstitutionVersion, Principle
from constitution.revision.prompts import TEMPLATES as CRITIQUE_TEMPLATES
from constitution.selectors import compared_principles, verified_principles
from corpus.errors import PairSetError
from corpus.models import Pair, Project
from corpus.pair_sets import pair_set
from jobs.models import JobState
from judging.errors import BadSettingsError, UnknownSelectionError
from judging.models import JudgeConfig, JudgeRun, RunPair, Verdict

AT_ONCE = 1_000

STRATA = {
    "domain": "prompt__domain",
    "difficulty": "prompt__difficulty",
    "source": "prompt__source",
    "language": "prompt__language",
    "origin": "origin",
}


def judged_by(version: ConstitutionVersion, mode: str) -> list[Principle]:
    """The principles that a judge of this mode goes by. BadSettingsError where there are none."""
    if mode == "verifier":
        principles, lacking = verified_principles(version), "verifier"
    else:
        principles, lacking = compared_principles(version), "comparison"
    if not principles:
        raise BadSettingsError(
            f"{version} has no principle with a {lacking} and a weight above 0, so there is "
            "nothing to judge with."
        )
    return principles


class PairSelection(BaseModel):
    """Which pairs a run judges.

    `new` leaves out those that this judge has dealt with already: labelled, or read and abstained
    from in a run that succeeded. `disagreement` are those on which a judge and the humans'
    majority name different winners when the run begins; `gold` are gold pairs alone, to be
    admitted by, or checked. Every other field narrows the choice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    which: Literal["all", "new", "disagreement", "gold"] = "new"
    batch: str | None = None
    origin: str | None = None
    domain: str | None = None
    difficulty: str | None = None
    source: str | None = None
    language: str | None = None
    dataset: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="sha256 of a preference dataset."
    )
    picked: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="sha256 of a set of picked pairs."
    )

    @property
    def settled(self) -> bool:
        """Which pairs they are is settled once, when the run begins."""
        return self.which == "disagreement" or self.dataset is not None


DatasetPairs = Callable[[Project, str], Iterable[str]]

_dataset_pairs: list[DatasetPairs] = []


def provide_dataset_pairs(read: DatasetPairs) -> None:
    """Say how the pairs (their sha256) of a dataset are read: datasets are of a layer above."""
    _dataset_pairs[:] = [read]


def judges_of(project: Project) -> QuerySet[JudgeConfig]:
    """The project's judges, the newest first. Without those that are no judges but the names under
    which critique–revise runs label."""
    return (
        JudgeConfig.objects.filter(project=project)
        .exclude(template__in=CRITIQUE_TEMPLATES)
        .select_related("rater", "project", "model_version")
        .order_by("-pk")
    )


def pairs_to_judge(
    config: JudgeConfig, selection: PairSelection, *, but_for: int | None = None
) -> QuerySet[Pair]:
    """The pairs that the selection's columns name, in order of their ids; what is settled when a
    run begins is not looked at (`pairs_of_run`). `but_for` is a run whose own verdicts do not make
    a pair an old one."""
    pairs = Pair.objects.filter(project=config.project_id, held_back="")
    if selection.which == "gold":
        return pairs.none()
    for name, column in (("batch", "batch"), *STRATA.items()):
        wanted = getattr(selection, name)
        if wanted is not None:
            pairs = pairs.filter(**{column: wanted})
    if selection.picked is not None:
        pairs = pairs.filter(sets__project=config.project_id, sets__sha256=selection.picked)
    if selection.which == "new":
        labelled = Label.objects.effective().filter(rater=config.rater_id, pair=OuterRef("pk"))
        read = (
            Verdict.objects.filter(config=config.pk, pair=OuterRef("pk"))
            .filter(run__state=JobState.SUCCEEDED)
            .exclude(status=Verdict.Status.FAILED)
            .exclude(run=but_for)
        )
        pairs = pairs.filter(~Exists(labelled), ~Exists(read))
    return pairs.order_by("pk")


def pairs_of_run(run: JudgeRun, config: JudgeConfig, selection: PairSelection) -> QuerySet[Pair]:
    """What is left of a run's pairs, and for all but `new` what is done of them too."""
    if selection.settled:
        return Pair.objects.filter(
            Exists(RunPair.objects.filter(run=run, pair=OuterRef("pk")))
        ).order_by("pk")
    return pairs_to_judge(config, selection, but_for=run.pk)


@transaction.atomic
def choose_pairs(run: JudgeRun, config: JudgeConfig, selection: PairSelection) -> None:
    """Settle which pairs a run judges, once, where its selection could change while it goes on."""
    if not selection.settled or JudgeRun.objects.filter(pk=run.pk, chosen=True).exists():
        return
    among = pairs_to_judge(config, selection)
    if selection.dataset is not None:
        among_dataset = iter(dataset_pairs(config.project, selection.dataset))
        while some := list(islice(among_dataset, AT_ONCE)):
            _choose(run, among.filter(sha256__in=some).values_list("pk", flat=True))
    disputed = set(disputed_pairs(config.project)) if selection.which == "disagreement" else None
    if disputed is not None and selection.dataset is None:
        ids = sorted(disputed)
        for start in range(0, len(ids), AT_ONCE):
            some_ids = ids[start : start + AT_ONCE]
            _choose(run, among.filter(pk__in=some_ids).values_list("pk", flat=True))
    elif disputed is not None:
        for chosen in list(RunPair.objects.filter(run=run).values_list("pair_id", "pk")):
            if chosen[0] not in disputed:
                RunPair.objects.filter(pk=chosen[1]).delete()
    JudgeRun.objects.filter(pk=run.pk).update(chosen=True)


def dataset_pairs(project: Project, sha256: str) -> Iterable[str]:
    """The pairs' hashes of a dataset. UnknownSelectionError where it is not one of pairs."""
    if not _dataset_pairs:
        raise UnknownSelectionError("Datasets cannot be read here.")
    return _dataset_pairs[0](project, sha256)


def check_picked(project: Project, selection: PairSelection) -> None:
    """UnknownSelectionError where a selection names picked pairs that are not the project's."""
    if selection.picked is not None:
        try:
            pair_set(project, selection.picked)
        except PairSetError as error:
            raise UnknownSelectionError(str(error)) from error


def disputed_pairs(project: Project) -> list[int]:
    """Pairs on which humans, by their majority, prefer one and a judge the other; their ids."""
    found = consensus_of(project, "majority", "human")
    decided = {
        CHOICES.index(Choice.FIRST): Choice.SECOND,
        CHOICES.index(Choice.SECOND): Choice.FIRST,
    }
    opposite = {
        int(pair): decided[int(choice)].value
        for pair, choice, row in zip(found.pairs, found.choice, found.distribution, strict=True)
        if int(choice) in decided and np.count_nonzero(row == row.max()) == 1
    }
    judges = (
        Label.objects.effective()
        .filter(project=project, rater__kind=Rater.Kind.JUDGE)
        .exclude(rater__status=Rater.Status.SUSPENDED)
        .values_list("pair_id", "choice")
    )
    return sorted({pair for pair, said in judges.iterator() if opposite.get(pair) == said})


def _choose(run: JudgeRun, pairs: Iterable[int]) -> None:
    rows = [RunPair(run=run, pair_id=pair) for pair in pairs]
    RunPair.objects.bulk_create(rows, ignore_conflicts=True)


def run_consistency(run: JudgeRun) -> float | None:
    """The share, in [0, 1], of questions to the judge (a pair under a principle) whose winner is
    the same in both orders; None without both orders. Exactly one half names no winner and counts
    as inconsistent. Counted by the database: a page asks for it every two seconds.

    Source: Zheng et al. 2023 (arXiv 2306.05685, table 2, "consistency").
    """
    found = (
        Verdict.objects.filter(run=run, status=Verdict.Status.OK, p_first__isnull=False)
        .order_by()
        .values("pair", "principle", "sample")
        .annotate(orders=Count("pk"), low=Min("p_first"), high=Max("p_first"))
        .filter(orders=2)
        .aggregate(
            seen=Count("orders"), same=Count("orders", filter=Q(low__gt=0.5) | Q(high__lt=0.5))
        )
    )
    return found["same"] / found["seen"] if found["seen"] else None


def run_counts(run: JudgeRun) -> dict[str, int]:
    """Verdicts by status, and the pairs the run has touched."""
    return Verdict.objects.filter(run=run).aggregate(
        pairs=Count("pair", distinct=True),
        ok=Count("pk", filter=Q(status=Verdict.Status.OK)),
        failed=Count("pk", filter=~Q(status=Verdict.Status.OK)),
        unparsed=Count("pk", filter=Q(status=Verdict.Status.UNPARSED)),
        refused=Count("pk", filter=Q(status=Verdict.Status.REFUSED)),
    )
