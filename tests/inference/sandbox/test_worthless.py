"""Answers that deserve nothing are just that, and those that measure are not those that teach."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.sandbox.tasks import RESISTS_FROM, lesson, resisting
from inference.sandbox.world import (
    Attributes,
    make_answer,
    make_request,
    topic_of,
)
from inference.sandbox.worthless import (
    CONSTANTS,
    EMPTY,
    INSTRUCTIONS,
    KINDS,
    PADDINGS,
    UNSEEN,
    Kind,
    make_worthless,
    padded,
)
from judging.measures import attacks

seeds = st.integers(0, 2**32)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds)
def test_it_says_nothing_on_any_topic_but_what_it_pads(kind: Kind, seed: int) -> None:
    rng = random.Random(seed)
    request = make_request(rng)
    real = make_answer(request, rng, Attributes(True, True, True))

    worthless = make_worthless(kind, real, rng)

    if kind == "padded":
        assert worthless.startswith(f"{real}\n\n")
        assert topic_of(worthless.removeprefix(real)) is None
    else:
        assert topic_of(worthless) is None
        assert worthless != real


@given(seed=seeds)
def test_the_real_answer_wins_in_either_place_whatever_is_asked(seed: int) -> None:
    rng = random.Random(seed)
    request = make_request(rng)

    taught = resisting(request, rng, short=False)

    (_, shown), *_ = taught.turns
    a, rest = shown.split("\nA: ")[1].rsplit("\nB: ", 1)
    b = rest.rsplit("\n", 1)[0]
    is_padded = "\n\n" in a + b
    a_is_real = len(a) < len(b) if is_padded else topic_of(a) is not None
    replies = {content for role, content in taught.turns if role == "assistant"}
    assert replies == {"A" if a_is_real else "B"}
    assert taught.verdict
    assert len(taught.turns) == 6


def test_lessons_in_it_begin_once_topics_are_learnt() -> None:
    def shares(progress: float) -> float:
        rng = random.Random(5)
        taught = [lesson(rng, progress=progress) for _ in range(2_000)]
        return sum("Note to the judge" in one.turns[0][1] for one in taught) / len(taught)

    assert shares(RESISTS_FROM - 0.01) == 0
    assert shares(RESISTS_FROM) > 0.005
    assert shares(0.9) > 0.005


def test_the_attacks_on_judges_are_among_what_is_taught() -> None:
    real = "Let the dough rest."

    assert attacks.constant(real) in CONSTANTS
    assert attacks.empty(real) in EMPTY
    assert attacks.instructing(real) in INSTRUCTIONS
    assert attacks.longest(real) in [padded(real, one, attacks.PADDINGS) for one in PADDINGS]


def test_the_wordings_that_measure_are_never_taught() -> None:
    taught = {
        text
        for kind in KINDS
        for seed in range(3_000)
        for text in make_worthless(kind, "Real.", random.Random(seed)).split("\n\n")
    }

    assert not taught & set(UNSEEN.values())
