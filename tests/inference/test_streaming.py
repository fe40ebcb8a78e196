"""Answers one by one from an engine that answers in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from inference.engine import Message, Request, Sampling
from inference.errors import BadRequestError, EngineUnavailableError
from inference.scripted import ScriptedEngine, flaky, hash_chooser, hash_reply, open_scripted
from inference.streaming import stream_choose, stream_generate
from tests.inference.conversations import ask

OPTIONS = ("A", "B")


def test_every_request_gets_one_answer_by_its_index() -> None:
    engine = ScriptedEngine(reply=hash_reply, chooser=hash_chooser)
    engine.batch_requests = 3
    requests = [ask(f"Question {number}") for number in range(10)]
    answers = list(stream_choose(engine, iter(requests), OPTIONS))
    assert [answer.index for answer in answers] == list(range(10))
    assert [answer.result for answer in answers] == engine.choose(requests, OPTIONS)
    told = list(stream_generate(engine, iter(requests), Sampling(max_tokens=4)))
    assert [one.result for one in told] == engine.generate(requests, Sampling(max_tokens=4))


def test_a_request_that_is_refused_spoils_no_other() -> None:
    def chooser(request: Request, options: Sequence[str]) -> list[float]:
        return [0.0, 0.0] if request.messages[0].content == "poison" else [1.0, 3.0]

    engine = ScriptedEngine(chooser=chooser)
    words = ["fine", "fine", "poison", "fine", "poison"]
    answers = list(stream_choose(engine, [ask(word) for word in words], OPTIONS))
    assert [answer.error is not None for answer in answers] == [w == "poison" for w in words]
    assert all(isinstance(a.error, BadRequestError) for a in answers if a.error)
    assert all(a.result.probabilities == (0.25, 0.75) for a in answers if a.result)


def test_an_engine_that_is_away_ends_the_stream() -> None:
    engine = flaky(open_scripted("hash"), 2)
    with pytest.raises(EngineUnavailableError):
        list(stream_choose(engine, [ask("A or B?")], OPTIONS))


def test_settings_that_fit_no_request_are_refused_before_the_first() -> None:
    with pytest.raises(BadRequestError, match="max_tokens"):
        stream_generate(open_scripted("hash"), [ask("x")], Sampling(max_tokens=0))
    with pytest.raises(BadRequestError, match="option"):
        stream_choose(open_scripted("hash"), [ask("x")], ("A",))


def test_requests_are_read_a_batch_at_a_time() -> None:
    engine = ScriptedEngine(chooser=hash_chooser)
    engine.batch_requests = 4
    read = 0

    def source() -> Iterator[Request]:
        nonlocal read
        for number in range(20):
            read += 1
            yield Request((Message("user", str(number)),))

    stream = stream_choose(engine, source(), OPTIONS)
    next(stream)
    assert read == 4


def test_what_the_waiting_callback_raises_ends_the_stream() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(stream_choose(open_scripted("hash"), [ask("x")], OPTIONS, on_wait=stop))
