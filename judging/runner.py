"""What a worker does for a judge run: ask in chunks, store each verdict exactly once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotation.models import Label
from constitution.models import Principle
from corpus.models import Pair
from corpus.registry import location_of
from inference.engine import Choice, Engine, Request
from inference.errors import BadRequestError, InferenceError
from inference.registry import open_engine
from jobs.errors import PermanentJobError, TransientJobError
from jobs.runner import JobContext
from jobs.services import assert_lease
from judging.arithmetic import Order, Reading, combine, outcome, p_first_from_shown
from judging.models import JudgeConfig, JudgeRun, Verdict
from judging.prompts import OPTIONS, template_named
from judging.selectors import PairSelection, pairs_to_judge


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
        "constitution_version", "model_version", "rater"
    ).get(pk=context.job.config_id)
    if config.model_version is None or config.constitution_version is None:
        raise PermanentJobError(f"{config} is a foreign judge and cannot be run here.")
    try:
        options = settings.ENGINE_OPTIONS.get(config.engine, {})
        engine = open_engine(config.engine, location_of(config.model_version), **options)
    except InferenceError as error:
        raise _as_job_error(error) from error
    with engine:
        judge_with(context, config, engine)


def judge_with(context: JobContext[JudgeRun], config: JudgeConfig, engine: Engine) -> None:
    """Judge the run's pairs with an engine that is open already."""
    run = context.job
    principles = _principles(config)
    selection = PairSelection.model_validate(run.selection)
    pending = pairs_to_judge(config, selection)
    done = Verdict.objects.filter(run=run).values("pair").distinct().count()
    total = run.progress_total or pending.count()
    context.report(done, total)
    for pairs in _chunks(pending):
        context.checkpoint()
        done += _judge_chunk(context, config, engine, principles, pairs)
        context.report(done, total)


def _principles(config: JudgeConfig) -> list[Principle]:
    principles = Principle.objects.filter(version=config.constitution_version_id, weight__gt=0)
    return list(principles.order_by("position"))


def _chunks(pairs: QuerySet[Pair]) -> Iterator[list[Pair]]:
    """In primary-key order, each chunk read afresh: no cursor is open while the judge thinks."""
    last = 0
    while True:
        chunk = list(
            pairs.filter(pk__gt=last).select_related("prompt", "first", "second")[
                : settings.JUDGE_CHUNK_PAIRS
            ]
        )
        if not chunk:
            return
        last = chunk[-1].pk
        yield chunk


def _judge_chunk(
    context: JobContext[JudgeRun],
    config: JudgeConfig,
    engine: Engine,
    principles: Sequence[Principle],
    pairs: Sequence[Pair],
) -> int:
    """Ask what was not asked yet; how many pairs that were."""
    run = context.job
    there = set(
        Verdict.objects.filter(run=run, pair__in=pairs).values_list("pair", "principle", "order")
    )
    questions = [
        Question(pair, principle, order)
        for pair in pairs
        for principle in principles
        for order in Verdict.Order
        if (pair.pk, principle.pk, order.value) not in there
    ]
    asked = list({question.pair.pk: question.pair for question in questions}.values())
    requests = [question.request(config.template, run.seed) for question in questions]
    started = time.monotonic()
    answers = _ask(engine, requests)
    milliseconds = 1000 * (time.monotonic() - started) / max(1, len(requests))
    verdicts = [
        _verdict(run, question, answer, milliseconds)
        for question, answer in zip(questions, answers, strict=True)
    ]
    with transaction.atomic():
        assert_lease(run)
        Verdict.objects.bulk_create(verdicts, ignore_conflicts=True)
        _write_labels(run, config, asked, principles)
    return len(asked)


def _ask(engine: Engine, requests: Sequence[Request]) -> list[Choice | InferenceError]:
    """An answer or the reason why there is none, in the order of the requests.

    One request that cannot be answered does not spoil its neighbours: they are asked one by one.
    """
    try:
        return list(engine.choose(requests, OPTIONS))
    except BadRequestError as error:
        if len(requests) == 1:
            return [error]
        return [answer for request in requests for answer in _ask(engine, [request])]
    except InferenceError as error:
        raise _as_job_error(error) from error


def _as_job_error(error: InferenceError) -> PermanentJobError | TransientJobError:
    return PermanentJobError(str(error)) if error.permanent else TransientJobError(str(error))


def _verdict(
    run: JudgeRun, question: Question, answer: Choice | InferenceError, milliseconds: float
) -> Verdict:
    verdict = Verdict(
        run=run,
        config_id=run.config_id,
        pair=question.pair,
        principle=question.principle,
        order=question.order,
        milliseconds=milliseconds,
    )
    if isinstance(answer, InferenceError):
        verdict.status = Verdict.Status.FAILED
        verdict.reason = str(answer)[:500]
        return verdict
    verdict.status = Verdict.Status.OK
    verdict.p_first = p_first_from_shown(answer.probabilities[0], _order(question.order))
    verdict.option_mass = answer.mass
    verdict.raw_reply = dict(zip(OPTIONS, answer.probabilities, strict=True))
    verdict.prompt_tokens = answer.prompt_tokens
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
