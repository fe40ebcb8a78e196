"""The soft-label DPO loss against values worked by hand and its own symmetries."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.recipes.losses import soft_label_dpo_loss


def loss(delta: float, p: float, weight: float = 1.0, *, beta: float = 0.1) -> float:
    values = (torch.tensor([value], dtype=torch.float64) for value in (delta, p, weight))
    return float(soft_label_dpo_loss(*values, beta=beta)[0])


def gradient(delta: float, p: float, *, beta: float = 0.1) -> float:
    variable = torch.tensor([delta], dtype=torch.float64, requires_grad=True)
    one = torch.ones(1, dtype=torch.float64)
    value = soft_label_dpo_loss(variable, p * one, one, beta=beta).sum()
    return float(torch.autograd.grad(value, variable)[0][0])


# βΔ = ln 3 gives σ = 3/4 and 1 − σ = 1/4.
LN3 = math.log(3)


@pytest.mark.parametrize(
    ("delta", "p", "weight", "beta", "by_hand"),
    [
        (0.0, 1.0, 1.0, 0.1, math.log(2)),
        (0.0, 0.3, 1.0, 0.1, math.log(2)),
        (LN3, 1.0, 1.0, 1.0, -math.log(3 / 4)),
        (LN3, 0.0, 1.0, 1.0, -math.log(1 / 4)),
        (10 * LN3, 0.5, 1.0, 0.1, -0.5 * math.log(3 / 16)),
        (10 * LN3, 0.75, 2.0, 0.1, -2 * (0.75 * math.log(3 / 4) + 0.25 * math.log(1 / 4))),
        (5.0, 0.7, 0.0, 0.1, 0.0),
    ],
)
def test_values_worked_by_hand(
    delta: float, p: float, weight: float, beta: float, by_hand: float
) -> None:
    assert loss(delta, p, weight, beta=beta) == pytest.approx(by_hand, rel=1e-12, abs=1e-15)


def test_a_tie_asks_for_nothing_at_the_reference() -> None:
    assert gradient(0.0, 0.5) == 0.0
    assert gradient(1.0, 0.5) > 0.0 > gradient(-1.0, 0.5)


def test_the_minimum_is_where_sigmoid_of_beta_delta_is_p() -> None:
    assert gradient(LN3, 0.75, beta=1.0) == pytest.approx(0.0, abs=1e-15)
    assert gradient(LN3 - 0.1, 0.75, beta=1.0) < 0.0 < gradient(LN3 + 0.1, 0.75, beta=1.0)


def test_it_stays_finite_where_the_sigmoid_saturates() -> None:
    assert loss(-1e4, 1.0, beta=1.0) == pytest.approx(1e4)
    assert loss(1e4, 1.0, beta=1.0) == 0.0


@given(
    delta=st.floats(-50, 50),
    p=st.floats(0, 1),
    weight=st.floats(0, 10),
    beta=st.floats(0.01, 5),
)
def test_swapping_the_sides_and_the_label_changes_nothing(
    delta: float, p: float, weight: float, beta: float
) -> None:
    swapped = loss(-delta, 1 - p, weight, beta=beta)
    assert loss(delta, p, weight, beta=beta) == pytest.approx(swapped, rel=1e-9, abs=1e-12)


def test_each_pair_has_its_own_label_and_weight() -> None:
    deltas, labels, weights = torch.tensor([1.0, -2.0]), torch.tensor([0.9, 0.4]), torch.ones(2)
    together = soft_label_dpo_loss(deltas, labels, weights, beta=0.5)
    assert together.shape == (2,)
    alone = [loss(1.0, 0.9, beta=0.5), loss(-2.0, 0.4, beta=0.5)]
    assert together.tolist() == pytest.approx(alone, rel=1e-6)
