"""Majority and Dawid–Skene: published estimates, known truth, and the edges."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from annotation.consensus import Labels, dawid_skene, majority
from annotation.consensus_selectors import CHOICES, consensus_of
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
