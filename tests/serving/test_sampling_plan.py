"""Which pairs are made of sampled completions, and with which seeds they are sampled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from corpus.models import PairPolicy
from serving.sampling.plan import Sampled, pairs_among, sample_seed

ALL, RANDOM = PairPolicy.ALL, PairPolicy.RANDOM


def of(*texts: str, models: tuple[int, ...] = ()) -> list[Sampled]:
    return [Sampled(text, models[place] if models else 1) for place, text in enumerate(texts)]


def test_every_two_different_texts_are_a_pair() -> None:
    assert pairs_among(of("a", "b", "c"), ALL) == [(0, 1), (0, 2), (1, 2)]


def test_identical_texts_make_no_pair_and_no_second_one_with_a_third() -> None:
    assert pairs_among(of("a", "a"), ALL) == []
    assert pairs_among(of("a", "a", "b"), ALL) == [(0, 2)]


def test_between_models_leaves_out_the_pairs_of_one_model() -> None:
    four = of("a", "b", "c", "d", models=(1, 1, 2, 2))
    assert pairs_among(four, ALL, between_models=True) == [(0, 2), (0, 3), (1, 2), (1, 3)]


def test_a_text_that_two_models_gave_may_stand_for_either() -> None:
    """The first model gave a and b, the second a: a and b are a pair between models after all."""
    three = of("a", "b", "a", models=(1, 1, 2))
    assert pairs_among(three, ALL, between_models=True) == [(1, 2)]


def test_a_few_at_random_are_the_same_ones_for_the_same_seed() -> None:
    six = of(*"abcdef")
    drawn = pairs_among(six, RANDOM, most=3, seed="x")
    assert drawn == pairs_among(six, RANDOM, most=3, seed="x")
    assert len(drawn) == 3
    assert len({tuple(pairs_among(six, RANDOM, most=3, seed=str(one))) for one in range(20)}) > 5
    assert pairs_among(of("a", "b"), RANDOM, most=3, seed="x") == [(0, 1)]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 2)), max_size=7),
    st.sampled_from([ALL, RANDOM]),
    st.booleans(),
)
def test_no_two_pairs_show_the_same_two_texts(
    given_ones: list[tuple[str, int]], policy: PairPolicy, between: bool
) -> None:
    completions = [Sampled(*one) for one in given_ones]
    pairs = pairs_among(completions, policy, between_models=between, most=2)
    shown = [(completions[one.first], completions[one.second]) for one in pairs]
    texts = [frozenset((one.text, other.text)) for one, other in shown]
    assert all(len(two) == 2 for two in texts)
    assert len(set(texts)) == len(texts)
    if between:
        assert all(one.model != other.model for one, other in shown)
    if policy == RANDOM:
        assert len(pairs) <= 2


def test_seeds_differ_by_run_prompt_model_and_sample_and_by_nothing_else() -> None:
    asked = [
        (0, "p", "m", 0),
        (1, "p", "m", 0),
        (0, "q", "m", 0),
        (0, "p", "n", 0),
        (0, "p", "m", 1),
    ]
    seeds = [sample_seed(*one) for one in asked]
    assert len(set(seeds)) == len(seeds)
    assert seeds == [sample_seed(*one) for one in asked]
    assert all(0 <= seed < 2**48 for seed in seeds)
