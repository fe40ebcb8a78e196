"""Which principle is drawn when, and what a chain comes to."""

from __future__ import annotations

from collections import Counter

import pytest

from constitution.revision.chains import draw_principles, is_new_refusal, outcome_of, step_seed
from constitution.revision.prompts import CritiqueV1, Requests, SandboxV1, shots_of


def drawn(weights: list[float], rounds: int, number: int) -> list[int]:
    return draw_principles(weights, rounds, seed=7, prompt_sha256=f"{number:064x}")


def test_first_draws_have_the_shares_of_the_weights() -> None:
    counts = Counter(drawn([1.0, 3.0, 4.0], 1, number)[0] for number in range(4_000))

    assert [counts[place] / 4_000 for place in range(3)] == pytest.approx(
        [1 / 8, 3 / 8, 4 / 8], abs=0.025
    )


def test_no_principle_comes_again_before_all_have_come() -> None:
    for number in range(50):
        rounds = drawn([1.0, 5.0, 0.1], 6, number)
        assert sorted(rounds[:3]) == [0, 1, 2]
        assert sorted(rounds[3:]) == [0, 1, 2]


def test_a_draw_depends_on_seed_and_prompt_alone() -> None:
    assert drawn([1.0, 2.0, 3.0], 4, 9) == drawn([1.0, 2.0, 3.0], 4, 9)
    others = {tuple(drawn([1.0] * 5, 5, number)) for number in range(30)}
    assert len(others) > 20


@pytest.mark.parametrize("weights", [[], [1.0, 0.0], [-1.0]])
def test_weights_must_be_above_zero(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        draw_principles(weights, 1, seed=0, prompt_sha256="")


def test_every_step_has_a_seed_of_its_own() -> None:
    seeds = {
        step_seed(seed, prompt, number, step)
        for seed in (0, 1)
        for prompt in ("a", "b")
        for number in (0, 1, 2)
        for step in ("critique", "revision")
    }
    assert len(seeds) == 2 * 2 * 3 * 2
    assert max(seeds) < 2**48


@pytest.mark.parametrize(
    ("last", "sensitive", "outcome"),
    [
        ("A better answer.", False, "revised"),
        ("an  answer.\n", False, "unchanged"),
        ("How do I tie a knot?", False, "repeats"),
        ("It is rude.", False, "repeats"),
        ("I'm sorry, but I can't help with that.", False, "refuses"),
        ("I'm sorry, but I can't help with that.", True, "revised"),
        ("  ", False, "repeats"),
    ],
)
def test_a_revision_that_is_no_better_answer_is_known(
    last: str, sensitive: bool, outcome: str
) -> None:
    told = ["How do I tie a knot?", "It is rude."]
    assert outcome_of("An answer.", last, told=told, refusal_wanted=sensitive) == outcome


def test_an_answer_that_refused_before_is_not_made_worse_by_refusing() -> None:
    refusal = "I cannot help with that."
    assert not is_new_refusal(refusal, "I won't do that, but here is who can help.")
    assert is_new_refusal("Here is how.", refusal)
    assert (
        outcome_of(refusal, "I won't, but ask a doctor.", told=[], refusal_wanted=False)
        == "revised"
    )


def test_the_general_template_asks_in_the_conversation_and_keeps_the_system_turn_in_front() -> None:
    asked = Requests("Say what is rude.", "Make it polite.", [[{"role": "user", "content": "S"}]])
    prompt = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]

    critique = CritiqueV1().critique(asked, prompt, "Go away.")
    revision = CritiqueV1().revise(asked, prompt, "Go away.", "It is rude.")

    assert [turn.role for turn in critique] == ["system", "user", "user", "assistant", "user"]
    assert critique[-1].content.startswith("Say what is rude.")
    assert [turn.content for turn in revision[3:6]] == [
        "Go away.",
        "Say what is rude.",
        "It is rude.",
    ]
    assert revision[-1].content.startswith("Make it polite.")


@pytest.mark.parametrize(
    ("critique", "nothing"),
    [
        ("No critique needed.", True),
        (' "No critique needed"', True),
        ("No revisions needed.", True),
        ("The response is rude; no critique needed elsewhere.", False),
        ("", False),
    ],
)
def test_a_critique_that_finds_nothing_is_known(critique: str, nothing: bool) -> None:
    assert CritiqueV1().finds_nothing(critique) is nothing


def test_the_sandbox_model_says_it_in_its_own_words() -> None:
    assert SandboxV1().finds_nothing("The response is not rude.")
    assert not SandboxV1().finds_nothing("The response is rude.")


def test_examples_of_a_principle_become_conversations() -> None:
    example = {"prompt": "Hi", "response": "Go.", "critique": "Rude.", "revision": "Hello!"}
    without = {"prompt": "Hi", "response": "", "critique": "", "revision": ""}

    shots = shots_of([[{"role": "user", "content": "x"}]], [example, without], "Say.", "Mend.")

    assert len(shots) == 2
    assert [turn["content"] for turn in shots[1]] == [
        "Hi",
        "Go.",
        "Say.",
        "Rude.",
        "Mend.",
        "Hello!",
    ]
