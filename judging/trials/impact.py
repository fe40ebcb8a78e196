"""Impact before publishing: an audit set is drawn, and both versions are judged over it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from annotation.consensus.selectors import CHOICES, consensus_of
from annotation.models import Label, Rater
from constitution.errors import NotADraftError
from constitution.models import ConstitutionVersion
from constitution.selectors import current_version
from constitution.services import fields_of, version_sha256
from corpus.conversations import characters
from corpus.models import ModelVersion, Pair, Project
from corpus.strata import length_stratum, sensitivity_stratum
from inference.engine import Answer, Choice, Engine, Request
from inference.errors import InferenceError
from jobs.errors import PermanentJobError
from jobs.runner import JobContext
from jobs.services import assert_lease, enqueue
from judging.asking.arithmetic import Reading, p_first_from_shown
from judging.asking.prompts import OPTIONS, default_template, template_named
from judging.errors import NoAuditSetError, NothingToTryError
from judging.models import AuditPair, AuditSet, ImpactRun, ImpactVerdict
from judging.trials.impact_figures import Judged, Principle, figures
from serving.accounts import Meter
from serving.asking import ask_choices
from serving.engines import as_job_error, model_for_job
from serving.models import Usage

AUDIT_PAIRS = 200
STORE_VERDICTS = 256
SEED = 0


@transaction.atomic
def draw_audit_set(
    *,
    project: Project,
    size: int = AUDIT_PAIRS,
    seed: int = 0,
    created_by: User | None = None,
) -> AuditSet:
    """A sample of the project's pairs on which humans have a majority, fixed from now on.

    Which pairs is decided by a hash of seed and pair, so that other pairs change nothing. Pairs
    that are held back stay out.

    NoAuditSetError when humans have not decided a single pair.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    said = consensus_of(project, "majority", "human")
    decided = {
        int(pair): CHOICES[int(choice)]
        for pair, choice, row in zip(said.pairs, said.choice, said.distribution, strict=True)
        if np.count_nonzero(row == row.max()) == 1
    }
    held = set(project.pairs.exclude(held_back="").values_list("pk", flat=True))
    pairs = project.pairs.filter(pk__in=[pk for pk in decided if pk not in held])
    ranked = sorted(
        pairs.values_list("sha256", "pk"),
        key=lambda one: hashlib.sha256(f"{seed}:{one[0]}".encode()).digest(),
    )
    if not ranked:
        raise NoAuditSetError(
            f"{project.slug} has no pairs decided by humans: label some, or import labels."
        )
    last = AuditSet.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0
    drawn = AuditSet.objects.create(
        project=project, number=last + 1, seed=seed, created_by=created_by
    )
    chosen = [pk for _, pk in ranked[:size]]
    humans = _human_labels(project, chosen)
    AuditPair.objects.bulk_create(
        AuditPair(audit_set=drawn, pair_id=pk, choice=decided[pk], humans=humans.get(pk, 0))
        for pk in sorted(chosen)
    )
    return drawn


def _human_labels(project: Project, pairs: Sequence[int]) -> dict[int, int]:
    counts: defaultdict[int, int] = defaultdict(int)
    labels = Label.objects.effective().filter(
        project=project, pair__in=pairs, rater__kind=Rater.Kind.HUMAN
    )
    for pair in labels.values_list("pair_id", flat=True):
        counts[pair] += 1
    return counts


@transaction.atomic
def launch_impact(
    *,
    version: ConstitutionVersion,
    model: ModelVersion,
    engine: str = "transformers",
    audit_set: AuditSet | None = None,
    created_by: User | None = None,
    start: bool = True,
) -> ImpactRun:
    """Judge a draft and the newest published version of its constitution over an audit set.

    The project's newest audit set, or one that is drawn now, unless another is given.

    Raises:
        NotADraftError: the version is published; its impact is history.
        NothingToTryError: it has no principle to judge with.
        NoAuditSetError: there is no audit set and none can be drawn.
    """
    if version.status != ConstitutionVersion.Status.DRAFT:
        raise NotADraftError(
            f"{version} is {version.status}: impact can only be measured for drafts."
        )
    texts = _texts(version)
    if not _compared(texts):
        raise NothingToTryError(_nothing(version))
    project = version.constitution.project
    base = current_version(version)
    chosen = audit_set or AuditSet.objects.filter(project=project).first()
    run = ImpactRun.objects.create(
        project=project,
        version=version,
        base=base,
        audit_set=chosen or draw_audit_set(project=project, created_by=created_by),
        model_version=model,
        engine=engine,
        template=default_template(model.sandbox),
        texts={"draft": texts, "base": _texts(base) if base is not None else []},
        draft_sha256=version_sha256(version),
        created_by=created_by,
    )
    if start:
        enqueue(run)
    return run


def _texts(version: ConstitutionVersion) -> list[dict[str, Any]]:
    return [fields_of(one) for one in version.principles.order_by("position")]


def measure_impact(context: JobContext[ImpactRun]) -> None:
    """The work of an ImpactRun. May be killed at any time and started again."""
    run = context.job
    with model_for_job(run.engine, run.model_version) as engine:
        measure_impact_with(context, engine)


def measure_impact_with(context: JobContext[ImpactRun], engine: Engine) -> None:
    """Measure with an engine that is open already."""
    run = context.job
    draft, base = _compared(run.texts["draft"]), _compared(run.texts["base"])
    if not draft:
        raise PermanentJobError(_nothing(run.version))
    _Asking(context, engine).run()
    result = figures(_judged(run), draft, base, tie_band=run.tie_band)
    with transaction.atomic():
        assert_lease(run)
        ImpactRun.objects.filter(pk=run.pk).update(result=result)


def _nothing(version: ConstitutionVersion) -> str:
    return (
        f"{version} has no principle with a comparison and a weight above 0, so there is nothing "
        "to judge with."
    )


def _compared(texts: Sequence[dict[str, Any]]) -> list[Principle]:
    return [
        Principle(one["name"], _key(one["comparison"]), one["weight"])
        for one in texts
        if one["comparison"] and one["weight"] > 0
    ]


def _key(comparison: str) -> str:
    return hashlib.sha256(comparison.encode()).hexdigest()


class _Asking:
    """Asks what is not there yet: each text of both versions, each pair, both orders."""

    def __init__(self, context: JobContext[ImpactRun], engine: Engine) -> None:
        self._context = context
        self._run = context.job
        self._engine = engine
        self._asked: dict[int, tuple[int, str, str]] = {}
        self._waiting: list[ImpactVerdict] = []
        self._comparisons = {
            _key(one["comparison"]): one["comparison"]
            for side in ("draft", "base")
            for one in self._run.texts[side]
            if one["comparison"] and one["weight"] > 0
        }
        self._meter = Meter(
            self._run.project,
            self._run.model_version,
            engine.name,
            Usage.Purpose.IMPACT,
            run_id=self._run.pk,
        )

    def run(self) -> None:
        pairs = AuditPair.objects.filter(audit_set=self._run.audit_set_id)
        self._total = pairs.count() * len(self._comparisons) * 2
        there = ImpactVerdict.objects.filter(run=self._run)
        self._there = set(there.values_list("pair_id", "comparison_sha256", "order"))
        self._done = len(self._there)
        self._context.report(self._done, self._total)
        try:
            ask_choices(
                self._engine,
                self._run.model_version,
                self._requests(),
                OPTIONS,
                self._take,
                on_wait=self._context.checkpoint,
            )
        except InferenceError as error:
            raise as_job_error(error) from error
        self._store()

    def _requests(self) -> Iterator[Request]:
        template = template_named(self._run.template)
        ids = self._run.audit_set.audit_pairs.order_by("pair").values_list("pair", flat=True)
        pairs = list(
            Pair.objects.filter(pk__in=list(ids)).select_related("prompt", "first", "second")
        )
        number = 0
        for key, comparison in self._comparisons.items():
            for pair in pairs:
                for order in ("ab", "ba"):
                    if (pair.pk, key, order) in self._there:
                        continue
                    shown = (pair.first.text, pair.second.text)
                    if order == "ba":
                        shown = (shown[1], shown[0])
                    self._asked[number] = (pair.pk, key, order)
                    number += 1
                    yield Request(template(comparison, pair.prompt.messages, *shown), seed=SEED)

    def _take(self, answer: Answer[Choice], cached: bool) -> None:
        pair, key, order = self._asked.pop(answer.index)
        self._meter.add(answer, cached=cached)
        verdict = ImpactVerdict(run=self._run, pair_id=pair, comparison_sha256=key, order=order)
        if answer.result is None:
            verdict.reason = str(answer.error)[:500]
        else:
            verdict.p_first = p_first_from_shown(
                answer.result.probabilities[0], "ab" if order == "ab" else "ba"
            )
        self._waiting.append(verdict)
        if len(self._waiting) >= STORE_VERDICTS:
            self._context.checkpoint()
            self._store()

    def _store(self) -> None:
        with transaction.atomic():
            assert_lease(self._run)
            ImpactVerdict.objects.bulk_create(self._waiting)
            self._meter.record()
        self._done += len(self._waiting)
        self._waiting.clear()
        self._context.report(self._done, self._total)


def _judged(run: ImpactRun) -> list[Judged]:
    readings: defaultdict[int, defaultdict[str, list[Reading]]] = defaultdict(
        lambda: defaultdict(list)
    )
    rows = ImpactVerdict.objects.filter(run=run, p_first__isnull=False)
    for pair, key, order, p_first in rows.values_list(
        "pair_id", "comparison_sha256", "order", "p_first"
    ):
        if p_first is not None:
            readings[pair][key].append(Reading("ab" if order == "ab" else "ba", p_first))
    pairs = run.audit_set.audit_pairs.select_related("pair__prompt").order_by("pair")
    return [
        Judged(
            pair=one.pair_id,
            human=one.choice,
            strata={
                "domain": one.pair.prompt.domain,
                "difficulty": one.pair.prompt.difficulty,
                "language": one.pair.prompt.language,
                "sensitivity": sensitivity_stratum(one.pair.prompt.sensitive),
                "length": length_stratum(characters(one.pair.prompt.messages)),
            },
            readings=readings[one.pair_id],
            prompt=one.pair.prompt_id,
        )
        for one in pairs
    ]
