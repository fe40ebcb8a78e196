"""Coefficients against published tables, reference libraries, and what must always hold."""

from __future__ import annotations

from collections.abc import Callable

import krippendorff
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater  # type: ignore[import-untyped]

from annotation.agreement import (
    Coefficient,
    ac1_of_two,
    agreement_of_two,
    cohen_kappa,
    cohen_kappas,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    raw_agreement,
)
from annotation.agreement.coefficient import wilson
from annotation.agreement.many_raters import Level, _alpha_linear, _judged_twice
from annotation.agreement.two_raters import Weights, agreement_weights
from tests.annotation.agreement.agreement_references import (
    alpha_of,
    cohen_standard_errors,
    fleiss_of,
)

Counts = NDArray[np.int64]

COHEN_1960 = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
"""Cohen (1960), table 1: two clinicians, 200 patients; κ = 0.492, quoted as 0.49."""

FLEISS_1969 = np.array([[53, 5, 2], [11, 14, 5], [1, 6, 3]])
"""Fleiss, Cohen and Everitt (1969), table 1 as counts of 100; κ = 0.429."""

# Fleiss (1971), table 1: 30 patients, 6 psychiatrists each, 5 diagnoses; κ = 0.430.
FLEISS_1971 = np.array(
    [
        [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0],
        [2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6],
        [1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1],
        [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0], [0, 2, 0, 4, 0], [1, 0, 2, 0, 3],
        [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0], [1, 0, 0, 4, 1],
        [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6],
    ]
)  # fmt: skip

# Krippendorff (2011), section C: 4 observers, 12 units, 5 categories, missing values; α = 0.743.
KRIPPENDORFF_2011 = np.array(
    [
        [3, 0, 0, 0, 0], [0, 3, 1, 0, 0], [0, 0, 4, 0, 0], [0, 0, 4, 0, 0], [0, 4, 0, 0, 0],
        [1, 1, 1, 1, 0], [0, 0, 0, 4, 0], [3, 1, 0, 0, 0], [0, 4, 0, 0, 0], [0, 0, 0, 0, 3],
        [2, 0, 0, 0, 0], [0, 0, 1, 0, 0],
    ]
)  # fmt: skip

tables = arrays(np.int64, (4, 4), elements=st.integers(0, 30))
unit_counts = arrays(
    np.int64, st.tuples(st.integers(0, 30), st.just(4)), elements=st.integers(0, 4)
)
orders = st.permutations(range(4)).map(np.array)


def same(one: Coefficient, other: Coefficient) -> None:
    """Equal up to rounding; an undefined figure equals an undefined one alone."""
    assert (one.n, one.reason) == (other.n, other.reason)
    assert (one.value, one.low, one.high) == pytest.approx(
        (other.value, other.low, other.high), abs=1e-6
    )


def same_but_for_words(one: Coefficient, other: Coefficient) -> None:
    assert one.n == other.n
    assert (one.value, one.low, one.high) == pytest.approx(
        (other.value, other.low, other.high), abs=1e-6
    )


def test_cohen_reproduces_the_clinicians_of_1960() -> None:
    kappa = cohen_kappa(COHEN_1960)
    assert kappa.value == pytest.approx(0.492, abs=5e-4)
    assert kappa.n == 200


def test_cohen_reproduces_the_example_of_the_standard_error_of_1969() -> None:
    assert cohen_kappa(FLEISS_1969).value == pytest.approx(0.429, abs=5e-4)


def test_cohen_standard_error_is_that_of_the_reference_library() -> None:
    for table in (COHEN_1960, FLEISS_1969):
        reference = inter_rater.cohens_kappa(table)
        p, n = table[None] / table.sum(), np.array([table.sum()])
        assert cohen_kappa(table).value == pytest.approx(reference.kappa)
        error = (reference.kappa_upp - reference.kappa_low) / 2 / 1.959964
        assert cohen_standard_errors(p, n, np.eye(3)) == pytest.approx(error)


def test_cohen_standard_error_worked_by_hand() -> None:
    # p = [[.4, .1], [.1, .4]], margins all .5: po = .8, pe = .5.
    # Diagonal: 2 × .4 × (.5 - 1 × .2)² = .072; apart: .2² × 2 × .1 × 1² = .008;
    # centre: (.4 - 1 + .8)² = .04; (.072 + .008 - .04) / .5⁴ / 100 = .0064.
    p = np.array([[[0.4, 0.1], [0.1, 0.4]]])
    assert cohen_standard_errors(p, np.array([100]), np.eye(2)) == pytest.approx(0.08)


def test_fleiss_reproduces_the_psychiatrists_of_1971() -> None:
    kappa = fleiss_kappa(FLEISS_1971)
    assert kappa.value == pytest.approx(0.430, abs=5e-4)
    assert kappa.value == pytest.approx(inter_rater.fleiss_kappa(FLEISS_1971))
    assert kappa.n == 30


def test_fleiss_with_unequal_numbers_of_raters_worked_by_hand() -> None:
    # Units (2, 0), (1, 2), (1, 1): agreeing shares 1, 1/3, 0; category shares 1, 1/3, 1/2.
    # Observed 4/9; first category 11/18, expected (121 + 49) / 324; the fourth unit is left out.
    kappa = fleiss_kappa([[2, 0], [1, 2], [1, 1], [0, 1]])
    expected = 170 / 324
    assert kappa.value == pytest.approx((4 / 9 - expected) / (1 - expected))
    assert kappa.n == 3


def test_alpha_reproduces_the_published_example_with_missing_values() -> None:
    alpha = krippendorff_alpha(KRIPPENDORFF_2011)
    assert alpha.value == pytest.approx(0.743, abs=5e-4)
    assert alpha.n == 11, "the unit that one observer judged tells nothing about agreement"


def test_the_interval_holds_the_value_and_narrows_with_more_units() -> None:
    for coefficient in (fleiss_kappa, krippendorff_alpha):
        few = coefficient(FLEISS_1971)
        many = coefficient(np.tile(FLEISS_1971, (16, 1)))
        assert few.value is not None
        assert few.low is not None
        assert few.high is not None
        assert many.low is not None
        assert many.high is not None
        assert few.low < few.value < few.high
        # Sixteen times the units, a quarter of the width; few are given somewhat more.
        assert (many.high - many.low) == pytest.approx((few.high - few.low) / 4, rel=0.15)


@pytest.mark.parametrize("table", [COHEN_1960, FLEISS_1969])
@pytest.mark.parametrize("weights", ["nominal", "linear", "quadratic"])
def test_with_many_pairs_the_interval_is_the_textbooks(table: Counts, weights: Weights) -> None:
    many = 100 * table
    p, n = many[None] / many.sum(), np.array([many.sum()])
    (error,) = cohen_standard_errors(p, n, agreement_weights(3, weights))
    kappa = cohen_kappa(many, weights=weights)
    assert kappa.value is not None
    assert (kappa.low, kappa.high) == pytest.approx(
        (kappa.value - 1.96 * error, kappa.value + 1.96 * error), abs=error / 20
    )


@pytest.mark.parametrize(
    ("coefficient", "of"), [(fleiss_kappa, fleiss_of), (krippendorff_alpha, alpha_of)]
)
def test_with_many_units_the_interval_is_that_of_leaving_each_out_in_turn(
    coefficient: Callable[..., Coefficient],
    of: Callable[[Counts, NDArray[np.float64]], NDArray[np.float64]],
) -> None:
    often = np.full(len(FLEISS_1971), 50)
    figure = coefficient(FLEISS_1971, often=often)
    without = of(FLEISS_1971, often - np.eye(len(often)))
    n = often.sum()
    error = np.sqrt((n - 1) / n * (often * (without - often @ without / n) ** 2).sum())
    assert figure.value is not None
    assert (figure.low, figure.high) == pytest.approx(
        (figure.value - 1.96 * error, figure.value + 1.96 * error), abs=error / 20
    )


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_moves_with_a_unit_as_its_interval_supposes(level: Level) -> None:
    units, often = _judged_twice(KRIPPENDORFF_2011, None)
    linear = _alpha_linear(units, often, level)
    step, weights = 1e-5, often.astype(float)
    moved = [
        (alpha_of(units, (weights + change)[None], level) - alpha_of(units, weights[None], level))
        / step
        for change in step * np.eye(len(units))
    ]
    told = linear.moves / (1 - linear.expected) / often.sum()
    assert told == pytest.approx(np.ravel(moved), abs=1e-4)


@pytest.mark.parametrize(
    ("table", "n"),
    [
        (np.zeros((4, 4)), 0),
        (np.diag([1, 0, 0, 0]), 1),
        (np.diag([40, 0, 0, 0]), 40),
    ],
    ids=["no overlap", "one pair", "one category"],
)
def test_cohen_is_undefined_with_a_reason(table: Counts, n: int) -> None:
    kappa = cohen_kappa(table)
    assert kappa.value is None
    assert kappa.low is None
    assert kappa.high is None
    assert kappa.n == n
    assert kappa.reason


@pytest.mark.parametrize("coefficient", [fleiss_kappa, krippendorff_alpha])
@pytest.mark.parametrize(
    ("counts", "n"),
    [
        (np.zeros((0, 4)), 0),
        ([[1, 0, 0, 0], [0, 1, 0, 0]], 0),
        ([[1, 1, 0, 0], [0, 1, 0, 0]], 1),
        ([[3, 0, 0, 0], [2, 0, 0, 0]], 2),
    ],
    ids=["nothing", "no overlap", "one unit", "one category"],
)
def test_fleiss_and_alpha_are_undefined_with_a_reason(
    coefficient: type[Coefficient], counts: Counts, n: int
) -> None:
    figure = coefficient(counts)  # type: ignore[call-arg, arg-type]
    assert figure.value is None
    assert figure.low is None
    assert figure.n == n
    assert figure.reason


def test_perfect_agreement_on_few_pairs_is_not_called_certain() -> None:
    few, many = cohen_kappa(np.diag([5, 5])), cohen_kappa(np.diag([500, 500]))
    assert few.value == many.value == 1.0
    assert few.high == many.high == 1.0
    # Wilson: at least 10 / (10 + 1.96²) = .7225 agree; (.7225 - .5) / .5 = .445.
    assert few.low == pytest.approx(0.445, abs=5e-4)
    assert many.low is not None
    assert 0.99 < many.low < 1
    units = np.repeat([[2, 0], [0, 2]], 5, axis=0)
    fleiss, alpha = fleiss_kappa(units), krippendorff_alpha(units)
    assert (fleiss.value, alpha.value) == pytest.approx((1.0, 1.0))
    assert fleiss.low == pytest.approx(few.low)
    # α's agreement by chance is of two judgements drawn without putting back: 9 / 19.
    assert alpha.low == pytest.approx((0.7225 - 9 / 19) / (10 / 19), abs=5e-4)


def test_a_rater_of_one_category_gets_zero_and_the_interval_of_the_observed_agreement() -> None:
    # Twenty pairs, twelve agree; Wilson's 95 % interval of 12/20 is [.3866, .7812]; by chance .6.
    kappa = cohen_kappa([[12, 8], [0, 0]])
    assert kappa.value == 0
    assert kappa.low == pytest.approx((0.3866 - 0.6) / 0.4, abs=5e-4)
    assert kappa.high == pytest.approx((0.7812 - 0.6) / 0.4, abs=5e-4)
    assert "single category" in kappa.reason
    # One who always presses the same, on pairs that call for it half the time: κ is surely low.
    presser = cohen_kappa([[500, 500], [0, 0]])
    assert presser.high is not None
    assert presser.high < 0.07


def test_wrong_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="square"):
        cohen_kappa([[1, 2]])
    with pytest.raises(ValueError, match="negative"):
        cohen_kappa([[1, -2], [0, 1]])
    with pytest.raises(ValueError, match="2 are needed"):
        fleiss_kappa([1, 2])
    with pytest.raises(ValueError, match="3 × 3"):
        cohen_kappa(COHEN_1960, weights=np.eye(2))
    with pytest.raises(ValueError, match="diagonal"):
        cohen_kappa(COHEN_1960, weights=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="numbers of units"):
        fleiss_kappa([[1, 1], [2, 0]], often=[3])


def test_weighted_kappa_reproduces_the_example_of_1968() -> None:
    # Cohen (1968), table 1: the clinicians of 1960, confusing neurosis and psychosis six times as
    # bad as neurosis and personality disorder. Disagreement .90 of 1.38 by chance: κ = .348.
    disagreement = np.array([[0, 1, 3], [1, 0, 6], [3, 6, 0]])
    kappa = cohen_kappa(COHEN_1960, weights=1 - disagreement / 6)
    assert kappa.value == pytest.approx(0.348, abs=5e-4)
    assert kappa.value == pytest.approx(1 - 0.90 / 1.38)


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
@pytest.mark.parametrize("table", [COHEN_1960, FLEISS_1969])
def test_weighted_kappa_and_its_standard_error_are_those_of_the_reference_library(
    table: Counts, weights: Weights
) -> None:
    reference = inter_rater.cohens_kappa(table, wt=weights)
    p, n = table[None] / table.sum(), np.array([table.sum()])
    assert cohen_kappa(table, weights=weights).value == pytest.approx(reference.kappa)
    error = (reference.kappa_upp - reference.kappa_low) / 2 / 1.959964
    assert cohen_standard_errors(p, n, agreement_weights(3, weights)) == pytest.approx(error)


@given(tables, st.sampled_from(["linear", "quadratic"]))
def test_weighted_kappa_is_that_of_the_library_on_the_labels(
    table: Counts, weights: Weights
) -> None:
    a, b = (np.repeat(index.ravel(), table.ravel()) for index in np.indices(table.shape))
    kappa = cohen_kappa(table, weights=weights)
    if kappa.value is not None:
        expected = cohen_kappa_score(a, b, labels=[0, 1, 2, 3], weights=weights)
        assert kappa.value == pytest.approx(expected, abs=1e-9)
        # A scale has a direction, and no other order is the same scale.
        same(kappa, cohen_kappa(table[::-1, ::-1], weights=weights))


@given(st.lists(tables, min_size=1, max_size=4))
def test_a_stack_of_tables_is_each_table_alone(stack: list[Counts]) -> None:
    for table, kappa in zip(stack, cohen_kappas(np.array(stack)), strict=True):
        same(kappa, cohen_kappa(table))


@pytest.mark.parametrize(("level", "alpha"), [("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_a_scale_reproduces_the_published_example(level: Level, alpha: float) -> None:
    figure = krippendorff_alpha(KRIPPENDORFF_2011, level=level)
    assert figure.value == pytest.approx(alpha, abs=5e-4)
    # Eleven units, all but a few near each other on the scale, are too few for an interval.
    assert figure.low is None
    assert "guess would differ" in figure.reason
    many = krippendorff_alpha(np.tile(KRIPPENDORFF_2011, (10, 1)), level=level)
    assert many.low is not None
    assert many.high is not None
    assert many.low < alpha < many.high


@given(unit_counts, st.sampled_from(["nominal", "ordinal", "interval"]))
def test_alpha_is_that_of_the_reference_library(counts: Counts, level: Level) -> None:
    figure = krippendorff_alpha(counts, level=level)
    if figure.value is not None:
        reference = krippendorff.alpha(value_counts=counts, level_of_measurement=level)
        assert figure.value == pytest.approx(reference, abs=1e-9)


def test_ac1_reproduces_the_two_raters_whom_kappa_calls_worse_than_chance() -> None:
    # Gwet (2008): 118 of 125 agreed on the common category, none on the rare one.
    table = np.array([[[118, 5], [2, 0]]])
    (ac1,) = ac1_of_two(table)
    assert ac1.value == pytest.approx(0.9408, abs=5e-5)
    # Gwet's standard error, by irrCAC 0.4.4: .022965; of 400 times the pairs a twentieth.
    (many,) = ac1_of_two(400 * table)
    assert many.low is not None
    assert many.high is not None
    error = (many.high - many.low) / 2 / 1.959964
    assert error == pytest.approx(0.022965 / 20, rel=0.02)
    kappa = cohen_kappa(table[0]).value
    assert kappa == pytest.approx(-0.0234, abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "value", "error"),
    [(FLEISS_1971, 0.447885, 0.055662), (KRIPPENDORFF_2011[:11], 0.775152, 0.125272)],
    ids=["Fleiss 1971", "Krippendorff 2011, unequal numbers"],
)
def test_ac1_of_many_raters_is_that_of_the_reference_implementation(
    counts: Counts, value: float, error: float
) -> None:
    # Reference values and standard errors by irrCAC 0.4.4, which needs an older numpy to run.
    assert gwet_ac1(counts).value == pytest.approx(value, abs=1e-6)
    n = len(counts)
    many = gwet_ac1(counts, often=np.full(n, 400))
    assert many.low is not None
    assert many.high is not None
    # Of n - 1 in its first part; 400 times the units are 20 times as sure.
    small = error * np.sqrt((n - 1) / n) / 20
    assert (many.high - many.low) / 2 / 1.959964 == pytest.approx(small, rel=0.02)


@given(tables)
def test_two_raters_are_many_raters_with_two_judgements_a_unit(table: Counts) -> None:
    rows, columns = (index.ravel() for index in np.indices(table.shape))
    units = np.eye(4, dtype=np.int64)[rows] + np.eye(4, dtype=np.int64)[columns]
    often = table.ravel()
    same_but_for_words(ac1_of_two(table[None])[0], gwet_ac1(units, often=often))
    same_but_for_words(agreement_of_two(table[None])[0], raw_agreement(units, often=often))


@example(np.array([[2, 0, 0, 0]] * 4 + [[0, 2, 0, 0], [0, 3, 0, 0]]), np.array([1, 0, 2, 3]))
@given(unit_counts, orders)
def test_ac1_and_raw_agreement_know_neither_categories_nor_order_of_units(
    counts: Counts, order: NDArray[np.int64]
) -> None:
    for coefficient in (gwet_ac1, raw_agreement):
        figure = coefficient(counts)
        same(figure, coefficient(counts[::-1][:, order]))
        if figure.value is not None and not figure.reason:
            assert figure.low is not None
            assert figure.high is not None
            assert -1 <= figure.low <= figure.value + 1e-12
            assert figure.value <= figure.high + 1e-12 <= 1 + 2e-12


def test_raw_agreement_is_a_share_with_wilsons_interval() -> None:
    # 81 of 263: [.2553, .3662] (Newcombe 1998, Statistics in Medicine 17, table I).
    (share,) = agreement_of_two([[[41, 100], [82, 40]]])
    assert (share.value, share.n) == (81 / 263, 263)
    assert (share.low, share.high) == pytest.approx((0.2553, 0.3662), abs=2e-4)
    # Units (3, 0) and (2, 1): 1 and 1/3 of the twos agree.
    assert raw_agreement([[3, 0], [2, 1]]).value == pytest.approx(2 / 3)
    assert raw_agreement([[2, 0], [2, 0]]).value == 1, "chance plays no part in it"
    assert raw_agreement([[2, 0]]).value is None
    assert wilson(0.0, 10)[0] == 0
    assert wilson(1.0, 10)[1] == 1


@given(unit_counts, st.integers(1, 4))
def test_patterns_with_numbers_are_the_units_one_by_one(counts: Counts, many: int) -> None:
    tiled = np.tile(counts, (many, 1))
    often = np.full(len(counts), many)
    for coefficient in (fleiss_kappa, krippendorff_alpha):
        by_pattern = coefficient(counts, often=often)
        same(by_pattern, coefficient(tiled))
    same(gwet_ac1(counts, often=often), gwet_ac1(tiled))
    same(raw_agreement(counts, often=often), raw_agreement(tiled))


def test_ac1_of_one_category_or_one_unit_is_undefined_with_a_reason() -> None:
    for figure in (
        gwet_ac1([[2, 0], [3, 0]]),
        gwet_ac1([[2, 0]]),
        gwet_ac1(np.zeros((0, 4))),
        ac1_of_two([[[9, 0], [0, 0]]])[0],
        ac1_of_two([[[1, 0], [0, 0]]])[0],
        agreement_of_two([[[1, 0], [0, 0]]])[0],
    ):
        assert (figure.value, figure.low, figure.high) == (None, None, None)
        assert figure.reason
    # Wilson: at least 20 / (20 + 1.96²) = .839 agree; (.839 - .5) / .5 = .678.
    few = gwet_ac1(np.repeat([[2, 0], [0, 2]], 10, axis=0))
    assert few.value == 1
    assert few.low == pytest.approx(0.678, abs=5e-4)


def test_too_few_pairs_have_a_figure_but_no_interval_and_a_reason() -> None:
    nine = cohen_kappa([[4, 0], [1, 4]])
    assert (nine.low, nine.high) == (None, None)
    assert nine.reason == "9 pairs: no interval is given for fewer than 10."
    # .95 × .95 + .05 × .05 agree by chance: of 40 pairs 3.8 would differ.
    alike = cohen_kappa([[37, 1], [1, 1]])
    assert alike.value == pytest.approx(0.474, abs=5e-4)
    assert alike.low is None
    assert alike.reason == (
        "Raters who guess would differ on 3.8 of these 40 pairs: no interval is given for fewer "
        "than 5."
    )
    for figure in (
        gwet_ac1(np.repeat([[2, 0], [0, 2]], 5, axis=0)),
        raw_agreement(np.repeat([[2, 0], [1, 1]], 5, axis=0)),
        *ac1_of_two([[[5, 0], [0, 5]]]),
        *agreement_of_two([[[5, 0], [0, 5]]]),
    ):
        assert figure.value is not None
        assert figure.low is None
        assert figure.reason == "10 pairs: no interval is given for fewer than 20."


@given(tables)
def test_cohen_equals_the_library_on_the_labels_themselves(table: Counts) -> None:
    a, b = (np.repeat(index.ravel(), table.ravel()) for index in np.indices(table.shape))
    kappa = cohen_kappa(table)
    assert kappa.n == len(a)
    if kappa.value is not None:
        assert kappa.value == pytest.approx(cohen_kappa_score(a, b))
        assert -1 <= kappa.value <= 1 + 1e-12
    else:
        assert kappa.n < 2 or len(set(a) | set(b)) == 1


@given(tables, orders)
def test_cohen_knows_neither_who_is_first_nor_the_names_of_categories(
    table: Counts, order: NDArray[np.int64]
) -> None:
    same(cohen_kappa(table), cohen_kappa(table.T))
    same(cohen_kappa(table), cohen_kappa(table[np.ix_(order, order)]))


@given(unit_counts, orders)
def test_fleiss_and_alpha_know_neither_categories_nor_order_of_units(
    counts: Counts, order: NDArray[np.int64]
) -> None:
    for coefficient in (fleiss_kappa, krippendorff_alpha):
        figure = coefficient(counts)
        turned = coefficient(counts[::-1][:, order])
        assert (figure.value, figure.n) == pytest.approx((turned.value, turned.n))
        if figure.low is not None and figure.value is not None and figure.high is not None:
            assert -1 <= figure.low <= figure.value <= figure.high <= 1 + 1e-12


@given(unit_counts)
def test_a_coefficient_is_that_of_units_that_weigh_one_each(counts: Counts) -> None:
    units = counts[counts.sum(axis=1) >= 2]
    once = np.ones((1, len(units)))
    alpha = krippendorff_alpha(counts)
    if alpha.value is not None:
        assert alpha_of(units, once)[0] == pytest.approx(alpha.value)
    kappa = fleiss_kappa(counts)
    if kappa.value is not None and len(set(units.sum(axis=1).tolist())) == 1:
        assert fleiss_of(units, once)[0] == pytest.approx(inter_rater.fleiss_kappa(units))


@given(unit_counts, st.integers(2, 5))
def test_a_weight_counts_as_that_many_copies_of_the_unit(counts: Counts, copies: int) -> None:
    units = counts[counts.sum(axis=1) >= 2]
    if len(units) == 0:
        return
    weights = np.full((1, len(units)), float(copies))
    tiled = np.tile(units, (copies, 1))
    for of in (fleiss_of, alpha_of):
        assert of(units, weights) == pytest.approx(of(tiled, np.ones((1, len(tiled)))), nan_ok=True)
