"""What a worker does for a judge run: ask as fast as the judge answers, store each verdict once.

Questions go to the judge in one stream, so that it never waits for the database; replies come in
any order and are stored some hundreds at a time, each batch in one transaction with the labels
of the pairs that are complete by it. Before its first pair a judge that has not been admitted
answers gold; among its pairs gold rides along, and the run stops where κ falls too low.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from annotation.models import Rater, Slot
from annotation.services.judge_gold import give_gold
from annotation.services.policy import policy_of
from corpus.models import Pair
from inference.engine import Engine
from inference.errors import InferenceError
from inference.server.engine import ServerEngine
from inference.server.metrics import ServerMetrics
from jobs.errors import JobInterrupted, LeaseLost, PermanentJobError, TransientJobError
from jobs.runner import JobContext
from jobs.services import assert_lease
from judging.asking.arithmetic import p_first_from_shown
from judging.asking.askers import Asker, DirectAsker, JuryAsker, ReasonedAsker, Reply, VerifierAsker
from judging.asking.questions import Plan, Question
from judging.errors import BadSettingsError, UnknownSelectionError
from judging.measures.lengths import judge_lengths
from judging.models import JudgeConfig, JudgeRun, Verdict
from judging.runs.certification import (
    TO_CERTIFY,
    calibration_to_answer,
    gold_among,
    gold_left,
    refuse_suspended,
    settle,
    status_of,
    watch,
)
from judging.runs.labelling import order_of, write_labels
from judging.selectors import PairSelection, choose_pairs, judged_by, pairs_of_run
from serving.accounts import Meter
from serving.engines import as_job_error, machines_of, model_for_job
from serving.models import Usage

# What is answered is stored at least so often, for the page that shows the progress.
STORE_SECONDS = 1.0

Page = tuple[list[Pair], set[int]]
"""Pairs to judge, and the ids of those among them that only ride along."""


class _OutOfServiceError(Exception):
    """The judge is not in production any more: it must be certified again, or is suspended."""


def judge(context: JobContext[JudgeRun]) -> None:
    """The work of a JudgeRun. May be killed at any time and started again."""
    config = JudgeConfig.objects.select_related(
        "constitution_version", "model_version__parent", "rater"
    ).get(pk=context.job.config_id)
    refuse_foreign(config)
    refuse_suspended(config.rater)
    if config.model_version is None:
        judge_with(context, config, None)
        return
    _check_lengths(context.job, config)
    with model_for_job(config.engine, config.model_version) as engine:
        judge_with(context, config, engine)


def judge_with(context: JobContext[JudgeRun], config: JudgeConfig, engine: Engine | None) -> None:
    """Judge the run's pairs with an engine that is open already; None: the judge needs none."""
    refuse_foreign(config)
    meter = None
    if engine is not None and config.model_version is not None:
        meter = Meter(
            config.project,
            config.model_version,
            engine.name,
            Usage.Purpose.JUDGE,
            run_id=context.job.pk,
        )
    plan = plan_of(config, seed=context.job.seed)
    asker = asker_of(config, plan, engine, meter)
    _Judging(context, config, plan, asker, engine, meter).run()


def refuse_foreign(config: JudgeConfig) -> None:
    if config.foreign:
        raise PermanentJobError(f"{config} is an imported judge and cannot be run here.")


def plan_of(config: JudgeConfig, *, seed: int = 0) -> Plan:
    """What this judge asks of each pair. PermanentJobError where it has nothing to judge by."""
    version, mode = config.constitution_version, config.settings.mode
    if mode == "jury":
        weights = [member.weight for member in config.members.all()]
        if not weights:
            raise PermanentJobError(f"{config} is a jury without members.")
        return Plan(config, (), seed=seed, members=weights)
    if version is None:
        raise PermanentJobError(f"{config} has no constitution to judge with.")
    try:
        principles = judged_by(version, mode)
    except BadSettingsError as error:
        raise PermanentJobError(str(error)) from error
    return Plan(config, principles, seed=seed)


def asker_of(config: JudgeConfig, plan: Plan, engine: Engine | None, meter: Meter | None) -> Asker:
    """Who answers this judge's questions."""
    mode = plan.settings.mode
    if mode == "jury":
        return JuryAsker(list(config.members.select_related("judge__rater")))
    if mode == "verifier":
        return VerifierAsker()
    if engine is None or meter is None or config.model_version is None:
        raise PermanentJobError(f"{config} asks a model, and none is open.")
    kind = ReasonedAsker if mode == "reasoned" else DirectAsker
    return kind(engine, config.model_version, plan, meter)


def _check_lengths(run: JudgeRun, config: JudgeConfig) -> None:
    """Warn, and unless it was accepted stop, where too many questions do not fit the model."""
    report = judge_lengths(run, config)
    if report is None or not report.warning:
        return
    JudgeRun.objects.filter(pk=run.pk).update(length_warning=report.warning)
    if not run.accept_cut:
        raise PermanentJobError(
            f"{report.warning} Nothing was asked. Start it again and allow questions that do "
            "not fit, or use a model with a longer context."
        )


class _Judging:
    """One attempt at a run: what is under way, what is answered and not yet stored."""

    def __init__(
        self,
        context: JobContext[JudgeRun],
        config: JudgeConfig,
        plan: Plan,
        asker: Asker,
        engine: Engine | None,
        meter: Meter | None,
    ) -> None:
        self._context = context
        self._config = config
        self._plan = plan
        self._asker = asker
        self._engine = engine
        self._meter = meter
        self._job = context.job
        self._rater = config.rater
        self._selection = PairSelection.model_validate(self._job.selection)
        self._machines = 0 if engine is None else machines_of(engine)
        self._in_production = False
        self._clear()
        self._done = self._job.pairs_done
        self._total = 0
        self._stored_at = time.monotonic()

    def run(self) -> None:
        try:
            choose_pairs(self._job, self._config, self._selection)
        except UnknownSelectionError as error:
            raise PermanentJobError(str(error)) from error
        self._total = self._job.progress_total or (
            self._done + pairs_of_run(self._job, self._config, self._selection).count()
        )
        JudgeRun.objects.filter(pk=self._job.pk).update(done_before=self._done)
        self._context.report(self._done, self._total)
        before = _metrics(self._engine)
        try:
            self._serve()
        except LeaseLost:
            raise
        except (JobInterrupted, TransientJobError):
            # What was answered is not asked again by whoever takes the run up; what was under way
            # is, so only whole pairs count.
            self._open_questions.clear()
            self._store()
            raise
        after = _metrics(self._engine)
        if self._meter is not None and before is not None and after is not None:
            self._meter.record(prefix_cache=after.since(before))

    def _serve(self) -> None:
        while True:
            while status_of(self._rater) in TO_CERTIFY:
                self._certify()
            refuse_suspended(self._rater)
            self._in_production = True
            try:
                self._ask(self._production())
                return
            except _OutOfServiceError:
                self._clear()
            finally:
                self._in_production = False

    def _certify(self) -> None:
        """One try, or what was lacking of one: gold alone, with the answers known to us."""
        self._context.report(
            self._done, self._total, note="answering gold pairs to pass calibration"
        )
        wanted = calibration_to_answer(self._rater)
        self._ask((page, self._besides(page)) for page in _pages(_of(wanted)))
        settle(self._rater)

    def _besides(self, page: Sequence[Pair]) -> set[int]:
        """The ids of those pairs that are not of the run's selection."""
        ids = {pair.pk for pair in page}
        chosen = pairs_of_run(self._job, self._config, self._selection).filter(pk__in=ids)
        return ids - set(chosen.values_list("pk", flat=True))

    def _production(self) -> Iterator[Page]:
        """The run's pairs, page by page, and the gold that rides among them."""
        if self._selection.which == "gold":
            give_gold(
                rater=self._rater,
                purpose=Slot.Purpose.RECALIBRATION,
                count=policy_of(self._config.project_id).recalibration_per_week,
                now=timezone.now(),
            )
        for page in _pages(_of(gold_left(self._rater))):
            yield page, self._besides(page)
        for page in _pages(pairs_of_run(self._job, self._config, self._selection)):
            gold = list(_loaded(_of(gold_among(self._rater, page))))
            yield [*page, *gold], self._besides(gold)

    def _ask(self, pages: Iterable[Page]) -> None:
        try:
            self._asker.ask(self._questions(pages), self._take, on_wait=self._context.checkpoint)
        except InferenceError as error:
            raise as_job_error(error) from error
        self._store()

    def _questions(self, pages: Iterable[Page]) -> Iterator[Question]:
        """What was not asked yet, in an earlier attempt at this run."""
        for whole_page, riding in pages:
            self._context.checkpoint()
            # Gold that joined an earlier page may be of this one too, and under way still.
            under_way = {*self._open_questions, *(pair.pk for pair in self._complete)}
            page = [pair for pair in whole_page if pair.pk not in under_way]
            self._riding |= riding - under_way
            there = set(
                Verdict.objects.filter(run=self._job, pair__in=page).values_list(
                    "pair", "principle", "order", "sample"
                )
            )
            questions = [one for one in self._plan.page(page) if one.key not in there]
            for question in questions:
                pair_id = question.pair.pk
                self._open_questions[pair_id] = self._open_questions.get(pair_id, 0) + 1
            waiting = Slot.objects.filter(
                rater=self._rater, pair__in=page, state=Slot.State.WAITING
            )
            owed = set(waiting.values_list("pair_id", flat=True))
            # Answered before it was known as gold: its verdicts are there, its answer is not.
            for pair in page:
                if pair.pk in owed and pair.pk not in self._open_questions:
                    self._riding.add(pair.pk)
                    self._complete.append(pair)
            yield from questions

    def _take(self, question: Question, reply: Reply) -> None:
        self._verdicts.append(_verdict(self._job, self._config, question, reply))
        pair = question.pair
        self._open_questions[pair.pk] -= 1
        if not self._open_questions[pair.pk]:
            del self._open_questions[pair.pk]
            self._complete.append(pair)
        full = len(self._verdicts) >= settings.JUDGE_STORE_VERDICTS
        if full or time.monotonic() - self._stored_at > STORE_SECONDS:
            self._context.checkpoint()
            self._store()

    def _store(self) -> None:
        """Verdicts, the labels they complete, and what they took: all of it or nothing."""
        gold = 0
        if self._verdicts or self._complete:
            self._refuse_out_of_service()
            with transaction.atomic():
                assert_lease(self._job)
                Verdict.objects.bulk_create(self._verdicts, ignore_conflicts=True)
                counted = write_labels(
                    self._job, self._config, self._plan, self._complete, self._riding
                )
                if self._meter is not None:
                    self._meter.record()
                held = self._machines * (time.monotonic() - self._stored_at)
                JudgeRun.objects.filter(pk=self._job.pk).update(
                    engine_seconds=F("engine_seconds") + held
                )
            self._done += counted.pairs
            gold = counted.gold
            self._riding.difference_update(pair.pk for pair in self._complete)
            self._verdicts.clear()
            self._complete.clear()
        self._context.report(self._done + self._part_done(), self._total)
        self._stored_at = time.monotonic()
        if gold and self._in_production and not watch(self._rater):
            raise _OutOfServiceError

    def _part_done(self) -> int:
        """What the answers on pairs under way come to, in pairs: a principle is asked of a whole
        page before the next, so that no pair is complete for long."""
        each = self._plan.questions_each
        left = [n for pair, n in self._open_questions.items() if pair not in self._riding]
        return (each * len(left) - sum(left)) // each

    def _refuse_out_of_service(self) -> None:
        """Nothing is labelled by a judge that was sent away meanwhile."""
        refuse_suspended(self._rater)
        if self._in_production and status_of(self._rater) != Rater.Status.ACTIVE:
            raise _OutOfServiceError

    def _clear(self) -> None:
        self._open_questions: dict[int, int] = {}
        self._verdicts: list[Verdict] = []
        self._complete: list[Pair] = []
        self._riding: set[int] = set()


def _of(pairs: Sequence[int]) -> QuerySet[Pair]:
    return Pair.objects.filter(pk__in=pairs).order_by("pk")


def _loaded(pairs: QuerySet[Pair]) -> QuerySet[Pair]:
    return pairs.select_related("prompt", "first", "second")


def _pages(pairs: QuerySet[Pair]) -> Iterator[list[Pair]]:
    """In primary-key order, each page read afresh: no cursor is open while the judge thinks."""
    last = 0
    while True:
        page = list(_loaded(pairs.filter(pk__gt=last))[: settings.JUDGE_PAGE_PAIRS])
        if not page:
            return
        last = page[-1].pk
        yield page


def _metrics(engine: Engine | None) -> ServerMetrics | None:
    return engine.metrics() if isinstance(engine, ServerEngine) else None


def _verdict(run: JudgeRun, config: JudgeConfig, question: Question, reply: Reply) -> Verdict:
    p_first = reply.p_shown_first
    return Verdict(
        run=run,
        config=config,
        pair=question.pair,
        principle=question.principle,
        order=question.order,
        sample=question.sample,
        template=config.template,
        status=reply.status,
        reason=reply.reason[:500],
        p_first=None if p_first is None else p_first_from_shown(p_first, order_of(question.order)),
        option_mass=reply.mass,
        raw_reply=reply.raw,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        milliseconds=reply.milliseconds,
        created_at=timezone.now(),
    )
