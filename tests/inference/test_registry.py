"""Engines by name."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from inference import registry
from inference.errors import BadRequestError, EngineUnavailableError
from inference.registry import open_engine
from inference.server.engine import ServerEngine
from inference.transformers_engine import TransformersEngine
from inference.vllm_engine import VllmEngine
from tests.inference.conversations import ask


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(
        BadRequestError, match="'oracle'; choose from transformers, server, vllm, scripted"
    ):
        open_engine("oracle", "delphi")


def test_an_unknown_option_lists_the_known_ones(tiny_model: Path) -> None:
    with pytest.raises(BadRequestError, match=r"no option wings; available: adapter, batch_size"):
        open_engine("transformers", str(tiny_model), wings=2)
    with pytest.raises(BadRequestError, match="no option batch_size; available: none"):
        open_engine("scripted", "hash", batch_size=2)


def test_options_reach_the_engine(tiny_model: Path) -> None:
    with pytest.raises(BadRequestError, match="batch_size is 0"):
        open_engine("transformers", str(tiny_model), batch_size=0)


@pytest.mark.parametrize(
    ("kind", "engine", "without_default"),
    [
        ("transformers", TransformersEngine, set()),
        ("server", ServerEngine, {"servers"}),
        ("vllm", VllmEngine, set()),
    ],
)
def test_the_registry_offers_every_option_of_an_engine(
    kind: str, engine: type, without_default: set[str]
) -> None:
    offered = inspect.signature(registry.ENGINES[kind]).parameters
    taken = inspect.signature(engine).parameters
    assert set(offered) == set(taken)
    for name in set(taken) - without_default:
        assert offered[name].default == taken[name].default


def test_a_position_biased_judge_opens_by_name() -> None:
    with open_engine("scripted", "position-biased:0.8") as engine:
        [choice] = engine.choose([ask("A or B?")], ("A", "B"))
    assert engine.model == "position-biased:0.8"
    assert choice.probabilities == pytest.approx((0.8, 0.2))


def test_a_flaky_engine_opens_by_name() -> None:
    with open_engine("scripted", "flaky:1:position-biased:0.8") as engine:
        with pytest.raises(EngineUnavailableError):
            engine.choose([ask("A or B?")], ("A", "B"))
        assert engine.choose([ask("A or B?")], ("A", "B"))[0].probabilities[0] > 0.5


@pytest.mark.parametrize(
    "name", ["", "hash:1", "position-biased", "position-biased:much", "flaky:1", "flaky:x:hash"]
)
def test_an_unknown_script_is_refused(name: str) -> None:
    with pytest.raises(BadRequestError, match="script"):
        open_engine("scripted", name)
