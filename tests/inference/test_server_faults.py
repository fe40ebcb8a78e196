"""What a server can do wrong, and what becomes of the requests: each is accounted for once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from inference.engine import Answer, Choice, Engine, Request, Sampling
from inference.errors import (
    AccessRefusedError,
    BadRequestError,
    EngineUnavailableError,
    InferenceError,
    MissingFeatureError,
    ModelLoadError,
    RequestFailedError,
)
from inference.launcher import free_port
from inference.registry import open_engine
from inference.scripted_server import Mischief, Plan, ScriptedServer
from inference.streaming import stream_choose, stream_generate
from tests.inference.conversations import ask

OPTIONS = ("A", "B")
WIRES: tuple[Literal["tokens", "chat"], ...] = ("tokens", "chat")
SAMPLING = Sampling(max_tokens=5)

# Long enough for every retry of these tests, short enough for a failure to be seen.
PATIENCE: dict[str, Any] = {"deadline_seconds": 20.0, "attempt_seconds": 2.0, "start_seconds": 3.0}


def opened(model: Path, *servers: ScriptedServer | str, **options: Any) -> Engine:
    urls = [one if isinstance(one, str) else one.url for one in servers]
    settings = {**PATIENCE, "tokenizer": str(model), "bundle": 4, **options}
    if settings.get("wire") == "chat":
        del settings["tokenizer"]
    return open_engine("server", "scripted", servers=urls, **settings)


def questions(count: int) -> list[Request]:
    return [ask(f"Question {number}: A or B?", seed=number) for number in range(count)]


def once(what: Mischief, *numbers: int) -> Plan:
    """Does it in the calls of these numbers."""
    return lambda number, _payload: what if number in numbers else None


def against(what: Mischief, word: str, wire: str) -> Callable[[Path], Plan]:
    """Does it whenever the prompt is the one question with `word` in it, however often."""

    def plan_for(model: Path) -> Plan:
        from inference.rendering import render_prompts
        from inference.sources import load_tokenizer

        [poison] = render_prompts(load_tokenizer(str(model)), [ask(word)])

        def plan(_number: int, payload: dict[str, Any]) -> Mischief | None:
            if wire == "chat":
                return what if payload["messages"][-1]["content"] == word else None
            # The row after a prefix of an option is the same prompt, and longer.
            return what if any(row[: len(poison)] == poison for row in payload["prompt"]) else None

        return plan

    return plan_for


def accounted(answers: Sequence[Answer[Any]], count: int) -> None:
    assert sorted(answer.index for answer in answers) == list(range(count))
    assert all((answer.result is None) != (answer.error is None) for answer in answers)


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    "what", ["429", "500", "half", "garbage", "list", "no choices", "abort", "hang", "drop"]
)
def test_what_passes_is_tried_again(tiny_model: Path, wire: str, what: Mischief) -> None:
    with ScriptedServer() as calm, opened(tiny_model, calm, wire=wire) as engine:
        expected = engine.generate(questions(6), SAMPLING)
    # At most four of the six: the circuit is not what is tested here.
    with (
        ScriptedServer(plan=once(what, 0, 2, 3)) as server,
        opened(tiny_model, server, wire=wire, attempt_seconds=0.5) as engine,
    ):
        answers = list(stream_generate(engine, questions(6), SAMPLING))
        accounted(answers, 6)
        by_index = sorted(answers, key=lambda answer: answer.index)
        assert [answer.result for answer in by_index] == expected
        assert server.calls >= 7
        assert set(server.answered.values()) == {1}


@pytest.mark.parametrize("what", ["500", "half", "garbage", "no choices", "nan", "drop"])
def test_what_stays_wrong_for_one_request_fails_that_one_alone(
    tiny_model: Path, wire: str, what: Mischief
) -> None:
    plan = against(what, "poison", wire)(tiny_model)
    requests = [*questions(9), ask("poison"), *questions(3)]
    with (
        ScriptedServer(plan=plan) as server,
        # The plan spoils the first answer of a call: each travels alone where that is the fault.
        opened(
            tiny_model, server, wire=wire, attempts=2, bundle=1 if what == "nan" else 4
        ) as engine,
    ):
        answers = list(stream_choose(engine, requests, OPTIONS))
    accounted(answers, 13)
    [failed] = [answer for answer in answers if answer.error is not None]
    assert failed.index == 9
    assert isinstance(failed.error, RequestFailedError)
    assert failed.error.permanent
    assert str(failed.error)


def test_nan_in_an_answer_fails_it_with_the_reason(tiny_model: Path, wire: str) -> None:
    with (
        ScriptedServer(plan=once("nan", 1)) as server,
        opened(tiny_model, server, wire=wire, in_flight=1) as engine,
    ):
        answers = list(stream_generate(engine, questions(3), SAMPLING))
    accounted(answers, 3)
    [failed] = [answer for answer in answers if answer.error is not None]
    assert "nan" in str(failed.error)


def test_being_asked_for_patience_is_no_failure_however_often(tiny_model: Path, wire: str) -> None:
    with (
        ScriptedServer(plan=once("429", *range(12))) as server,
        opened(tiny_model, server, wire=wire, attempts=2) as engine,
    ):
        [answer] = engine.choose(questions(1), OPTIONS)
    assert sum(answer.probabilities) == pytest.approx(1)
    assert server.calls == 13


def test_no_server_at_the_start_is_said_after_the_time_for_it(tiny_model: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    started = time.monotonic()
    with pytest.raises(EngineUnavailableError, match=f"no server responded within 1 s: {nobody}"):
        opened(tiny_model, nobody, start_seconds=1.0)
    assert time.monotonic() - started >= 1


def test_a_server_that_comes_up_late_is_waited_for(tiny_model: Path, wire: str) -> None:
    port = free_port()
    late: list[ScriptedServer] = []
    timer = threading.Timer(0.7, lambda: late.append(ScriptedServer(port=port)))
    timer.start()
    try:
        with opened(tiny_model, f"http://127.0.0.1:{port}", wire=wire, start_seconds=10) as engine:
            assert len(engine.choose(questions(5), OPTIONS)) == 5
    finally:
        timer.join()
        for server in late:
            server.close()


def test_a_server_that_dies_in_the_middle_and_comes_back_answers_the_rest(
    tiny_model: Path, wire: str
) -> None:
    port = free_port()
    first = ScriptedServer(port=port)
    second: list[ScriptedServer] = []
    try:
        with opened(tiny_model, first, wire=wire, in_flight=8) as engine:
            stream = stream_choose(engine, questions(200), OPTIONS)
            answers = [next(stream) for _ in range(20)]
            first.close()
            timer = threading.Timer(0.5, lambda: second.append(ScriptedServer(port=port)))
            timer.start()
            answers += stream
            timer.join()
        accounted(answers, 200)
        assert all(answer.error is None for answer in answers)
        assert sum(second[0].answered.values()) >= 100
    finally:
        for server in second:
            server.close()


def test_a_server_that_dies_and_stays_away_ends_the_stream(tiny_model: Path, wire: str) -> None:
    server = ScriptedServer()
    with opened(tiny_model, server, wire=wire, in_flight=8, deadline_seconds=1.5) as engine:
        stream = stream_choose(engine, questions(200), OPTIONS)
        next(stream)
        server.close()
        with pytest.raises(EngineUnavailableError, match="no server responded within"):
            list(stream)


def test_the_other_server_takes_over(tiny_model: Path, wire: str) -> None:
    with ScriptedServer() as staying:
        dying = ScriptedServer()
        with opened(tiny_model, dying, staying, wire=wire, in_flight=8) as engine:
            stream = stream_choose(engine, questions(200), OPTIONS)
            answers = [next(stream) for _ in range(40)]
            dying.close()
            answers += stream
        accounted(answers, 200)
        assert all(answer.error is None for answer in answers)
        assert dying.answered
        assert staying.answered


def test_work_goes_to_the_server_with_the_least_of_it(tiny_model: Path) -> None:
    enough = threading.Event()

    def held_up(_number: int, _payload: dict[str, Any]) -> None:
        enough.wait(timeout=60)

    def counting(number: int, _payload: dict[str, Any]) -> None:
        if number >= 100:
            enough.set()

    with ScriptedServer(plan=held_up) as slow, ScriptedServer(plan=counting) as quick:
        with opened(
            tiny_model,
            slow,
            quick,
            in_flight=4,
            bundle=1,
            # What is held up is not given up and sent again, however long the others take.
            attempt_seconds=60.0,
            deadline_seconds=120.0,
        ) as engine:
            assert len(engine.choose(questions(120), OPTIONS)) == 120
        assert enough.is_set()
        assert 0 < sum(slow.answered.values()) <= 120 - 100
        assert slow.most_at_once <= 4
        assert quick.most_at_once <= 4


def test_a_circuit_that_is_open_is_not_called(tiny_model: Path) -> None:
    # Five broken answers in a row open it; until the probe half a second later nothing is sent.
    with (
        ScriptedServer(plan=once("500", *range(5))) as server,
        opened(tiny_model, server, bundle=1, in_flight=1, attempts=8) as engine,
    ):
        started = time.monotonic()
        assert len(engine.choose(questions(3), OPTIONS)) == 3
    assert time.monotonic() - started > 0.5
    assert server.calls == 8


def test_a_model_that_the_server_has_not_is_named_with_those_it_has(
    tiny_model: Path, wire: str
) -> None:
    with (
        ScriptedServer(model="other") as server,
        pytest.raises(ModelLoadError, match="does not serve 'scripted'; it serves 'other'"),
    ):
        opened(tiny_model, server, wire=wire)


@pytest.mark.parametrize("first", ["other", "ours"])
def test_a_server_of_another_model_is_left_out(tiny_model: Path, first: str) -> None:
    with ScriptedServer(model="other") as other, ScriptedServer() as ours:
        order = (other, ours) if first == "other" else (ours, other)
        with opened(tiny_model, *order) as engine:
            assert len(engine.choose(questions(40), OPTIONS)) == 40
        assert not other.answered
        assert sum(ours.answered.values()) == 40


def test_a_model_that_is_exchanged_in_the_middle_is_noticed(tiny_model: Path, wire: str) -> None:
    with ScriptedServer() as server, opened(tiny_model, server, wire=wire) as engine:
        engine.choose(questions(1), OPTIONS)
        server.model = "another"
        with pytest.raises(ModelLoadError, match="it serves 'another'"):
            engine.choose(questions(1), OPTIONS)


def test_a_prompt_longer_than_the_context_fails_alone(tiny_model: Path) -> None:
    requests = [*questions(5), ask("which answer is better? " * 40), *questions(2)]
    with ScriptedServer(context_tokens=64) as server, opened(tiny_model, server) as engine:
        answers = list(stream_choose(engine, requests, OPTIONS))
        accounted(answers, 8)
        [failed] = [answer for answer in answers if answer.error is not None]
        assert failed.index == 5
        assert isinstance(failed.error, BadRequestError)
        assert "request 5 has" in str(failed.error)
        assert "context of 64" in str(failed.error)
        with pytest.raises(BadRequestError, match="request 5"):
            engine.generate(requests, SAMPLING)


def test_what_a_server_refuses_is_not_tried_again(tiny_model: Path) -> None:
    with (
        ScriptedServer(plan=once("422", 0)) as server,
        opened(tiny_model, server, wire="chat") as engine,
        pytest.raises(BadRequestError, match="422: as the plan says"),
    ):
        engine.choose(questions(1), OPTIONS)
    assert server.calls == 1


def test_a_server_that_shuts_us_out_in_the_middle_ends_the_stream_and_fails_no_request(
    tiny_model: Path, wire: str
) -> None:
    got: list[Answer[Choice]] = []
    with (
        ScriptedServer(plan=lambda number, _payload: "401" if number >= 3 else None) as server,
        opened(tiny_model, server, wire=wire, in_flight=4) as engine,
        pytest.raises(AccessRefusedError, match="401: as the plan says"),
    ):
        got.extend(stream_choose(engine, questions(100), OPTIONS))
    assert all(answer.error is None for answer in got)


def test_a_wrong_key_is_said_at_once(tiny_model: Path) -> None:
    with ScriptedServer(api_key="right") as server:
        with pytest.raises(AccessRefusedError, match="INFERENCE_API_KEY"):
            opened(tiny_model, server, api_key="wrong", start_seconds=300.0)
        with opened(tiny_model, server, api_key="right") as engine:
            assert len(engine.choose(questions(3), OPTIONS)) == 3


@pytest.mark.parametrize("operation", ["choose", "generate"])
def test_a_server_without_logprobs_is_told_so(tiny_model: Path, wire: str, operation: str) -> None:
    with (
        ScriptedServer(plan=lambda _number, _payload: "no logprobs") as server,
        opened(tiny_model, server, wire=wire) as engine,
        pytest.raises(MissingFeatureError, match="logprob"),
    ):
        engine.choose(questions(1), OPTIONS) if operation == "choose" else engine.generate(
            questions(1), SAMPLING
        )


def test_prompts_as_tokens_need_vllm(tiny_model: Path) -> None:
    with (
        ScriptedServer(vllm="") as server,
        pytest.raises(MissingFeatureError, match=r"is not a vLLM server.*wire='chat'"),
    ):
        opened(tiny_model, server)


@pytest.mark.parametrize("listed", [True, False])
def test_options_outside_the_top_logprobs_are_read_under_a_constraint(
    tiny_model: Path, listed: bool
) -> None:
    with (
        ScriptedServer(options_listed=listed) as server,
        opened(tiny_model, server, wire="chat") as engine,
    ):
        [choice] = engine.choose(questions(1), OPTIONS)
    assert sum(choice.probabilities) == pytest.approx(1)
    assert (choice.mass is not None) == listed
    assert server.calls == (1 if listed else 2)


def test_a_server_that_ignores_the_constraint_is_told_so(tiny_model: Path) -> None:
    with (
        ScriptedServer(options_listed=False, structured=False) as server,
        opened(tiny_model, server, wire="chat") as engine,
        pytest.raises(MissingFeatureError, match="does not support structured outputs"),
    ):
        engine.choose(questions(1), OPTIONS)


def test_options_that_one_letter_cannot_tell_apart_are_refused_by_chat(tiny_model: Path) -> None:
    with (
        ScriptedServer() as server,
        opened(tiny_model, server, wire="chat") as engine,
        pytest.raises(BadRequestError, match="start with the same letter"),
    ):
        engine.choose(questions(1), ("tie", "two"))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"servers": []}, "no inference servers"),
        ({"servers": ["localhost:8000"]}, "'localhost:8000' is not a server address"),
        ({"servers": ["http://127.0.0.1:1"], "in_flight": 0}, "in_flight is 0"),
        ({"servers": ["http://127.0.0.1:1"], "bundle": 0}, "bundle is 0"),
        ({"servers": ["http://127.0.0.1:1"], "wire": "tin cans"}, "the wire is 'tin cans'"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    tiny_model: Path, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BadRequestError, match=complaint):
        open_engine("server", str(tiny_model), **options)


def test_a_request_reads_no_further_ahead_than_the_window(tiny_model: Path) -> None:
    read = 0

    def source() -> Iterator[Request]:
        nonlocal read
        for request in questions(500):
            read += 1
            yield request

    with ScriptedServer() as server, opened(tiny_model, server, in_flight=8) as engine:
        stream = stream_choose(engine, source(), OPTIONS)
        next(stream)
        assert read <= 2 * 8 + 4
        stream.close()  # type: ignore[attr-defined]
        assert engine.choose(questions(1), OPTIONS)


def test_waiting_can_be_interrupted(tiny_model: Path) -> None:
    class Cancelled(Exception):  # noqa: N818
        pass

    def cancel() -> None:
        raise Cancelled

    with (
        ScriptedServer(plan=lambda _number, _payload: "hang") as server,
        opened(tiny_model, server, attempt_seconds=30.0) as engine,
    ):
        started = time.monotonic()
        with pytest.raises(Cancelled):
            list(stream_choose(engine, questions(3), OPTIONS, on_wait=cancel))
        assert time.monotonic() - started < 10


def test_a_closed_engine_says_so(tiny_model: Path) -> None:
    with ScriptedServer() as server:
        engine = opened(tiny_model, server)
        engine.close()
        with pytest.raises(BadRequestError, match="is closed"):
            engine.choose(questions(1), OPTIONS)


def test_both_operations_under_every_passing_fault_at_once(tiny_model: Path, wire: str) -> None:
    kinds: list[Mischief] = ["429", "500", "half", "garbage", "no choices", "drop"]

    def plan(number: int, _payload: dict[str, Any]) -> Mischief | None:
        return kinds[number // 3 % len(kinds)] if number % 3 == 0 else None

    with (
        ScriptedServer(plan=plan) as server,
        opened(tiny_model, server, wire=wire, attempts=12) as engine,
    ):
        chosen: list[Answer[Choice]] = list(stream_choose(engine, questions(60), OPTIONS))
        told = list(stream_generate(engine, questions(60), SAMPLING))
    for answers in (chosen, told):
        accounted(answers, 60)
        assert all(answer.error is None for answer in answers)


def test_every_error_says_whether_it_is_permanent() -> None:
    errors = InferenceError.__subclasses__()
    assert len(errors) >= 5
    assert [e for e in errors if not e.permanent] == [EngineUnavailableError]
