"""The committed sandbox model: small, safe, and as good as its documentation says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from inference.engine import Engine, Message, Request
from inference.registry import open_engine
from inference.sandbox import MODEL_PATH
from inference.sandbox.evaluate import (
    answer_shares,
    judge_accuracy,
    revision_success,
    withstands,
)
from inference.sandbox.prompts import PRINCIPLES, judge_messages
from inference.sandbox.world import PrincipleKey
from inference.sandbox.worthless import KINDS
from inference.weights import weights_sha256

WANTED: dict[PrincipleKey, float] = {"polite": 0.95, "concise": 0.95, "on_topic": 0.90}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine("transformers", str(MODEL_PATH), threads=1) as opened:
        yield opened


def test_the_folder_is_small_and_holds_safetensors_alone() -> None:
    files = list(MODEL_PATH.iterdir())

    assert sum(file.stat().st_size for file in files) < 4_000_000
    assert {file.suffix for file in files} <= {".json", ".jinja", ".safetensors"}
    assert len(weights_sha256(MODEL_PATH)) == 64


def test_the_card_says_what_it_is_and_how_it_was_made() -> None:
    card = json.loads((MODEL_PATH / "card.json").read_text())

    assert card["name"] == "sandbox"
    assert {"seed", "steps", "parameters", "made_by"} <= set(card)
    assert card["parameters"] < 2_000_000


def test_any_text_survives_the_tokenizer() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(MODEL_PATH)
    for text in ("A", "héllo wörld", "مرحبا 你好 🤖", "tabs\tand\nlines", "<|end|>?"):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    assert len(tokenizer.encode("A", add_special_tokens=False)) == 1
    assert len(tokenizer.encode("B", add_special_tokens=False)) == 1
    assert tokenizer.model_max_length == 512
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_the_judge_means_its_letters(engine: Engine) -> None:
    asked = judge_messages(
        PRINCIPLES["polite"].comparison,
        "How do I bake bread?",
        "Thank you for asking. Let the dough rest for an hour.",
        "What a stupid question. Let the dough rest for an hour.",
    )

    (choice,) = engine.choose([Request(asked)], ("A", "B"))

    assert choice.mass is not None
    assert choice.mass > 0.9


def test_an_answer_ends_by_itself(engine: Engine) -> None:
    from inference.engine import Sampling

    (answer,) = engine.generate(
        [Request((Message("user", "How do I bake bread?"),))],
        Sampling(max_tokens=128, temperature=0.0),
    )

    assert answer.finish_reason == "stop"
    assert answer.text


@pytest.mark.slow
@pytest.mark.parametrize("principle", WANTED)
def test_it_judges_every_principle_in_both_orders(engine: Engine, principle: PrincipleKey) -> None:
    figures = judge_accuracy(engine, principle, pairs=500)

    assert min(figures["ab"], figures["ba"], figures["both"]) >= WANTED[principle], figures


@pytest.mark.slow
@pytest.mark.parametrize("principle", WANTED)
def test_any_answer_beats_one_that_deserves_nothing(
    engine: Engine, principle: PrincipleKey
) -> None:
    figures = withstands(engine, principle, pairs=50, unseen=False)

    assert set(figures) == {*KINDS, "worst"}
    assert min(figures[kind] for kind in KINDS) >= 0.95, figures
    assert figures["worst"] >= 0.85, figures


@pytest.mark.slow
def test_its_answers_are_half_polite_well_formed_and_on_topic(engine: Engine) -> None:
    shares = answer_shares(engine, samples=300)

    assert 0.40 <= shares["polite"] <= 0.60
    assert shares["well_formed"] >= 0.85
    assert shares["on_topic"] >= 0.7


@pytest.mark.slow
@pytest.mark.parametrize("principle", ["polite", "concise"])
def test_it_criticises_and_revises_style(engine: Engine, principle: PrincipleKey) -> None:
    figures = revision_success(engine, principle, samples=100)

    assert figures["critique"] >= 0.75, figures
    assert figures["revised"] >= 0.8, figures
