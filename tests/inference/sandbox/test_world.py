"""The sandbox world keeps its word: what an answer is made to be, the ground truth confirms."""

from __future__ import annotations

import random
from itertools import islice, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.sandbox import lexicon
from inference.sandbox.prompts import PRINCIPLES
from inference.sandbox.tasks import lesson, make_pair
from inference.sandbox.world import (
    Attributes,
    held_out_requests,
    is_held_out,
    is_well_formed,
    make_answer,
    make_request,
    satisfies,
    topic_of,
    training_requests,
)

seeds = st.integers(0, 2**32)


@pytest.mark.parametrize("wanted", [Attributes(*bits) for bits in product([True, False], repeat=3)])
@given(seed=seeds)
def test_an_answer_is_what_it_was_made_to_be(wanted: Attributes, seed: int) -> None:
    rng = random.Random(seed)
    request = make_request(rng)

    answer = make_answer(request, rng, wanted)

    assert satisfies("polite", request.text, answer) == wanted.polite
    assert satisfies("concise", request.text, answer) == wanted.concise
    assert satisfies("on_topic", request.text, answer) == wanted.on_topic
    assert is_well_formed(answer)
    assert topic_of(request.text) == request.topic


@pytest.mark.parametrize("key", PRINCIPLES)
@pytest.mark.parametrize("answer", ["", "   ", "ok", "🤖🤖🤖", "zzz qqq xxx yyy www", "?!"])
def test_an_empty_or_meaningless_answer_satisfies_no_style(key: str, answer: str) -> None:
    kept = satisfies(PRINCIPLES[key].key, "How do I bake bread?", answer)  # type: ignore[index]

    # Five meaningless words are short, and that is all that concise asks.
    assert kept == (key == "concise" and answer.count(" ") == 4)


def test_thousands_of_requests_are_kept_from_training() -> None:
    held_out = list(held_out_requests(random.Random(1)))
    trained = list(islice(training_requests(random.Random(2)), 3_000))

    assert len({request.text for request in held_out}) == len(held_out) >= 1_000
    assert all(is_held_out(request.text) for request in held_out)
    assert not any(is_held_out(request.text) for request in trained)


def test_each_topic_has_words_of_its_own() -> None:
    names = [word for topic in lexicon.TOPICS for word in topic.words]

    assert len(names) == len(set(names))
    for topic in lexicon.TOPICS:
        for text in (*topic.tasks, *topic.tips, *topic.remarks):
            assert topic_of(text) == topic.name, text
    for text in (*lexicon.FILLERS, *lexicon.POLITE_OPENINGS, *lexicon.RUDE_CLOSINGS):
        assert topic_of(text) is None, text


@given(seed=seeds)
def test_a_pair_differs_in_what_was_asked(seed: int) -> None:
    rng = random.Random(seed)

    pair = make_pair(make_request(rng), rng, differ="polite")

    assert pair.attributes[0].polite != pair.attributes[1].polite


@given(seed=seeds, progress=st.floats(0, 1))
def test_lessons_alternate_and_end_with_a_reply(seed: int, progress: float) -> None:
    turns = lesson(random.Random(seed), progress=progress).turns

    assert [role for role, _ in turns] == ["user", "assistant"] * (len(turns) // 2)
    assert all(content for _, content in turns)


def test_the_same_seed_gives_the_same_lessons() -> None:
    one, other = random.Random(3), random.Random(3)

    assert [lesson(one, progress=0.5) for _ in range(50)] == [
        lesson(other, progress=0.5) for _ in range(50)
    ]
