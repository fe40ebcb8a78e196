"""The whole loop on the sandbox model, headless: sample, judge, freeze, train, and again.

Every round goes through the same services that the pages use. What is measured at its end is
decided by the sandbox world's own ground truth, never by a model.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings

from accounts.services import adopt
from corpus.models import ModelVersion, Pair, Project
from corpus.registry import location_of, sandbox_model
from corpus.writing import Answer, NewPair, write_pairs
from exports.models import DatasetVersion
from exports.services import FreezeFilters, freeze
from figures.words import percent
from inference.engine import Engine, Generation, Request, Sampling
from inference.registry import open_engine
from inference.sandbox.prompts import answer_messages
from inference.sandbox.world import (
    PrincipleKey,
    ToyRequest,
    held_out_requests,
    satisfies,
    training_requests,
)
from jobs.models import Job, JobState
from jobs.runner import JobContext, run_job
from judging.measures.attack_words import attack_words
from judging.models import AttackRun, JudgeConfig, JudgeRun
from judging.runs.runner import judge
from judging.selectors import PairSelection, run_consistency
from judging.services import ensure_judge, launch_judge_run
from training.models import TrainingRun
from training.rounds.sample import attack_now, publish_sandbox_constitution
from training.runs.runner import train
from training.runs.services import launch_training

PRINCIPLE: PrincipleKey = "polite"
PROMPTS_PER_ROUND = 256
SAMPLES_PER_PROMPT = 2
FRESH_PROMPTS = 200
SAMPLING = Sampling(max_tokens=112, temperature=1.0)
TRAINING: dict[str, Any] = {
    "method": "dpo",
    "beta": 0.1,
    "learning_rate": 5e-4,
    "epochs": 2,
    "batch_size": 16,
    "max_length": 512,
    "checkpoint_every_steps": None,
}
SPLIT = {"validation": 0.15, "test": 0.0}

AnyJob = TypeVar("AnyJob", bound=Job)
Say = Callable[[str], None]
OnAttacks = Callable[[AttackRun], None]


class DemoError(Exception):
    """A job of the loop did not succeed, or the judge failed its attacks; the message says which
    and why."""


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What one round did. All shares and accuracies lie in [0, 1].

    `pairs` were sampled and judged, `kept` are the rows of the dataset; `share_before` and
    `share_after` are the shares of answers to 200 fresh prompts that satisfy the principle.
    """

    round: int
    pairs: int
    kept: int
    consistency: float | None
    dataset: str
    train_loss: float | None
    heldout_accuracy: float | None
    share_before: float
    share_after: float


@dataclass(frozen=True, slots=True)
class Policy:
    """The model as it is between rounds, with the share of its answers that satisfy."""

    model: ModelVersion
    share: float


def run_demo(
    *,
    rounds: int,
    seed: int,
    say: Say,
    on_attacks: OnAttacks,
    prompts: int = PROMPTS_PER_ROUND,
) -> Iterator[RoundResult]:
    """Run the rounds in a fresh project, yielding each as it ends. DemoError when a job fails, or
    the judge does not withstand the attacks on it; `on_attacks` is told what they came to. Each
    round samples `prompts` prompts; the fewer, the less a round moves.

    The attacks come before the judge's first labels, once there are answers to set them against.
    The reference policy stays the sandbox model, and so does the judge: what moves is the policy
    alone.
    """
    project = _fresh_project()
    start = sandbox_model(project)
    config = ensure_judge(
        project=project,
        constitution_version=publish_sandbox_constitution(project, (PRINCIPLE,)),
        model_version=start,
    )
    with _open(start) as engine:
        policy = Policy(start, share_satisfying(engine, seed=seed))
    say(
        f"project {project.slug}: {percent(policy.share)} of the sandbox model's answers are polite"
    )
    for number in range(1, rounds + 1):
        batch = f"round-{number}"
        say(f"round {number}: sampling {prompts} prompts")
        pairs = _sample_pairs(project, policy.model, batch, prompts, seed=1_000 * seed + number)
        if number == 1:
            on_attacks(withstood(config, seed=seed, say=say))
        result, policy = _round(project, config, start, policy, number, pairs, seed, say)
        yield result


def withstood(config: JudgeConfig, *, seed: int, say: Say) -> AttackRun:
    """DemoError unless the judge passes: the gate would keep its labels out of every dataset."""
    say("attacking the judge with worthless answers")
    run = attack_now(config, seed=seed)
    if not run.passed:
        raise DemoError(attack_words(run))
    return run


def _round(
    project: Project,
    config: JudgeConfig,
    start: ModelVersion,
    policy: Policy,
    number: int,
    pairs: int,
    seed: int,
    say: Say,
) -> tuple[RoundResult, Policy]:
    batch = f"round-{number}"
    say(f"round {number}: judging {pairs} pairs in both orders")
    verdicts = launch_judge_run(
        project=project, config=config, selection=PairSelection(batch=batch), start=False
    )
    _do(JudgeRun, verdicts, judge)
    dataset = freeze(
        project=project, name=batch, filters=FreezeFilters(batch=batch, seed=seed, **SPLIT)
    )
    say(f"round {number}: training on dataset {dataset.sha256[:12]}")
    training = _train(project, dataset, start, policy.model, seed)
    trained = training.result_model
    if trained is None:
        raise DemoError(f"Run {training.pk} produced no model.")
    with _open(trained) as engine:
        share = share_satisfying(engine, seed=seed)
    result = training.result or {}
    heldout = (result.get("heldout") or {}).get("after") or {}
    outcome = RoundResult(
        round=number,
        pairs=pairs,
        kept=sum(split["rows"] for split in dataset.manifest["splits"].values()),
        consistency=run_consistency(verdicts),
        dataset=dataset.sha256,
        train_loss=result.get("train_loss"),
        heldout_accuracy=heldout.get("accuracy"),
        share_before=policy.share,
        share_after=share,
    )
    return outcome, Policy(trained, share)


def _fresh_project() -> Project:
    """A project of its own for every demo, so that one demo never sees another's rows."""
    number = Project.objects.filter(slug__startswith="demo-").count() + 1
    while Project.objects.filter(slug=f"demo-{number}").exists():
        number += 1
    project = Project.objects.create(slug=f"demo-{number}", name=f"Demo {number}")
    adopt(project=project)
    return project


def _open(model: ModelVersion) -> Engine:
    options = settings.ENGINE_OPTIONS["transformers"]
    return open_engine("transformers", location_of(model), **options)


def _do(model: type[AnyJob], job: AnyJob, work: Callable[[JobContext[AnyJob]], None]) -> None:
    """Do a job here and now; DemoError unless it succeeds."""
    run_job(model, job.pk, work)
    job.refresh_from_db()
    if job.state != JobState.SUCCEEDED:
        raise DemoError(f"{model.__name__} {job.pk} {job.state}: {job.error}")


def _sample_pairs(
    project: Project, model: ModelVersion, batch: str, prompts: int, *, seed: int
) -> int:
    """Sample answers to fresh training prompts and store the pairs that differ; how many."""
    requests = list(_distinct(training_requests(random.Random(seed)), prompts))
    asked = [request for request in requests for _ in range(SAMPLES_PER_PROMPT)]
    with _open(model) as engine:
        answers = generate(engine, asked, seed=seed)
    pairs = [
        NewPair(
            prompt=[{"role": "user", "content": request.text}],
            a=_answer(answers[2 * i], model),
            b=_answer(answers[2 * i + 1], model),
            source="sandbox world",
            domain=request.topic,
            language="en",
        )
        for i, request in enumerate(requests)
        if answers[2 * i].text != answers[2 * i + 1].text
    ]
    stored = write_pairs(project=project, pairs=pairs, origin=Pair.Origin.ROUND, batch=batch)
    return sum(one.is_new for one in stored)


def _distinct(requests: Iterator[ToyRequest], count: int) -> Iterator[ToyRequest]:
    seen: set[str] = set()
    while len(seen) < count:
        request = next(requests)
        if request.text not in seen:
            seen.add(request.text)
            yield request


def _answer(generation: Generation, model: ModelVersion) -> Answer:
    return Answer(
        text=generation.text,
        model=model,
        sampling={"temperature": SAMPLING.temperature, "max_tokens": SAMPLING.max_tokens},
        token_count=generation.completion_tokens,
        finish_reason=generation.finish_reason,
    )


def generate(engine: Engine, requests: Sequence[ToyRequest], *, seed: int) -> list[Generation]:
    """One answer per request, each sampled from a seed of its own."""
    return engine.generate(
        [
            Request(answer_messages(request.text), seed=(seed << 20) + number)
            for number, request in enumerate(requests)
        ],
        SAMPLING,
    )


def share_satisfying(engine: Engine, *, seed: int) -> float:
    """The share of answers to fresh prompts that satisfy the principle, by the ground truth."""
    requests = list(islice(held_out_requests(random.Random(seed)), FRESH_PROMPTS))
    answers = generate(engine, requests, seed=seed)
    kept = [
        satisfies(PRINCIPLE, request.text, answer.text)
        for request, answer in zip(requests, answers, strict=True)
    ]
    return sum(kept) / len(kept)


def _train(
    project: Project,
    dataset: DatasetVersion,
    start: ModelVersion,
    policy: ModelVersion,
    seed: int,
) -> TrainingRun:
    run = launch_training(
        project=project,
        dataset=dataset,
        base_model=policy,
        reference_model=start if policy != start else None,
        parameters={**TRAINING, "seed": seed},
        start=False,
    )
    _do(TrainingRun, run, train)
    return run
