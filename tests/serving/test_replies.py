"""The reply cache: what is identical is not asked again, and nothing else is taken for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest
from django.utils import timezone

from corpus.models import ModelVersion
from inference.engine import Answer, Choice, Message, Request, Sampling
from inference.scripted import ScriptedEngine, hash_chooser, hash_reply
from serving.asking import ask_choices, ask_generations
from serving.models import CachedReply
from serving.replies import reply_key, trim_replies, weights_key
from tests.builders import make_project
from tests.inference.conversations import ask

pytestmark = pytest.mark.django_db

OPTIONS = ("A", "B")
SEEDED = Sampling(max_tokens=6)
GREEDY = Sampling(max_tokens=6, temperature=0)


@pytest.fixture
def model() -> ModelVersion:
    return ModelVersion.objects.create(
        project=make_project(), name="m", kind="full", location="m", weights_sha256="a" * 64
    )


class Counting(ScriptedEngine):
    """Counts what reaches it."""

    def __init__(self) -> None:
        super().__init__(reply=hash_reply, chooser=self._count)
        self.chosen = 0

    def _count(self, request: Request, options: Sequence[str]) -> list[float]:
        self.chosen += 1
        return hash_chooser(request, options)


def choices(
    engine: ScriptedEngine, model: ModelVersion, requests: list[Request]
) -> list[tuple[Answer[Choice], bool]]:
    got: list[tuple[Answer[Choice], bool]] = []
    ask_choices(engine, model, iter(requests), OPTIONS, lambda *one: got.append(one))
    assert sorted(answer.index for answer, _ in got) == list(range(len(requests)))
    return sorted(got, key=lambda one: one[0].index)


def test_the_second_time_nothing_is_asked_and_the_answers_are_the_same(
    model: ModelVersion,
) -> None:
    engine = Counting()
    requests = [ask(f"Question {number}") for number in range(20)]
    first = choices(engine, model, requests)
    again = choices(engine, model, requests)

    assert engine.chosen == 20
    assert [cached for _, cached in first] == [False] * 20
    assert [cached for _, cached in again] == [True] * 20
    assert [one.result for one, _ in first] == [one.result for one, _ in again]


def test_only_what_is_new_is_asked(model: ModelVersion) -> None:
    engine = Counting()
    choices(engine, model, [ask(f"Question {number}") for number in range(0, 20, 2)])
    got = choices(engine, model, [ask(f"Question {number}") for number in range(20)])

    assert engine.chosen == 20
    assert [cached for _, cached in got] == [True, False] * 10
    expected = ScriptedEngine(chooser=hash_chooser).choose(
        [ask(f"Question {number}") for number in range(20)], OPTIONS
    )
    assert [answer.result for answer, _ in got] == expected


def test_seeded_and_greedy_answers_are_kept_and_unseeded_ones_never(model: ModelVersion) -> None:
    engine = ScriptedEngine(reply=hash_reply)
    for sampling, seed, kept in ((SEEDED, 7, True), (GREEDY, None, True), (SEEDED, None, False)):
        seen: list[bool] = []
        for _ in range(2):
            ask_generations(
                engine,
                model,
                [ask("Say it", seed=seed)],
                sampling,
                lambda _answer, cached, seen=seen: seen.append(cached),  # type: ignore[misc]
            )
        assert seen == [False, kept]


def test_a_model_whose_weights_have_no_name_is_always_asked(model: ModelVersion) -> None:
    for nameless in (
        ModelVersion(kind="api", location="gpt", name="gpt"),
        ModelVersion(kind="adapter", weights_sha256="b" * 64),
        ModelVersion(kind="base", location="org/model"),
    ):
        assert weights_key(nameless) is None
    assert weights_key(ModelVersion(kind="base", location="org/model", revision="c0ffee"))
    adapter = ModelVersion(kind="adapter", weights_sha256="b" * 64, parent=model)
    assert weights_key(adapter) not in (None, weights_key(model))


def test_anything_that_could_change_the_answer_changes_its_name() -> None:
    request = Request((Message("system", "Be kind."), Message("user", "A or B?")), seed=1)
    base = {"sampling": SEEDED, "options": ()}
    names = {
        reply_key("w", "vllm", request, **base),  # type: ignore[arg-type]
        reply_key("v", "vllm", request, **base),  # type: ignore[arg-type]
        reply_key("w", "transformers", request, **base),  # type: ignore[arg-type]
        reply_key("w", "vllm", replace(request, seed=2), **base),  # type: ignore[arg-type]
        reply_key("w", "vllm", Request(request.messages[1:], seed=1), **base),  # type: ignore[arg-type]
        reply_key("w", "vllm", request, sampling=replace(SEEDED, top_p=0.9), options=()),
        reply_key("w", "vllm", request, sampling=replace(SEEDED, stop=("x",)), options=()),
        reply_key("w", "vllm", request, sampling=None, options=OPTIONS),
        reply_key("w", "vllm", request, sampling=None, options=OPTIONS[::-1]),
    }
    assert len(names) == 9
    assert None not in names


def test_a_seed_that_draws_nothing_is_no_part_of_the_name() -> None:
    for sampling, options in ((None, OPTIONS), (GREEDY, ())):
        one = reply_key("w", "vllm", ask("x", seed=1), sampling=sampling, options=options)
        other = reply_key("w", "vllm", ask("x", seed=2), sampling=sampling, options=options)
        assert one == other


def test_failures_are_not_kept(model: ModelVersion) -> None:
    engine = ScriptedEngine(chooser=lambda _request, _options: (0.0, 0.0))
    [(answer, _)] = choices(engine, model, [ask("x")])
    assert answer.error is not None
    assert not CachedReply.objects.exists()


def test_the_cache_keeps_to_its_bound_and_forgets_what_was_unused_for_longest(
    model: ModelVersion,
) -> None:
    engine = Counting()
    requests = [ask(f"Question {number}") for number in range(30)]
    choices(engine, model, requests)
    long_ago = timezone.now() - dt.timedelta(days=1)
    CachedReply.objects.update(used_at=long_ago)
    choices(engine, model, requests[:10])
    size = CachedReply.objects.values_list("size_bytes", flat=True)[0]

    assert trim_replies(limit_bytes=11 * size) >= 19
    assert sum(CachedReply.objects.values_list("size_bytes", flat=True)) <= 11 * size
    assert engine.chosen == 30
    choices(engine, model, requests[:10])
    assert engine.chosen == 30
    assert trim_replies(limit_bytes=0) > 0
    assert not CachedReply.objects.exists()
