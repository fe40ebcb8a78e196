"""The scripted engine: its arithmetic is what our instruments are measured against."""

from __future__ import annotations

import math

import pytest

from inference.engine import Sampling
from inference.errors import BadRequestError, EngineUnavailableError
from inference.scripted import ScriptedEngine, flaky, position_biased_judge
from tests.inference.conversations import ask

OPTIONS = ("A", "B")


def p_first(bias: float, preference: float) -> float:
    judge = position_biased_judge(bias, lambda _request: preference)
    [choice] = judge.choose([ask("A or B?")], OPTIONS)
    return choice.probabilities[0]


# By hand: 0.5·0.8 / (0.5·0.8 + 0.5·0.2) = 0.8; 0.2·0.8 / (0.2·0.8 + 0.8·0.2) = 0.5;
# 0.6·0.75 / (0.6·0.75 + 0.4·0.25) = 0.45 / 0.55 = 9/11.
@pytest.mark.parametrize(
    ("bias", "preference", "expected"),
    [
        (0.8, 0.5, 0.8),
        (0.8, 0.2, 0.5),
        (0.75, 0.6, 9 / 11),
        (0.5, 0.3, 0.3),
        (0.9, 1.0, 1.0),
        (0.9, 0.0, 0.0),
    ],
)
def test_a_biased_judge_follows_its_formula(
    bias: float, preference: float, expected: float
) -> None:
    assert p_first(bias, preference) == pytest.approx(expected, abs=1e-12)


def test_the_mean_log_odds_over_both_orders_are_free_of_the_bias() -> None:
    def logit(p: float) -> float:
        return math.log(p / (1 - p))

    shown_first, shown_second = p_first(0.85, 0.3), 1 - p_first(0.85, 0.7)
    assert (logit(shown_first) + logit(shown_second)) / 2 == pytest.approx(logit(0.3))


@pytest.mark.parametrize("bias", [0.0, 1.0, -0.2, math.nan])
def test_a_bias_outside_its_range_is_refused(bias: float) -> None:
    with pytest.raises(BadRequestError, match="bias is"):
        position_biased_judge(bias, lambda _request: 0.5)


def test_a_biased_judge_takes_two_options_and_a_probability() -> None:
    with pytest.raises(BadRequestError, match="3 options"):
        position_biased_judge(0.8, lambda _request: 0.5).choose([ask("?")], ("A", "B", "C"))
    with pytest.raises(BadRequestError, match=r"preference is 1\.5"):
        position_biased_judge(0.8, lambda _request: 1.5).choose([ask("?")], OPTIONS)


def test_a_flaky_engine_fails_its_first_calls_and_then_answers() -> None:
    inner = ScriptedEngine(
        reply=lambda request, index: f"answer {index}", chooser=lambda *_: (3, 1)
    )
    engine = flaky(inner, 2)
    with pytest.raises(EngineUnavailableError) as failure:
        engine.generate([ask("?")], Sampling())
    assert not failure.value.permanent
    with pytest.raises(EngineUnavailableError):
        engine.choose([ask("?")], OPTIONS)
    assert engine.generate([ask("?"), ask("?")], Sampling())[1].text == "answer 1"
    assert engine.choose([ask("?")], OPTIONS)[0].probabilities == (0.75, 0.25)
    with pytest.raises(BadRequestError, match="fail_first_n is -1"):
        flaky(inner, -1)


def test_replies_are_cut_at_words_and_stop_strings() -> None:
    engine = ScriptedEngine(reply=lambda *_: "one  two\nthree four")

    def answer(sampling: Sampling) -> tuple[str, int, str]:
        [one] = engine.generate([ask("count to four")], sampling)
        assert one.prompt_tokens == 3
        return one.text, one.completion_tokens, one.finish_reason

    assert answer(Sampling(max_tokens=2)) == ("one  two", 2, "length")
    assert answer(Sampling(max_tokens=4)) == ("one  two\nthree four", 4, "stop")
    assert answer(Sampling(max_tokens=9, stop=("four", "\n"))) == ("one  two", 2, "stop")


@pytest.mark.parametrize(
    "weights", [(1.0,), (1.0, 2.0, 3.0), (0.0, 0.0), (-1.0, 2.0), (math.nan, 1.0), (math.inf, 1.0)]
)
def test_weights_that_are_none_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(BadRequestError, match="the chooser gave"):
        ScriptedEngine(chooser=lambda *_: weights).choose([ask("?")], OPTIONS)


def test_a_script_without_the_operation_says_so() -> None:
    with pytest.raises(BadRequestError, match="no reply function"):
        ScriptedEngine().generate([ask("?")], Sampling())
    with pytest.raises(BadRequestError, match="no chooser function"):
        ScriptedEngine().choose([ask("?")], OPTIONS)
