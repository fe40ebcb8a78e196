"""What a worker does for a sampling run: model after model, each asked as fast as it answers.

Completions are stored as they come, with the seed and number by which they are found again: a run
that was cut off asks only for what is lacking. Pairs of a prompt are made in the transaction that
stores its last completion of the last model. What a run reports is counted anew by each attempt,
over what is there already and what it asks; what failed is asked again by the next attempt.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F

from corpus.hashing import canonical_json
from corpus.importers.sinks import welcome_all
from corpus.intake.policy import intake_policy, launch_scan
from corpus.models import (
    Completion,
    IntakePolicy,
    IntakeScan,
    ModelVersion,
    Pair,
    PairPolicy,
    Prompt,
    SamplingRun,
)
from corpus.writing import (
    Answer as NewAnswer,
)
from corpus.writing import (
    CameFrom,
    NewCompletion,
    NewPair,
    write_completions,
    write_pairs,
)
from figures.words import counted
from inference.conversations import read_messages
from inference.engine import Answer, Engine, Generation, Message, Request
from inference.errors import InferenceError, PromptTooLongError
from jobs.errors import JobError, JobInterrupted, LeaseLost, PermanentJobError
from jobs.runner import JobContext
from jobs.services import assert_lease
from serving.accounts import Meter
from serving.asking import ask_generations
from serving.engines import as_job_error, model_for_job
from serving.models import Usage
from serving.sampling.plan import Sampled, pairs_among, sample_seed, sampling_config
from serving.sampling.selection import SamplingSelection, prompts_to_sample
from serving.sampling.services import sampling_of

# What is answered is stored at least so often, for the page that shows the progress.
STORE_SECONDS = 1.0
REASONS_KEPT = 20
OTHER_REASONS = "other reasons"
TOO_LONG = "the prompt is too long for the model's context"

Opener = Callable[[ModelVersion], AbstractContextManager[Engine]]


class Question(NamedTuple):
    """One completion that is wanted of the model."""

    prompt: Prompt
    sample: int
    seed: int


class Found(NamedTuple):
    """A completion of the run that is stored."""

    model: ModelVersion
    sample: int
    answer: NewAnswer


@dataclass(slots=True)
class Tally:
    """What an attempt has counted so far; `SamplingRun.report`."""

    prompts: int = 0
    prompts_done: int = 0
    completions: int = 0
    cut_off: int = 0
    identical: int = 0
    without_pair: int = 0
    pairs_there: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        return self.failures.total()

    def fail(self, reason: str) -> None:
        known = reason in self.failures or len(self.failures) < REASONS_KEPT
        self.failures[reason if known else OTHER_REASONS] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "prompts": self.prompts,
            "prompts_done": self.prompts_done,
            "completions": self.completions,
            "cut_off": self.cut_off,
            "identical": self.identical,
            "without_pair": self.without_pair,
            "pairs_there": self.pairs_there,
            "failed": self.failed,
            "failures": dict(self.failures.most_common()),
        }


def sample(context: JobContext[SamplingRun]) -> None:
    """The work of a SamplingRun. May be killed at any time and started again."""
    sample_with(context, lambda model: model_for_job(context.job.engine, model))


def sample_with(context: JobContext[SamplingRun], opener: Opener) -> None:
    """The same, with engines opened by `opener`."""
    _Sampling(context, opener).run()


class _Sampling:
    """One attempt at a run: what is under way, what is answered and not yet stored."""

    def __init__(self, context: JobContext[SamplingRun], opener: Opener) -> None:
        self._context = context
        self._opener = opener
        self._job = context.job
        self._project = context.job.project
        self._selection = SamplingSelection.model_validate(self._job.selection)
        self._sampling = sampling_of(self._job)
        models = self._job.model_versions.select_related("parent")
        self._models = list(models.order_by("name"))
        self._tally = Tally()
        self._total = 0
        self._stored_at = time.monotonic()
        self._clear()

    def run(self) -> None:
        self._tally.prompts = prompts_to_sample(self._project.pk, self._selection).count()
        self._total = self._tally.prompts * len(self._models) * self._job.completions_each
        self._context.report(0, self._total)
        for model in self._models:
            self._sample(model)
        self._finish()

    def _sample(self, model: ModelVersion) -> None:
        """All that is lacking of one model; it is not opened where nothing is."""
        self._clear()
        questions = self._questions(model)
        first = next(questions, None)
        if first is None:
            self._store(model, None)
            return
        with self._opener(model) as engine:
            meter = Meter(
                self._project, model, engine.name, Usage.Purpose.SAMPLE, run_id=self._job.pk
            )
            try:
                self._ask(model, engine, meter, chain([first], questions))
            except LeaseLost:
                raise
            except (JobInterrupted, JobError):
                # What was answered is not asked again by whoever takes the run up.
                self._store(model, meter)
                raise

    def _ask(
        self, model: ModelVersion, engine: Engine, meter: Meter, questions: Iterator[Question]
    ) -> None:
        under_way: dict[int, Question] = {}

        def requests() -> Iterator[Request]:
            for number, question in enumerate(questions):
                under_way[number] = question
                yield Request(messages_of(question.prompt), seed=question.seed)

        def take(answer: Answer[Generation], cached: bool) -> None:
            meter.add(answer, cached=cached)
            self._take(model, under_way.pop(answer.index), answer)
            full = len(self._answered) >= settings.SAMPLE_STORE_COMPLETIONS
            if full or time.monotonic() - self._stored_at > STORE_SECONDS:
                self._context.checkpoint()
                self._store(model, meter)

        try:
            ask_generations(
                engine,
                model,
                requests(),
                self._sampling,
                take,
                on_wait=self._context.checkpoint,
            )
        except InferenceError as error:
            raise as_job_error(error) from error
        self._store(model, meter)

    def _questions(self, model: ModelVersion) -> Iterator[Question]:
        """What the model has not answered yet, page by page of prompts."""
        prompts = prompts_to_sample(self._project.pk, self._selection)
        last = 0
        while page := list(prompts.filter(pk__gt=last)[: settings.SAMPLE_PAGE_PROMPTS]):
            self._context.checkpoint()
            last = page[-1].pk
            there = self._stored(page, [model])
            for prompt in page:
                found = {one.sample: one for one in there.get(prompt.pk, [])}
                self._tally.completions += len(found)
                self._tally.cut_off += sum(
                    one.answer.finish_reason == "length" for one in found.values()
                )
                lacking = [
                    Question(prompt, sample, self._seed(prompt, model, sample))
                    for sample in range(self._job.completions_each)
                    if sample not in found
                ]
                if lacking:
                    self._open[prompt.pk] = len(lacking)
                    yield from lacking
                else:
                    self._complete.append(prompt)
            if len(self._complete) >= settings.SAMPLE_PAGE_PROMPTS:
                self._store(model, None)

    def _take(self, model: ModelVersion, question: Question, answer: Answer[Generation]) -> None:
        prompt, result = question.prompt, answer.result
        if result is None:
            self._tally.fail(reason_of(answer.error))
        else:
            self._tally.completions += 1
            self._tally.cut_off += result.finish_reason == "length"
            self._answered.append((question, result))
        self._open[prompt.pk] -= 1
        if not self._open[prompt.pk]:
            del self._open[prompt.pk]
            self._complete.append(prompt)

    def _store(self, model: ModelVersion, meter: Meter | None) -> None:
        """Completions, the pairs of the prompts that are complete by them, and what they took:
        all of it or nothing."""
        with transaction.atomic():
            assert_lease(self._job)
            written = write_completions(
                project=self._project,
                completions=[
                    NewCompletion(question.prompt.messages, self._answer(model, question, result))
                    for question, result in self._answered
                ],
            )
            pairs = 0
            if model == self._models[-1]:
                pairs = self._pair(self._complete)
            if meter is not None:
                meter.record()
            SamplingRun.objects.filter(pk=self._job.pk).update(
                completions_made=F("completions_made") + sum(one.is_new for one in written),
                pairs_made=F("pairs_made") + pairs,
                report=self._tally.as_json(),
            )
        self._answered.clear()
        self._complete.clear()
        done = self._tally.completions + self._tally.failed
        self._context.report(done, self._total, f"sampling from {model.name}")
        self._stored_at = time.monotonic()

    def _pair(self, prompts: Sequence[Prompt]) -> int:
        """Make the pairs of prompts that all models have answered; how many are new."""
        there = self._stored(prompts, self._models)
        drawn = set(
            Pair.objects.filter(sampling_run=self._job, prompt__in=prompts).values_list(
                "prompt", flat=True
            )
        )
        pairs: list[NewPair] = []
        for prompt in prompts:
            found = there.get(prompt.pk, [])
            self._tally.prompts_done += 1
            self._tally.identical += len(found) - len({one.answer.text for one in found})
            if self._job.pair_policy == PairPolicy.RANDOM and prompt.pk in drawn:
                # Another draw, with what failed before, would make more than were asked for.
                continue
            places = pairs_among(
                [Sampled(one.answer.text, one.model.pk) for one in found],
                PairPolicy(self._job.pair_policy),
                between_models=self._selection.between_models,
                most=self._job.pairs_per_prompt,
                seed=f"{self._job.seed}:{prompt.sha256}",
            )
            self._tally.without_pair += not places
            pairs += [
                NewPair(prompt.messages, found[two.first].answer, found[two.second].answer)
                for two in places
            ]
        stored = write_pairs(
            project=self._project,
            pairs=pairs,
            origin=Pair.Origin.SAMPLED,
            batch=batch_of(self._job),
            came_from=CameFrom(sampling_run=self._job),
        )
        welcome_all(self._project, stored)
        self._tally.pairs_there += sum(
            one.row.sampling_run_id != self._job.pk for one in stored if not one.is_new
        )
        return sum(one.is_new for one in stored)

    def _stored(
        self, prompts: Sequence[Prompt], models: Sequence[ModelVersion]
    ) -> dict[int, list[Found]]:
        """The run's completions of these prompts by these models, by prompt, in the order of the
        models and then of the samples."""
        wanted: dict[tuple[int, int, str], tuple[int, int]] = {}
        for prompt in prompts:
            for place, model in enumerate(models):
                for sample in range(self._job.completions_each):
                    config = self._config(self._seed(prompt, model, sample), sample)
                    wanted[prompt.pk, model.pk, canonical_json(config)] = (place, sample)
        rows = Completion.objects.filter(
            prompt__in=prompts, model_version__in=models, sampling__isnull=False
        ).order_by("pk")
        found: dict[int, dict[tuple[int, int], Found]] = {}
        for row in rows:
            key = (row.prompt_id, row.model_version_id or 0, canonical_json(row.sampling))
            if key not in wanted:
                continue
            place, sample = wanted[key]
            answer = NewAnswer(
                row.text, models[place], row.sampling, row.token_count, row.finish_reason
            )
            of_prompt = found.setdefault(row.prompt_id, {})
            of_prompt.setdefault((place, sample), Found(models[place], sample, answer))
        return {pk: [one[key] for key in sorted(one)] for pk, one in found.items()}

    def _answer(self, model: ModelVersion, question: Question, result: Generation) -> NewAnswer:
        return NewAnswer(
            result.text,
            model,
            self._config(question.seed, question.sample),
            result.completion_tokens,
            result.finish_reason,
        )

    def _config(self, seed: int, sample: int) -> dict[str, Any]:
        run = self._job
        return sampling_config(
            engine=run.engine,
            temperature=run.temperature,
            top_p=run.top_p,
            max_tokens=run.max_tokens,
            seed=seed,
            sample=sample,
        )

    def _seed(self, prompt: Prompt, model: ModelVersion, sample: int) -> int:
        return sample_seed(self._job.seed, prompt.sha256, model.name, sample)

    def _finish(self) -> None:
        if self._tally.failed and not self._tally.completions:
            [(reason, count)] = self._tally.failures.most_common(1)
            raise PermanentJobError(
                f"None of {counted(self._tally.failed, 'requests')} was answered: {reason} "
                f"({count})."
            )
        self._context.report(self._total, self._total)
        policy = intake_policy(self._project.pk)
        if policy.duplicates == IntakePolicy.Duplicates.ONE:
            launch_scan(project=self._project, kind=IntakeScan.Kind.DUPLICATES)

    def _clear(self) -> None:
        self._open: dict[int, int] = {}
        self._answered: list[tuple[Question, Generation]] = []
        self._complete: list[Prompt] = []


def messages_of(prompt: Prompt) -> tuple[Message, ...]:
    return read_messages(prompt.messages)


def batch_of(run: SamplingRun) -> str:
    """The batch of the pairs that the run makes."""
    return f"sampling-{run.pk}"


def reason_of(error: InferenceError | None) -> str:
    """Why a request has no answer, in words that are the same for requests that fail alike."""
    said = " ".join(str(error).split())
    if isinstance(error, PromptTooLongError) or "context length" in said.lower():
        return TOO_LONG
    return re.sub(r"\d+", "N", re.sub(r"^request \d+ ", "the request ", said))[:200]
