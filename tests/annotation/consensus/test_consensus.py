"""Majority and Dawid–Skene: published estimates, known truth, and the edges."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import DawidSkene
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from annotation.consensus.methods import ITERATIONS, Labels, dawid_skene, majority
from annotation.consensus.selectors import CHOICES, consensus_of
from annotation.models import Label, Rater
from exports.consensus import Consensus, soft_label
from tests.builders import make_label, make_pair, make_project, make_rater

TABLE_1 = Path(settings.BASE_DIR).parent / "shared/data/dawid-skene-1979/table1.csv"


def labels(*rows: tuple[int, int, int], choices: int = 4) -> Labels:
    pair, rater, choice = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Labels(pair, rater, choice, choices)


@pytest.mark.skipif(not TABLE_1.is_file(), reason="the published table is not at hand")
def test_the_published_estimates_are_reproduced() -> None:
    with TABLE_1.open() as file:
        rows = [
            (int(row["patient"]), int(row["observer"]), int(row["response"]) - 1)
            for row in csv.DictReader(file)
        ]
    found = dawid_skene(labels(*rows))
    assert found.marginals == pytest.approx([0.3996, 0.4220, 0.1118, 0.0667], abs=5e-5)
    assert found.log_likelihood == pytest.approx(-192.8909, abs=5e-5)
    assert np.bincount(found.choice).tolist() == [18, 19, 5, 3]
    assert set(found.confusion) == {1, 2, 3, 4, 5}
    assert found.confusion[1].sum(axis=1) == pytest.approx([1, 1, 1, 1])


def by_crowd_kit(
    drawn: Labels, settled: dict[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[int, NDArray[np.float64]]]:
    """The distribution, the shares and each rater's matrix, by the same number of steps."""
    data = pd.DataFrame({"task": drawn.pair, "worker": drawn.rater, "label": drawn.choice})
    model = DawidSkene(n_iter=ITERATIONS, tol=-float("inf"))
    with warnings.catch_warnings():
        # pandas, of crowd-kit's use of it.
        warnings.simplefilter("ignore")
        model.fit(data, pd.Series(settled) if settled else None)
    assert model.probas_ is not None
    assert model.priors_ is not None
    assert model.errors_ is not None
    choices = range(drawn.choices)
    found = model.probas_.reindex(columns=choices, fill_value=0.0).sort_index().to_numpy()
    matrices = {
        int(str(rater)): rows.droplevel("worker")
        .reindex(index=choices, columns=choices, fill_value=0.0)
        .to_numpy()
        .T
        for rater, rows in model.errors_.groupby(level="worker")
    }
    shares = model.priors_.reindex(choices, fill_value=0.0).to_numpy()
    return found / found.sum(axis=1, keepdims=True), shares, matrices


@pytest.mark.parametrize(
    ("pairs", "raters", "skill", "settled"),
    [(60, 4, 0.7, 0), (200, 7, 0.5, 30)],
)
def test_the_estimates_are_those_of_crowd_kit(
    pairs: int, raters: int, skill: float, settled: int
) -> None:
    rng = np.random.default_rng(pairs)
    truth = rng.choice(4, size=pairs, p=[0.45, 0.35, 0.15, 0.05])
    skills = np.clip(rng.normal(skill, 0.15, raters), 0.05, 0.99)
    pair, rater = (one.ravel() for one in np.indices((pairs, raters)))
    # Not everybody labels every pair, and some label one twice.
    often = rng.choice(3, size=len(pair), p=[0.4, 0.5, 0.1])
    pair, rater = np.repeat(pair, often), np.repeat(rater, often)
    right = rng.random(len(pair)) < skills[rater]
    choice = np.where(right, truth[pair], rng.choice(4, size=len(pair), p=[0.4, 0.3, 0.2, 0.1]))
    drawn = Labels(pair, rater + 100, choice, 4)
    known = {int(one): int(truth[one]) for one in np.unique(pair)[:settled]}

    found = dawid_skene(drawn, known)

    distribution, shares, matrices = by_crowd_kit(drawn, known)
    assert found.distribution == pytest.approx(distribution, abs=1e-6)
    assert found.marginals == pytest.approx(shares, abs=1e-6)
    assert set(found.confusion) == set(matrices)
    for name, matrix in matrices.items():
        assert found.confusion[name] == pytest.approx(matrix, abs=1e-6)


rows = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=40
)


@given(rows)
@hypothesis_settings(max_examples=25, deadline=None)
def test_a_distribution_is_one_whatever_the_labels(drawn: list[tuple[int, int, int]]) -> None:
    for method in (majority, dawid_skene):
        found = method(labels(*drawn))
        assert found.pairs.tolist() == sorted({pair for pair, _, _ in drawn})
        assert np.isfinite(found.distribution).all()
        assert found.distribution.sum(axis=1) == pytest.approx(np.ones(len(found.pairs)))
        assert ((found.confidence >= 0.25 - 1e-9) & (found.confidence <= 1 + 1e-9)).all()


@given(rows, st.permutations(range(5)))
@hypothesis_settings(max_examples=15, deadline=None)
def test_the_names_of_raters_do_not_matter(
    drawn: list[tuple[int, int, int]], names: list[int]
) -> None:
    renamed = [(pair, names[rater], choice) for pair, rater, choice in drawn]
    one, other = dawid_skene(labels(*drawn)), dawid_skene(labels(*renamed))
    assert one.distribution == pytest.approx(other.distribution, abs=1e-6)


def test_unanimous_raters_give_their_choice() -> None:
    agreed = [(pair, rater, pair % 4) for pair in range(12) for rater in range(3)]
    for method in (majority, dawid_skene):
        found = method(labels(*agreed))
        assert found.choice.tolist() == [pair % 4 for pair in range(12)]
        assert found.confidence == pytest.approx(np.ones(12), abs=1e-6)


def test_a_spammer_is_found_out_and_weighs_little() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, 300)
    # Two careful raters, and three who press anything.
    drawn = [
        (pair, rater, int(truth[pair]) if rng.random() < skill else int(rng.integers(0, 2)))
        for pair in range(300)
        for rater, skill in enumerate((0.9, 0.9, 0.0, 0.0, 0.0))
    ]
    by_vote, by_model = majority(labels(*drawn)), dawid_skene(labels(*drawn))
    right = [float((found.choice == truth).mean()) for found in (by_vote, by_model)]
    assert right[1] > right[0] + 0.05
    assert right[1] > 0.9
    assert by_model.confusion[0][0, 0] > 0.9
    assert by_model.confusion[3][0, 0] < 0.7


def test_what_a_senior_settled_is_certain_and_teaches() -> None:
    contrary = [(pair, rater, (pair + rater) % 2) for pair in range(40) for rater in range(2)]
    settled = {pair: pair % 2 for pair in range(30)}
    found = dawid_skene(labels(*contrary), settled)
    assert found.choice.tolist() == [pair % 2 for pair in range(40)]
    assert found.confidence[:30].tolist() == [1.0] * 30


@pytest.mark.parametrize("drawn", [[(3, 1, 2)], [(1, 1, 0), (2, 1, 0)], [(1, 1, 0), (2, 2, 3)]])
def test_where_nobody_shares_a_pair_the_labels_stand(drawn: list[tuple[int, int, int]]) -> None:
    found = dawid_skene(labels(*drawn))
    assert found.choice.tolist() == [choice for _, _, choice in drawn]
    assert found.confusion == {}


def test_no_label_is_no_pair() -> None:
    for method in (majority, dawid_skene):
        assert len(method(labels()).pairs) == 0


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ((0.8, 0.1, 0.1, 0.0), 0.85),
        ((0.4, 0.1, 0.0, 0.5), "both_bad"),
        ((0.4, 0.1, 0.0, 0.4), 0.4 / 0.6),
        ((0.4, 0.4, 0.2, 0.0), "tie"),
        ((0.0, 0.0, 1.0, 0.0), "tie"),
    ],
)
def test_a_soft_label_leaves_both_bad_out(
    distribution: tuple[float, ...], expected: float | str
) -> None:
    said = soft_label(distribution, 2, 1, tie_band=0.05)
    if isinstance(expected, str):
        assert said == expected
    else:
        assert isinstance(said, Consensus)
        assert said.p_first == pytest.approx(expected)


@pytest.mark.django_db
def test_the_selector_counts_who_should_count() -> None:
    project = make_project()
    pairs = [make_pair(project, number) for number in range(3)]
    ann, ben = make_rater(project, "ann"), make_rater(project, "ben")
    judge = make_rater(project, "judge", kind="judge")
    bad = make_rater(project, "bad")
    Rater.objects.filter(pk=bad.pk).update(status=Rater.Status.SUSPENDED)
    for rater, choice in ((ann, "first"), (ben, "second"), (judge, "second"), (bad, "equal")):
        make_label(pairs[0], rater, choice)
    repeat = make_label(pairs[0], ann, "second")
    Label.objects.filter(pk=repeat.pk).update(kind=Label.Kind.REPEAT)
    for pair in pairs[1:]:
        make_label(pair, ann, "first")
    decided = make_label(pairs[2], ben, "both_bad")
    Label.objects.filter(pk=decided.pk).update(kind=Label.Kind.ADJUDICATION)

    humans = consensus_of(project, kinds="human")
    assert humans.pairs.tolist() == [pair.pk for pair in pairs]
    assert humans.distribution[0].tolist() == [0.5, 0.5, 0, 0]
    assert humans.distribution[2].tolist() == [0, 0, 0, 1]
    assert consensus_of(project, kinds="judge").pairs.tolist() == [pairs[0].pk]
    joint = consensus_of(project)
    assert joint.distribution[0] == pytest.approx([1 / 3, 2 / 3, 0, 0])
    # The model learns from few labels what it likes, but a decision is a decision.
    assert CHOICES[int(consensus_of(project, "dawid_skene").choice[2])] == "both_bad"
    before = consensus_of(project, until_label=repeat.pk, kinds="human")
    assert before.pairs.tolist() == [pairs[0].pk]
