"""How questions are answered: by a model at once, by a model that reasons first, by programs, or
by the labels of other judges. Each answers every question exactly once, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from annotation.models import Choice as Chosen
from annotation.models import Label, Rater
from constitution.errors import BadVerifierError
from constitution.verifiers import read_verifier, refusal_in
from corpus.models import ModelVersion
from figures.words import percent
from inference.engine import Answer, Choice, Engine, Generation, Message, OnWait, Request, Sampling
from judging.asking.prompts import OPTIONS, VERDICT_QUESTION
from judging.asking.questions import Plan, Question
from judging.models import JuryMember, Verdict
from serving.accounts import Meter
from serving.asking import ask_choices, ask_generations

CHUNK = 256
"""So many reasonings are written before their letters are asked for."""

WORTH = {Chosen.FIRST.value: 1.0, Chosen.SECOND.value: 0.0}

Status = Verdict.Status


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one question. `p_shown_first` in [0, 1] is of the completion shown first; None
    where there is none, for the `reason`."""

    p_shown_first: float | None
    status: Verdict.Status = Status.OK
    reason: str = ""
    mass: float | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    milliseconds: float | None = None


Deliver = Callable[[Question, Reply], None]


class Asker(Protocol):
    def ask(
        self, questions: Iterable[Question], deliver: Deliver, *, on_wait: OnWait | None = None
    ) -> None:
        """Hand one reply a question to `deliver`; questions are read a bounded number ahead.

        Raises InferenceError for what concerns all of them.
        """


class DirectAsker:
    """Reads the probabilities of A and B from the model."""

    def __init__(self, engine: Engine, model: ModelVersion, plan: Plan, meter: Meter) -> None:
        self._engine = engine
        self._model = model
        self._plan = plan
        self._meter = meter

    def ask(
        self, questions: Iterable[Question], deliver: Deliver, *, on_wait: OnWait | None = None
    ) -> None:
        asked: dict[int, Question] = {}

        def take(answer: Answer[Choice], cached: bool) -> None:
            self._meter.add(answer, cached=cached)
            deliver(asked.pop(answer.index), _read(answer, self._plan.settings.least_mass))

        ask_choices(
            self._engine,
            self._model,
            _requests(self._plan, questions, asked, deliver),
            OPTIONS,
            take,
            on_wait=on_wait,
        )


class ReasonedAsker:
    """Has the model write its reasoning, then reads the probabilities of A and B after it."""

    def __init__(self, engine: Engine, model: ModelVersion, plan: Plan, meter: Meter) -> None:
        self._engine = engine
        self._model = model
        self._plan = plan
        self._meter = meter
        settings = plan.settings
        self._sampling = Sampling(max_tokens=settings.max_tokens, temperature=settings.temperature)

    def ask(
        self, questions: Iterable[Question], deliver: Deliver, *, on_wait: OnWait | None = None
    ) -> None:
        source = iter(questions)
        while chunk := list(islice(source, CHUNK)):
            reasoned = self._reason(chunk, deliver, on_wait)
            self._decide(reasoned, deliver, on_wait)

    def _reason(
        self, chunk: Sequence[Question], deliver: Deliver, on_wait: OnWait | None
    ) -> list[tuple[Question, Request, Generation]]:
        asked: dict[int, Question] = {}
        requests: dict[int, Request] = {}
        found: list[tuple[Question, Request, Generation]] = []

        def remembered() -> Iterator[Request]:
            for number, request in enumerate(_requests(self._plan, chunk, asked, deliver)):
                requests[number] = request
                yield request

        def take(answer: Answer[Generation], cached: bool) -> None:
            self._meter.add(answer, cached=cached)
            question, request = asked.pop(answer.index), requests.pop(answer.index)
            if answer.result is None:
                deliver(question, _failed(answer))
            elif fault := _unreadable(answer.result, self._sampling.max_tokens):
                status, reason = fault
                raw = {"reasoning": answer.result.text}
                deliver(
                    question,
                    Reply(
                        None,
                        status,
                        reason,
                        raw=raw,
                        prompt_tokens=answer.result.prompt_tokens,
                        completion_tokens=answer.result.completion_tokens,
                        milliseconds=answer.milliseconds,
                    ),
                )
            else:
                found.append((question, request, answer.result))

        ask_generations(
            self._engine, self._model, remembered(), self._sampling, take, on_wait=on_wait
        )
        return found

    def _decide(
        self,
        reasoned: Sequence[tuple[Question, Request, Generation]],
        deliver: Deliver,
        on_wait: OnWait | None,
    ) -> None:
        def requests() -> Iterator[Request]:
            for _, request, reasoning in reasoned:
                turns = (
                    *request.messages,
                    Message("assistant", reasoning.text),
                    Message("user", VERDICT_QUESTION),
                )
                yield Request(messages=turns, seed=request.seed)

        def take(answer: Answer[Choice], cached: bool) -> None:
            self._meter.add(answer, cached=cached)
            question, _, reasoning = reasoned[answer.index]
            read = _read(answer, self._plan.settings.least_mass)
            deliver(
                question,
                Reply(
                    read.p_shown_first,
                    read.status,
                    read.reason,
                    read.mass,
                    {"reasoning": reasoning.text, **read.raw},
                    reasoning.prompt_tokens + read.prompt_tokens,
                    reasoning.completion_tokens,
                    read.milliseconds,
                ),
            )

        ask_choices(self._engine, self._model, requests(), OPTIONS, take, on_wait=on_wait)


class VerifierAsker:
    """Asks the principle's own program about both completions: who alone keeps the rule wins."""

    def ask(
        self, questions: Iterable[Question], deliver: Deliver, *, on_wait: OnWait | None = None
    ) -> None:
        for number, question in enumerate(questions):
            if on_wait is not None and number % CHUNK == 0:
                on_wait()
            deliver(question, _verified(question))


class JuryAsker:
    """Reads the labels of a jury's members."""

    def __init__(self, members: Sequence[JuryMember]) -> None:
        self._members = members

    def ask(
        self, questions: Iterable[Question], deliver: Deliver, *, on_wait: OnWait | None = None
    ) -> None:
        source = iter(questions)
        while chunk := list(islice(source, CHUNK)):
            if on_wait is not None:
                on_wait()
            raters = [member.judge.rater_id for member in self._members]
            pairs = {question.pair.pk for question in chunk}
            labels = {
                (label.rater_id, label.pair_id): label
                for label in Label.objects.effective()
                .filter(rater__in=raters, pair__in=pairs)
                .exclude(rater__status=Rater.Status.SUSPENDED)
                .order_by("pk")
            }
            for question in chunk:
                member = self._members[question.sample]
                label = labels.get((member.judge.rater_id, question.pair.pk))
                deliver(question, _vote_of(member, label))


def _requests(
    plan: Plan, questions: Iterable[Question], asked: dict[int, Question], deliver: Deliver
) -> Iterator[Request]:
    """The questions' requests, numbered into `asked`; what cannot be asked fails at once."""
    number = 0
    for question in questions:
        try:
            request = plan.request(question)
        except ValueError as error:
            deliver(question, Reply(None, Status.FAILED, str(error)))
            continue
        asked[number] = question
        number += 1
        yield request


def _read(answer: Answer[Choice], least_mass: float) -> Reply:
    if answer.result is None:
        return _failed(answer)
    found = answer.result
    raw = dict(zip(OPTIONS, found.probabilities, strict=True))
    status, reason, p = Status.OK, "", found.probabilities[0]
    readable = True
    if found.mass is not None and found.mass < least_mass:
        readable = False
        status = Status.UNPARSED
        reason = (
            f"A and B together got {percent(found.mass, 2)} of the model's probability, less "
            f"than the minimum of {percent(least_mass, 2)}"
        )
    return Reply(
        p if readable else None,
        status,
        reason,
        found.mass,
        raw,
        found.prompt_tokens,
        milliseconds=answer.milliseconds,
    )


def _failed(answer: Answer[Choice] | Answer[Generation]) -> Reply:
    return Reply(None, Status.FAILED, str(answer.error), milliseconds=answer.milliseconds)


def _unreadable(found: Generation, limit: int) -> tuple[Verdict.Status, str] | None:
    if not found.text.strip():
        return Status.UNPARSED, "the reasoning is empty"
    if phrase := refusal_in(found.text):
        return Status.REFUSED, f"the reasoning starts with a refusal: {phrase!r}"
    if found.finish_reason == "length":
        return Status.UNPARSED, f"the reasoning did not end within {limit} tokens"
    return None


def _verified(question: Question) -> Reply:
    principle = question.principle
    if principle is None:
        return Reply(None, Status.FAILED, "no principle to verify")
    try:
        verifier = read_verifier(principle.verifier)
    except BadVerifierError as error:
        return Reply(None, Status.FAILED, f"the verifier of {principle.name!r}: {error}")
    first, second = (verifier.check(text) for text in question.shown)
    raw = {"A": first.value, "B": second.value, "reasons": [first.reason, second.reason]}
    if first.value is None or second.value is None:
        reason = first.reason if first.value is None else second.reason
        return Reply(None, Status.UNPARSED, reason, raw=raw)
    return Reply(0.5 + (first.value - second.value) / 2, raw=raw)


def _vote_of(member: JuryMember, label: Label | None) -> Reply:
    name = member.judge.rater.name
    if label is None:
        reason = f"{name} has no label on this pair, or is suspended"
        return Reply(None, Status.UNPARSED, reason[:500], raw={"member": name})
    p = WORTH.get(label.choice, 0.5) if label.p_first is None else label.p_first
    return Reply(p, raw={"member": name, "label": label.pk})
