"""The scale of choice and strength, its coarser forms, and when a margin misleads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from annotation.agreement import cohen_kappa, place_of, prevalence_of, prevalences_of
from annotation.agreement.scale import (
    CHOICES,
    DECIDED,
    FOUR,
    PLACES,
    STRENGTH,
    THREE,
    patterns_by,
    tables_by,
)
from annotation.models import Choice

Counts = NDArray[np.int64]

tables = arrays(np.int64, (3, 8, 8), elements=st.integers(0, 9))


def test_the_choices_are_those_of_a_label() -> None:
    assert tuple(Choice.values) == CHOICES


def test_seven_places_run_from_first_much_to_second_much_and_both_bad_is_apart() -> None:
    said = [("first", 3), ("first", 2), ("first", 1), ("equal", None)]
    said += [("second", 1), ("second", 2), ("second", 3), ("both_bad", None)]
    assert [place_of(choice, strength) for choice, strength in said] == list(range(8))
    assert PLACES[place_of("second", 3)] == "second much"


def test_a_label_without_strength_counts_as_clearly() -> None:
    assert place_of("first", None) == place_of("first", 2)
    assert place_of("second", None) == place_of("second", 2)


@pytest.mark.parametrize(("choice", "strength"), [("left", 1), ("first", 0), ("second", 4)])
def test_what_is_not_on_the_scale_is_refused(choice: str, strength: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        place_of(choice, strength)


def test_every_place_goes_to_the_choice_that_it_is_of() -> None:
    for choice in CHOICES:
        for strength in (None, 1, 2, 3):
            assert CHOICES[FOUR[place_of(choice, strength)]] == choice


def test_the_coarser_forms_drop_and_merge_what_they_say() -> None:
    table = np.zeros((1, 8, 8), dtype=np.int64)
    table[0, place_of("first", 3), place_of("first", 1)] = 5
    table[0, place_of("equal", None), place_of("both_bad", None)] = 2
    table[0, place_of("first", 1), place_of("both_bad", None)] = 1
    assert tables_by(table, FOUR)[0].tolist() == [
        [5, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 2], [0, 0, 0, 0],
    ]  # fmt: skip
    assert tables_by(table, THREE)[0].tolist() == [[5, 0, 1], [0, 0, 0], [0, 0, 2]]
    assert tables_by(table, DECIDED)[0].tolist() == [[5, 0], [0, 0]]
    assert tables_by(table, STRENGTH).sum() == 5


@given(tables)
def test_merging_keeps_every_unit_that_is_not_left_out(table: Counts) -> None:
    assert tables_by(table, FOUR).sum() == table.sum()
    kept = np.array(DECIDED) >= 0
    assert tables_by(table, DECIDED).sum() == table[:, kept][:, :, kept].sum()


def test_a_pair_on_which_one_was_undecided_is_left_out_or_loses_that_judgement() -> None:
    two_first_one_equal = np.array([[1, 1, 0, 1, 0, 0, 0, 0]])
    assert patterns_by(two_first_one_equal, DECIDED).tolist() == [[2, 0]]
    assert patterns_by(two_first_one_equal, DECIDED, drop_units=True).tolist() == [[0, 0]]


def test_a_skewed_margin_is_told_and_kappa_shows_why() -> None:
    # Feinstein and Cicchetti's paradox: the same observed agreement of .85, a κ of .70 or .32.
    balanced, skewed = np.array([[40, 9], [6, 45]]), np.array([[80, 10], [5, 5]])
    assert cohen_kappa(balanced).value == pytest.approx(0.70, abs=5e-3)
    assert cohen_kappa(skewed).value == pytest.approx(0.32, abs=5e-3)
    margins = [table.sum(axis=0) + table.sum(axis=1) for table in (balanced, skewed)]
    calm, warned = prevalences_of(margins)
    assert not calm.misleads
    assert calm.warning(("yes", "no")) == ""
    assert warned.misleads
    assert "88 %" in warned.warning(("yes", "no"))
    assert "yes" in warned.warning(("yes", "no"))


@pytest.mark.parametrize(("counts", "misleads"), [([8, 2], True), ([79, 21], False)])
def test_the_rule_begins_at_four_fifths(counts: list[int], misleads: bool) -> None:
    prevalence = prevalence_of(counts)
    assert prevalence.misleads is misleads
    # Byrt's prevalence index of two categories: 2 · share - 1.
    assert (2 * prevalence.share - 1 >= 0.6) is misleads


def test_nothing_judged_is_nothing_to_warn_of() -> None:
    nothing = prevalence_of([0, 0, 0, 0])
    assert (nothing.category, nothing.share, nothing.misleads) == (None, 0.0, False)
