"""What a worker does for a critique–revise run: page by page of prompts, wave by wave.

A wave asks one thing of every open chain of the page (an answer, a critique, a revision) and what
it brings is stored in one transaction. A worker that dies loses at most a wave, and what the
engine had answered of it is in the reply cache: the seeds are the steps' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from constitution.extensions import after_revision
from constitution.models import Chain, Principle, Revision, RevisionRun
from constitution.revision.chains import (
    draw_principles,
    is_new_refusal,
    last_text,
    outcome_of,
    step_seed,
)
from constitution.revision.prompts import Requests, initial_messages, shots_of, template_named
from constitution.selectors import revised_principles
from corpus.conversations import summary
from corpus.models import Pair, Prompt
from corpus.prompts import PromptSelection, selected_prompts
from corpus.writing import Answer as NewAnswer
from corpus.writing import NewPair, write_pairs
from inference.engine import Answer, Engine, Generation, Message, Request, Sampling
from inference.errors import InferenceError
from jobs.errors import PermanentJobError
from jobs.runner import JobContext
from jobs.services import assert_lease
from serving.accounts import Meter
from serving.asking import ask_generations
from serving.engines import as_job_error, model_for_job
from serving.models import Usage


@dataclass(slots=True)
class Walk:
    """A chain on its way: what stands now, and the round that is being made."""

    chain: Chain
    prompt: Prompt
    principles: list[int]
    steps: list[Revision] = field(default_factory=list)
    critique: Answer[Generation] | None = None

    @property
    def text(self) -> str:
        return last_text(self.chain.initial, [{"after": step.after} for step in self.steps])

    @property
    def round(self) -> int:
        return len(self.steps) + 1


def revise(context: JobContext[RevisionRun]) -> None:
    """The work of a RevisionRun: the chains, then what the layers above do with them.

    May be killed at any time and started again.
    """
    run = context.job
    with model_for_job(run.engine, run.model_version) as engine:
        revise_with(context, engine)
    for step in after_revision:
        step(context)


def revise_with(context: JobContext[RevisionRun], engine: Engine) -> None:
    """Revise with an engine that is open already."""
    principles = revised_principles(context.job.constitution_version)
    if not principles:
        raise PermanentJobError(
            f"{context.job.constitution_version} has no principle with a critique request, a "
            "revision request and a weight above 0, so there is nothing to revise with."
        )
    _Revising(context, principles, engine).run()


class _Revising:
    """One attempt at a run."""

    def __init__(
        self, context: JobContext[RevisionRun], principles: Sequence[Principle], engine: Engine
    ) -> None:
        run = context.job
        self._context = context
        self._run = run
        self._engine = engine
        self._principles = principles
        self._template = template_named(run.template)
        self._sampling = Sampling(max_tokens=run.max_tokens, temperature=run.temperature)
        self._meter = Meter(
            run.project, run.model_version, engine.name, Usage.Purpose.CRITIQUE, run_id=run.pk
        )
        version = run.constitution_version
        shared = version.few_shots if run.use_few_shots else []
        self._requests = [
            Requests(
                one.critique_request,
                one.revision_request,
                shots_of(
                    shared,
                    one.examples if run.use_few_shots else [],
                    one.critique_request,
                    one.revision_request,
                ),
            )
            for one in principles
        ]

    def run(self) -> None:
        selection = PromptSelection.model_validate(self._run.selection)
        prompts = selected_prompts(self._run.project_id, selection)
        self._total = prompts.count()
        self._done = Chain.objects.filter(run=self._run).exclude(finding="").count()
        self._context.report(self._done, self._total)
        last = 0
        while page := list(prompts.filter(pk__gt=last)[: settings.REVISE_PAGE_PROMPTS]):
            last = page[-1].pk
            self._page(page)

    def _page(self, page: Sequence[Prompt]) -> None:
        self._context.checkpoint()
        walks = self._walks(page)
        while walks:
            walks = self._round(walks)
        self._context.report(self._done, self._total)

    def _walks(self, page: Sequence[Prompt]) -> list[Walk]:
        """The page's open chains, begun where they were not yet."""
        there = set(
            Chain.objects.filter(run=self._run, prompt__in=page).values_list("prompt", flat=True)
        )
        self._begin([prompt for prompt in page if prompt.pk not in there])
        chains = (
            Chain.objects.filter(run=self._run, prompt__in=page, finding="")
            .select_related("prompt")
            .prefetch_related("revisions")
        )
        weights = [one.weight for one in self._principles]
        return [
            Walk(
                chain,
                chain.prompt,
                draw_principles(
                    weights,
                    self._run.rounds,
                    seed=self._run.seed,
                    prompt_sha256=chain.prompt.sha256,
                ),
                sorted(chain.revisions.all(), key=lambda step: step.round),
            )
            for chain in chains
        ]

    def _begin(self, prompts: Sequence[Prompt]) -> None:
        """Initial answers, each in a chain of its own."""
        if not prompts:
            return
        asked = [
            (initial_messages(prompt.messages), self._seed(prompt, 0, "")) for prompt in prompts
        ]
        chains = []
        for prompt, answer in zip(prompts, self._ask(asked), strict=True):
            chain = Chain(run=self._run, prompt=prompt)
            if answer.result is None:
                chain.finding, chain.reason = Chain.Finding.FAILED, str(answer.error)[:500]
            else:
                chain.initial = answer.result.text
            chains.append(chain)
        with transaction.atomic():
            assert_lease(self._run)
            Chain.objects.bulk_create(chains)
            self._meter.record()
        self._done += sum(chain.finding != "" for chain in chains)

    def _round(self, walks: list[Walk]) -> list[Walk]:
        """One round of every walk; those that go on after it."""
        self._context.checkpoint()
        critiques = self._ask(
            [
                (
                    self._template.critique(self._asked(walk), walk.prompt.messages, walk.text),
                    self._seed(walk.prompt, walk.round, "critique"),
                )
                for walk in walks
            ]
        )
        criticised = []
        for walk, answer in zip(walks, critiques, strict=True):
            walk.critique = answer
            if answer.result is not None and not self._template.finds_nothing(answer.result.text):
                criticised.append((walk, answer.result.text))
        revisions = self._ask(
            [
                (
                    self._template.revise(
                        self._asked(walk), walk.prompt.messages, walk.text, critique
                    ),
                    self._seed(walk.prompt, walk.round, "revision"),
                )
                for walk, critique in criticised
            ]
        )
        revised = {
            walk.chain.pk: answer for (walk, _), answer in zip(criticised, revisions, strict=True)
        }
        before = {walk.chain.pk: len(walk.steps) for walk in walks}
        for walk in walks:
            walk.steps.append(self._step(walk, revised.get(walk.chain.pk)))
        closed = [walk for walk in walks if self._is_closed(walk)]
        with transaction.atomic():
            assert_lease(self._run)
            Revision.objects.bulk_create(walk.steps[before[walk.chain.pk]] for walk in walks)
            self._close(closed)
            self._meter.record()
        self._done += len(closed)
        self._context.report(self._done, self._total)
        return [walk for walk in walks if not walk.chain.finding]

    def _step(self, walk: Walk, revised: Answer[Generation] | None) -> Revision:
        critique = walk.critique
        if critique is None:
            raise RuntimeError(f"{walk.chain} has no critique in round {walk.round}")
        answers = [critique] if revised is None else [critique, revised]
        step = Revision(
            chain=walk.chain,
            round=walk.round,
            principle=self._principle(walk),
            before=walk.text,
            critique=critique.result.text if critique.result else "",
            prompt_tokens=sum(one.result.prompt_tokens for one in answers if one.result),
            completion_tokens=sum(one.result.completion_tokens for one in answers if one.result),
            milliseconds=sum(one.milliseconds for one in answers),
        )
        error = next((one.error for one in answers if one.error is not None), None)
        if error is not None:
            step.status, step.reason = Revision.Status.FAILED, str(error)[:500]
        elif revised is None or revised.result is None:
            step.status = Revision.Status.NOTHING_FOUND
        elif not revised.result.text.strip():
            step.status, step.reason = Revision.Status.FAILED, "the revision is empty"
        else:
            step.status, step.after = Revision.Status.REVISED, revised.result.text
        return step

    def _is_closed(self, walk: Walk) -> bool:
        last = walk.steps[-1]
        if last.status == Revision.Status.FAILED or len(walk.steps) >= self._run.rounds:
            return True
        return self._run.stop_early and last.status == Revision.Status.NOTHING_FOUND

    def _close(self, walks: Sequence[Walk]) -> None:
        """Say what came of chains that are over, and store the pairs of the good ones."""
        for walk in walks:
            walk.chain.finding = self._finding(walk)
            walk.chain.reason = walk.steps[-1].reason
            walk.chain.refuses_now = is_new_refusal(walk.chain.initial, walk.text)
        good = [walk for walk in walks if walk.chain.finding == Chain.Finding.REVISED]
        run = self._run
        stored = write_pairs(
            project=run.project,
            pairs=[self._pair(walk) for walk in good],
            origin=Pair.Origin.REVISION,
            batch=run.batch,
        )
        for walk, pair in zip(good, stored, strict=True):
            walk.chain.pair_id = pair.row.pk
            walk.chain.revision_is_first = pair.a_is_first
        Chain.objects.bulk_update(
            [walk.chain for walk in walks],
            ["finding", "reason", "refuses_now", "pair", "revision_is_first"],
            batch_size=200,
        )

    def _finding(self, walk: Walk) -> Chain.Finding:
        steps = walk.steps
        if not any(step.after for step in steps):
            failed = steps[-1].status == Revision.Status.FAILED
            return Chain.Finding.FAILED if failed else Chain.Finding.NOTHING_FOUND
        told = [summary(walk.prompt.messages)]
        for step in steps:
            told += [
                step.critique,
                step.principle.critique_request,
                step.principle.revision_request,
            ]
        outcome = outcome_of(
            walk.chain.initial, walk.text, told=told, refusal_wanted=walk.prompt.sensitive
        )
        return Chain.Finding(outcome)

    def _pair(self, walk: Walk) -> NewPair:
        """The last revision first: what the run says is the better one."""
        model = self._run.model_version
        sampling = {"temperature": self._run.temperature, "max_tokens": self._run.max_tokens}
        step = {"step": "revision", "constitution": self._run.constitution_version.sha256}
        prompt = walk.prompt
        return NewPair(
            prompt=prompt.messages,
            a=NewAnswer(walk.text, model, sampling | step),
            b=NewAnswer(walk.chain.initial, model, sampling),
            source=prompt.source,
            domain=prompt.domain,
            difficulty=prompt.difficulty,
            language=prompt.language,
        )

    def _principle(self, walk: Walk) -> Principle:
        return self._principles[walk.principles[walk.round - 1]]

    def _asked(self, walk: Walk) -> Requests:
        return self._requests[walk.principles[walk.round - 1]]

    def _seed(self, prompt: Prompt, round_number: int, step: str) -> int:
        return step_seed(self._run.seed, prompt.sha256, round_number, step)

    def _ask(self, asked: Sequence[tuple[tuple[Message, ...], int]]) -> list[Answer[Generation]]:
        """The answers in the order asked."""
        answers: dict[int, Answer[Generation]] = {}

        def take(answer: Answer[Generation], cached: bool) -> None:
            answers[answer.index] = answer
            self._meter.add(answer, cached=cached)

        def requests() -> Iterator[Request]:
            return (Request(messages, seed=seed) for messages, seed in asked)

        try:
            ask_generations(
                self._engine,
                self._run.model_version,
                requests(),
                self._sampling,
                take,
                on_wait=self._context.checkpoint,
            )
        except InferenceError as error:
            raise as_job_error(error) from error
        return [answers[index] for index in range(len(asked))]
