"""What a worker does for a judge run: ask as fast as the engine answers, store each verdict once.

Questions go to the engine in one stream, so that it never waits for the database; answers come in
any order and are stored some hundreds at a time, each batch in one transaction with the labels
of the pairs that are complete by it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from annotation.models import Label
from constitution.models import Principle
from constitution.selectors import compared_principles
from corpus.models import ModelVersion, Pair
from inference.engine import Answer, Choice, Engine, Request
from inference.errors import InferenceError
from inference.server.engine import ServerEngine
from inference.server.metrics import ServerMetrics
from jobs.errors import JobInterrupted, LeaseLost, PermanentJobError, TransientJobError
from jobs.runner import JobContext
from jobs.services import assert_lease
from judging.arithmetic import Order, Reading, combine, outcome, p_first_from_shown
from judging.lengths import judge_lengths
from judging.models import JudgeConfig, JudgeRun, Verdict
from judging.prompts import OPTIONS, template_named
from judging.selectors import PairSelection, pairs_to_judge
from serving.accounts import Meter
from serving.asking import ask_choices
from serving.engines import as_job_error, open_model
from serving.models import Usage

# What is answered is stored at least so often, for the page that shows the progress.
STORE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Question:
    """One call to the judge: a pair under a principle in one order."""

    pair: Pair
    principle: Principle
    order: Verdict.Order

    def request(self, template_name: str, seed: int) -> Request:
        first, second = self.pair.first.text, self.pair.second.text
        shown = (first, second) if self.order == Verdict.Order.FIRST_SECOND else (second, first)
        messages = template_named(template_name)(
            self.principle.comparison, self.pair.prompt.messages, *shown
        )
        return Request(messages=messages, seed=seed)


def judge(context: JobContext[JudgeRun]) -> None:
    """The work of a JudgeRun. May be killed at any time and started again."""
    config = JudgeConfig.objects.select_related(
        "constitution_version", "model_version__parent", "rater"
    ).get(pk=context.job.config_id)
    if config.model_version is None or config.constitution_version is None:
        raise PermanentJobError(f"{config} is a foreign judge and cannot be run here.")
    _check_lengths(context.job, config)
    try:
        engine = open_model(config.engine, config.model_version)
    except InferenceError as error:
        raise as_job_error(error) from error
    with engine:
        judge_with(context, config, engine)


def judge_with(context: JobContext[JudgeRun], config: JudgeConfig, engine: Engine) -> None:
    """Judge the run's pairs with an engine that is open already."""
    if config.model_version is None or config.constitution_version is None:
        raise PermanentJobError(f"{config} is a foreign judge and cannot be run here.")
    principles = compared_principles(config.constitution_version)
    if not principles:
        raise PermanentJobError(
            f"{config.constitution_version} has no principle with a comparison and a weight above "
            "0, so there is nothing to judge by."
        )
    _Judging(context, config, config.model_version, principles, engine).run()


def _check_lengths(run: JudgeRun, config: JudgeConfig) -> None:
    """Warn, and unless it was accepted stop, where too many questions do not fit the model."""
    report = judge_lengths(run, config)
    if report is None or not report.warning:
        return
    JudgeRun.objects.filter(pk=run.pk).update(length_warning=report.warning)
    if not run.accept_cut:
        raise PermanentJobError(
            f"{report.warning} Nothing was asked. Launch it again and accept that some questions "
            "do not fit, or use a model with a longer context."
        )


class _Judging:
    """One attempt at a run: what is under way, what is answered and not yet stored."""

    def __init__(
        self,
        context: JobContext[JudgeRun],
        config: JudgeConfig,
        model: ModelVersion,
        principles: Sequence[Principle],
        engine: Engine,
    ) -> None:
        self._context = context
        self._config = config
        self._model = model
        self._engine = engine
        self._job = context.job
        self._principles = principles
        self._meter = Meter(
            config.project, model, engine.name, Usage.Purpose.JUDGE, run_id=context.job.pk
        )
        self._asked: dict[int, Question] = {}
        self._open_questions: dict[int, int] = {}
        self._verdicts: list[Verdict] = []
        self._complete: list[Pair] = []
        self._done = 0
        self._total = 0
        self._stored_at = time.monotonic()

    def run(self) -> None:
        pending = pairs_to_judge(self._config, PairSelection.model_validate(self._job.selection))
        each = len(self._principles) * len(Verdict.Order)
        judged = Verdict.objects.filter(run=self._job).values("pair").annotate(n=Count("pk"))
        self._done = judged.filter(n=each).count()
        self._total = self._job.progress_total or pending.count()
        self._context.report(self._done, self._total)
        before = _metrics(self._engine)
        try:
            self._ask(pending)
        except LeaseLost:
            raise
        except (JobInterrupted, TransientJobError):
            # What was answered is not asked again by whoever takes the run up.
            self._store()
            raise
        self._store()
        after = _metrics(self._engine)
        if before is not None and after is not None:
            self._meter.record(prefix_cache=after.since(before))

    def _ask(self, pending: QuerySet[Pair]) -> None:
        try:
            ask_choices(
                self._engine,
                self._model,
                self._requests(pending),
                OPTIONS,
                self._take,
                on_wait=self._context.checkpoint,
            )
        except InferenceError as error:
            raise as_job_error(error) from error

    def _requests(self, pending: QuerySet[Pair]) -> Iterator[Request]:
        """Page by page, one principle after the other: requests that begin alike go together, so
        that the engine finds their beginning in its prefix cache."""
        number = 0
        for page in _pages(pending):
            self._context.checkpoint()
            for question in self._questions(page):
                self._asked[number] = question
                number += 1
                yield question.request(self._config.template, self._job.seed)

    def _questions(self, page: Sequence[Pair]) -> list[Question]:
        """What was not asked yet of these pairs, in an earlier attempt at this run."""
        there = set(
            Verdict.objects.filter(run=self._job, pair__in=page).values_list(
                "pair", "principle", "order"
            )
        )
        questions = [
            Question(pair, principle, order)
            for principle in self._principles
            for pair in page
            for order in Verdict.Order
            if (pair.pk, principle.pk, order.value) not in there
        ]
        for question in questions:
            pair_id = question.pair.pk
            self._open_questions[pair_id] = self._open_questions.get(pair_id, 0) + 1
        return questions

    def _take(self, answer: Answer[Choice], cached: bool) -> None:
        question = self._asked.pop(answer.index)
        self._meter.add(answer, cached=cached)
        self._verdicts.append(_verdict(self._job, question, answer))
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
        if self._verdicts:
            with transaction.atomic():
                assert_lease(self._job)
                Verdict.objects.bulk_create(self._verdicts, ignore_conflicts=True)
                _write_labels(self._job, self._config, self._complete, self._principles)
                self._meter.record()
            self._done += len(self._complete)
            self._verdicts.clear()
            self._complete.clear()
        self._context.report(self._done, self._total)
        self._stored_at = time.monotonic()


def _pages(pairs: QuerySet[Pair]) -> Iterator[list[Pair]]:
    """In primary-key order, each page read afresh: no cursor is open while the judge thinks."""
    last = 0
    while True:
        page = list(
            pairs.filter(pk__gt=last).select_related("prompt", "first", "second")[
                : settings.JUDGE_PAGE_PAIRS
            ]
        )
        if not page:
            return
        last = page[-1].pk
        yield page


def _metrics(engine: Engine) -> ServerMetrics | None:
    return engine.metrics() if isinstance(engine, ServerEngine) else None


def _verdict(run: JudgeRun, question: Question, answer: Answer[Choice]) -> Verdict:
    verdict = Verdict(
        run=run,
        config_id=run.config_id,
        pair=question.pair,
        principle=question.principle,
        order=question.order,
        milliseconds=answer.milliseconds,
        created_at=timezone.now(),
    )
    if answer.result is None:
        verdict.status = Verdict.Status.FAILED
        verdict.reason = str(answer.error)[:500]
        return verdict
    verdict.status = Verdict.Status.OK
    verdict.p_first = p_first_from_shown(answer.result.probabilities[0], _order(question.order))
    verdict.option_mass = answer.result.mass
    verdict.raw_reply = dict(zip(OPTIONS, answer.result.probabilities, strict=True))
    verdict.prompt_tokens = answer.result.prompt_tokens
    return verdict


def _order(order: str) -> Order:
    return "ab" if order == Verdict.Order.FIRST_SECOND else "ba"


def _write_labels(
    run: JudgeRun, config: JudgeConfig, pairs: Sequence[Pair], principles: Sequence[Principle]
) -> None:
    """One label per pair that has a readable verdict in both orders under every principle."""
    weights = {principle.pk: principle.weight for principle in principles}
    readings: dict[int, list[Reading]] = {pair.pk: [] for pair in pairs}
    rows = Verdict.objects.filter(run=run, pair__in=pairs, status=Verdict.Status.OK)
    for pair_id, principle_id, order, p_first in rows.values_list(
        "pair", "principle", "order", "p_first"
    ):
        if principle_id is not None and p_first is not None:
            readings[pair_id].append(Reading(_order(order), p_first, weights[principle_id]))
    previous = {
        label.pair_id: label
        for label in Label.objects.effective().filter(rater=config.rater, pair__in=pairs)
    }
    labels = []
    for pair in pairs:
        p_first = combine(readings[pair.pk])
        if p_first is None:
            continue
        labels.append(
            Label(
                project_id=run.project_id,
                pair=pair,
                rater=config.rater,
                choice=outcome(p_first, tie_band=config.tie_band),
                p_first=p_first,
                supersedes=previous.get(pair.pk),
                created_at=timezone.now(),
            )
        )
    Label.objects.bulk_create(labels)
