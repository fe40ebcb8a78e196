"""What every engine promises, run against each of them.

A new engine adds a row to `OPENERS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any, Literal

import pytest

from inference import registry
from inference.engine import Choice, Engine, Generation, Message, Request, Sampling
from inference.errors import BadRequestError
from inference.registry import open_engine
from inference.sandbox import MODEL_PATH
from inference.streaming import stream_choose, stream_generate
from tests.inference.conversations import ask, eight_questions, seeded_questions
from tests.inference.vllm_server import SandboxServer, needs_vllm

Opener = Callable[[Path, pytest.FixtureRequest], Engine]


def served(
    wire: Literal["tokens", "chat"],
    **options: Any,
) -> Opener:
    """The sandbox model behind a real vLLM server."""

    def opened(_folder: Path, request: pytest.FixtureRequest) -> Engine:
        server: SandboxServer = request.getfixturevalue("sandbox_server")
        return open_engine("server", str(MODEL_PATH), servers=[server.url], wire=wire, **options)

    return opened


OPENERS: dict[str, Opener] = {
    "transformers": lambda folder, _: open_engine("transformers", str(folder), batch_size=8),
    # Three does not divide eight: the last batch is a short one.
    "transformers in threes": lambda folder, _: open_engine(
        "transformers", str(folder), batch_size=3
    ),
    "scripted": lambda _folder, _: open_engine("scripted", "hash"),
    "scripted, after its failures": lambda _folder, _: open_engine("scripted", "flaky:0:hash"),
    "server": served("tokens"),
    "server, in threes": served("tokens", bundle=3, in_flight=4),
    "server, by chat": served("chat"),
    "vllm": lambda _folder, _: open_engine(
        "vllm", str(MODEL_PATH), dtype="float32", enforce_eager=True
    ),
}
NEED_VLLM = [pytest.mark.vllm, pytest.mark.slow, needs_vllm]
ROWS = [
    pytest.param(name, marks=NEED_VLLM if name.startswith(("server", "vllm")) else [])
    for name in OPENERS
]

GREEDY = Sampling(max_tokens=12, temperature=0)
SAMPLED = Sampling(max_tokens=12, temperature=0.9, top_p=0.95)
OPTIONS = ("A", "B", "neither one")


@pytest.fixture(scope="module", params=ROWS)
def engine(request: pytest.FixtureRequest, tiny_model: Path) -> Iterator[Engine]:
    with OPENERS[request.param](tiny_model, request) as opened:
        yield opened
    # Closing twice is fine; here, because opening some of them takes a minute.
    opened.close()


def test_it_is_an_engine_and_says_which(engine: Engine) -> None:
    assert isinstance(engine, Engine)
    assert engine.name in registry.ENGINES
    assert engine.model
    assert engine.batch_requests > 0


def test_no_requests_give_no_results(engine: Engine) -> None:
    assert engine.generate([], GREEDY) == []
    assert engine.choose([], OPTIONS) == []


def test_results_keep_length_and_order(engine: Engine) -> None:
    requests = seeded_questions()
    forwards = engine.generate(requests, SAMPLED)
    backwards = engine.generate(requests[::-1], SAMPLED)
    assert len(forwards) == 8
    assert [one.text for one in forwards] == [one.text for one in backwards[::-1]]
    assert len({one.text for one in forwards}) > 1
    chosen = engine.choose(requests, OPTIONS)
    assert len(chosen) == 8
    assert_same_choices(chosen, engine.choose(requests[::-1], OPTIONS)[::-1])
    assert len({one.probabilities for one in chosen}) > 1


@pytest.mark.parametrize(
    ("requests", "sampling"),
    [
        pytest.param(eight_questions(), GREEDY, id="greedy"),
        pytest.param(seeded_questions(), SAMPLED, id="seeded"),
        pytest.param(
            seeded_questions(), Sampling(max_tokens=12, stop=("e", "\n")), id="stop strings"
        ),
    ],
)
def test_a_batch_of_eight_equals_eight_batches_of_one(
    engine: Engine, requests: list[Request], sampling: Sampling
) -> None:
    together = engine.generate(requests, sampling)
    alone = [engine.generate([request], sampling)[0] for request in requests]
    assert_same_generations(together, alone)


def test_choosing_for_eight_equals_choosing_for_each(engine: Engine) -> None:
    together = engine.choose(eight_questions(), OPTIONS)
    alone = [engine.choose([request], OPTIONS)[0] for request in eight_questions()]
    assert_same_choices(together, alone)


def test_the_same_seeds_give_the_same_answers(engine: Engine) -> None:
    first = engine.generate(seeded_questions(), SAMPLED)
    assert_same_generations(first, engine.generate(seeded_questions(), SAMPLED))


def test_other_seeds_give_other_answers(engine: Engine) -> None:
    answers = engine.generate([ask("A or B?", seed=seed) for seed in range(6)], SAMPLED)
    assert len({one.text for one in answers}) > 1


def test_answers_keep_to_their_limits(engine: Engine) -> None:
    for one in engine.generate(seeded_questions(), Sampling(max_tokens=3)):
        assert 0 < one.completion_tokens <= 3
        assert one.prompt_tokens > 0
        assert one.logprob_sum <= 0
        assert one.completion_tokens == 3 or one.finish_reason == "stop"


def test_a_stop_string_ends_the_answer_before_it(engine: Engine) -> None:
    [whole] = engine.generate([ask("A or B?", seed=1)], SAMPLED)
    stop = whole.text[2:4]
    assert len(stop) == 2
    sampling = Sampling(max_tokens=12, temperature=0.9, top_p=0.95, stop=(stop, "never said"))
    [cut] = engine.generate([ask("A or B?", seed=1)], sampling)
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish_reason == "stop"
    assert cut.completion_tokens <= whole.completion_tokens


def test_a_stop_string_in_the_prompt_ends_nothing(engine: Engine) -> None:
    sampling = Sampling(max_tokens=12, temperature=0.9, top_p=0.95, stop=("A or B?",))
    whole = engine.generate([ask("A or B?", seed=1)], SAMPLED)
    assert "A or B?" not in whole[0].text
    assert_same_generations(engine.generate([ask("A or B?", seed=1)], sampling), whole)


def test_probabilities_are_those_of_the_options_in_order(engine: Engine) -> None:
    by_option = [
        dict(zip(OPTIONS, one.probabilities, strict=True))
        for one in engine.choose(eight_questions(), OPTIONS)
    ]
    for permuted in permutations(OPTIONS):
        for one, expected in zip(
            engine.choose(eight_questions(), permuted), by_option, strict=True
        ):
            assert one.probabilities == pytest.approx([expected[o] for o in permuted], abs=1e-5)
            assert math.fsum(one.probabilities) == pytest.approx(1, abs=1e-9)
            assert all(0 <= p <= 1 for p in one.probabilities)
            assert one.mass is None or 0 < one.mass <= 1
            assert one.prompt_tokens > 0


@pytest.mark.parametrize(
    "options",
    [(), ("A",), ("A", "B", "A"), ("A", " A"), ("A", ""), ("A", " ")],
    ids=repr,
)
def test_options_that_leave_no_choice_are_refused(engine: Engine, options: tuple[str, ...]) -> None:
    with pytest.raises(BadRequestError, match="option"):
        engine.choose([ask("A or B?")], options)


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (Request(messages=()), "request 1 has no messages"),
        (Request(messages=(Message("judge", "A"),)), "request 1 has the role 'judge'"),
        (ask("A or B?", seed=-1), "request 1 has the seed -1"),
        (ask("A or B?", seed=2**63), "request 1 has the seed"),
    ],
)
def test_a_bad_request_is_named_by_its_index(engine: Engine, bad: Request, complaint: str) -> None:
    with pytest.raises(BadRequestError, match=complaint):
        engine.generate([ask("fine"), bad], GREEDY)
    with pytest.raises(BadRequestError, match=complaint):
        engine.choose([ask("fine"), bad], OPTIONS)


@pytest.mark.parametrize(
    ("sampling", "complaint"),
    [
        (Sampling(max_tokens=0), "max_tokens is 0"),
        (Sampling(temperature=-1), "temperature is -1"),
        (Sampling(temperature=0.001), "temperature is 0.001"),
        (Sampling(temperature=math.nan), "temperature is nan"),
        (Sampling(temperature=math.inf), "temperature is inf"),
        (Sampling(top_p=0), "top_p is 0"),
        (Sampling(top_p=1.1), "top_p is 1.1"),
        (Sampling(stop=("\n", "")), "stop string is empty"),
    ],
)
def test_sampling_out_of_range_is_refused(
    engine: Engine, sampling: Sampling, complaint: str
) -> None:
    with pytest.raises(BadRequestError, match=complaint):
        engine.generate([ask("A or B?")], sampling)


def test_a_stream_answers_each_request_once(engine: Engine) -> None:
    chosen = list(stream_choose(engine, iter(eight_questions()), OPTIONS))
    assert sorted(answer.index for answer in chosen) == list(range(8))
    by_index = sorted(chosen, key=lambda answer: answer.index)
    results = [answer.result for answer in by_index if answer.result is not None]
    assert_same_choices(results, engine.choose(eight_questions(), OPTIONS))
    told = sorted(
        stream_generate(engine, iter(seeded_questions()), SAMPLED), key=lambda one: one.index
    )
    answers = [answer.result for answer in told if answer.result is not None]
    assert_same_generations(answers, engine.generate(seeded_questions(), SAMPLED))


def assert_same_generations(some: list[Generation], others: list[Generation]) -> None:
    for one, other in zip(some, others, strict=True):
        assert one.text == other.text
        assert one.finish_reason == other.finish_reason
        assert one.completion_tokens == other.completion_tokens
        assert one.prompt_tokens == other.prompt_tokens
        assert one.logprob_sum == pytest.approx(other.logprob_sum, abs=1e-4)


def assert_same_choices(some: list[Choice], others: list[Choice]) -> None:
    for one, other in zip(some, others, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        assert one.mass == pytest.approx(other.mass, abs=1e-5)
        assert one.prompt_tokens == other.prompt_tokens
