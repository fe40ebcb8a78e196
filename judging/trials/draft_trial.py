"""Try it: one prompt under the text of a constitution as it stands, step by step to be looked at.

An answer, its critique and revision by each principle, and a verdict between the two: as a
critique–revise run and a judge would ask, with the probabilities.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from constitution.models import ConstitutionVersion
from constitution.revision.prompts import CritiqueTemplate, Requests, initial_messages, shots_of
from constitution.revision.prompts import default_template as default_critique_template
from constitution.revision.prompts import template_named as critique_template_named
from constitution.services import fields_of
from constitution.verifiers import read_verifier
from corpus.models import ModelVersion
from inference.engine import Answer, Choice, Engine, Generation, Message, Request, Sampling
from jobs.runner import JobContext
from jobs.services import assert_lease, enqueue
from judging.asking.arithmetic import p_first_from_shown
from judging.asking.prompts import OPTIONS, default_template, template_named
from judging.errors import NothingToTryError
from judging.models import DraftTrial
from serving.accounts import Meter
from serving.engines import model_for_job
from serving.models import Usage
from serving.playground import PATIENCE

MOST_PRINCIPLES = 8
MAX_TOKENS = 512


@transaction.atomic
def launch_draft_trial(
    *,
    version: ConstitutionVersion,
    model: ModelVersion,
    prompt: str,
    answer: str = "",
    principle: str = "",
    engine: str = "transformers",
    temperature: float = 1.0,
    seed: int | None = None,
    created_by: User | None = None,
    start: bool = True,
) -> DraftTrial:
    """Have a worker try a prompt on a version's text as it is now.

    Args:
        answer: what is criticised; the model writes it when empty.
        principle: the name of the one to try; empty for the first MOST_PRINCIPLES that can be.
        seed: of all that is sampled; a fresh one when None.

    NothingToTryError when no principle can be tried.
    """
    texts = [fields_of(one) for one in version.principles.order_by("position")]
    chosen = [one for one in texts if (not principle or one["name"] == principle) and _says(one)]
    if not chosen:
        what = f"principle {principle!r} that" if principle else "principle that"
        raise NothingToTryError(
            f"{version} has no {what} has a comparison, a critique and revision request, or a "
            f"verifier."
        )
    trial = DraftTrial.objects.create(
        project=version.constitution.project,
        version=version,
        model_version=model,
        engine=engine,
        prompt=prompt,
        answer=answer,
        principles=chosen[:MOST_PRINCIPLES],
        few_shots=version.few_shots,
        temperature=temperature,
        seed=random.SystemRandom().randrange(2**31) if seed is None else seed,
        created_by=created_by,
    )
    if start:
        enqueue(trial)
    return trial


def _says(text: dict[str, Any]) -> bool:
    revises = text["critique_request"] and text["revision_request"]
    return bool(text["comparison"] or revises or text["verifier"])


def try_draft(context: JobContext[DraftTrial]) -> None:
    """The work of a DraftTrial."""
    trial = context.job
    patience = PATIENCE if trial.engine == "server" else {}
    with model_for_job(trial.engine, trial.model_version, **patience) as engine:
        try_draft_with(context, engine)


def try_draft_with(context: JobContext[DraftTrial], engine: Engine) -> None:
    """Try with an engine that is open already. What is found is stored as it is found.

    Never from the reply cache: what is seen is what the model does now.
    """
    _Trying(context, engine).run()


class _Trying:
    def __init__(self, context: JobContext[DraftTrial], engine: Engine) -> None:
        trial = context.job
        model = trial.model_version
        self._context = context
        self._trial = trial
        self._engine = engine
        self._meter = Meter(
            trial.project, model, trial.engine, Usage.Purpose.PLAYGROUND, run_id=None
        )
        self._conversation = [{"role": "user", "content": trial.prompt}]
        limit = model.context_tokens or 4 * MAX_TOKENS
        self._sampling = Sampling(
            max_tokens=min(MAX_TOKENS, max(1, limit // 4)), temperature=trial.temperature
        )
        self._critique: CritiqueTemplate = critique_template_named(
            default_critique_template(model.sandbox)
        )
        self._judge = template_named(default_template(model.sandbox))
        self._result: dict[str, Any] = {"answer": trial.answer, "steps": []}

    def run(self) -> None:
        total = len(self._trial.principles) + 1
        if not self._trial.answer:
            generation = self._say(initial_messages(self._conversation))
            self._result["answer"] = generation.text
        self._store(1, total)
        for number, text in enumerate(self._trial.principles, start=2):
            self._context.checkpoint()
            self._result["steps"].append(self._step(text))
            self._store(number, total)

    def _step(self, text: dict[str, Any]) -> dict[str, Any]:
        step: dict[str, Any] = {"principle": text["name"], "critique": None, "revision": None}
        answer = self._result["answer"]
        if text["critique_request"] and text["revision_request"]:
            asked = Requests(
                text["critique_request"],
                text["revision_request"],
                shots_of(
                    self._trial.few_shots,
                    text["examples"],
                    text["critique_request"],
                    text["revision_request"],
                ),
            )
            critique = self._say(self._critique.critique(asked, self._conversation, answer)).text
            step["critique"] = critique
            step["nothing_found"] = self._critique.finds_nothing(critique)
            if not step["nothing_found"]:
                step["revision"] = self._say(
                    self._critique.revise(asked, self._conversation, answer, critique)
                ).text
        if text["comparison"] and step["revision"] and step["revision"] != answer:
            step["verdict"] = self._verdict(text["comparison"], step["revision"], answer)
        if text["verifier"]:
            step["verifier"] = [
                {"of": name, **read_verifier(text["verifier"]).check(said)._asdict()}
                for name, said in (("answer", answer), ("revision", step["revision"]))
                if said
            ]
        return step

    def _verdict(self, comparison: str, revision: str, answer: str) -> dict[str, Any]:
        """The probability of the revision in each order, their mean, and the options' mass."""
        requests = [
            Request(self._judge(comparison, self._conversation, *shown))
            for shown in ((revision, answer), (answer, revision))
        ]
        asked = time.monotonic()
        choices: list[Choice] = self._engine.choose(requests, OPTIONS)
        took = 1000 * (time.monotonic() - asked) / len(requests)
        for choice in choices:
            self._meter.add(Answer(0, choice, None, took))
        shown_first = p_first_from_shown(choices[0].probabilities[0], "ab")
        shown_second = p_first_from_shown(choices[1].probabilities[0], "ba")
        return {
            "p_revision": (shown_first + shown_second) / 2,
            "shown_first": shown_first,
            "shown_second": shown_second,
            "mass": [choice.mass for choice in choices],
        }

    def _say(self, messages: Sequence[Message]) -> Generation:
        asked = time.monotonic()
        request = Request(tuple(messages), seed=self._trial.seed)
        [generation] = self._engine.generate([request], self._sampling)
        self._meter.add(Answer(0, generation, None, 1000 * (time.monotonic() - asked)))
        return generation

    def _store(self, done: int, total: int) -> None:
        with transaction.atomic():
            assert_lease(self._trial)
            DraftTrial.objects.filter(pk=self._trial.pk).update(result=self._result)
            self._meter.record()
        self._context.report(done, total)
