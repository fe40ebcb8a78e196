"""Whether a judge's probabilities mean what they say, and how they are mended: pure functions.

Throughout, `p` (n,) are the judge's probabilities that first is preferred, `y` (n,) is 1 where
humans prefer first and 0 where they prefer second; pairs without a human preference stay out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from figures.intervals import share_of

Floats = NDArray[np.float64]
Method = Literal["temperature", "isotonic"]

BINS = 10
EDGE = 1e-6
"""Probabilities of exactly 0 and 1 have no logit."""

LEAST_TO_FIT = 20


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs with a probability in [low, high): how many, what the judge said, what humans said.

    `share` is of pairs in which humans prefer first, with its 95 % interval, clustered by
    prompt; None where the pairs are too few for one.
    """

    low: float
    high: float
    n: int
    mean_p: float
    share: float
    share_low: float | None
    share_high: float | None


def reliability(
    p: ArrayLike, y: ArrayLike, bins: int = BINS, prompts: Sequence[Any] | None = None
) -> list[Bin]:
    """The reliability diagram: equal bins of [0, 1], those without pairs left out.

    Raises ValueError for probabilities outside [0, 1] or other outcomes than 0 and 1.

    Source: DeGroot and Fienberg 1983, "The comparison and evaluation of forecasters", The
        Statistician 32, 12-22; the bins as in Guo et al. 2017 (arXiv 1706.04599, §2).
    """
    said, truth = _checked(p, y)
    place = np.minimum((said * bins).astype(int), bins - 1)
    found = []
    for number in range(bins):
        here = place == number
        n = int(here.sum())
        if not n:
            continue
        came = share_of(
            truth[here], None if prompts is None else np.asarray(prompts)[here].tolist()
        )
        found.append(
            Bin(
                number / bins,
                (number + 1) / bins,
                n,
                float(said[here].mean()),
                float(truth[here].mean()),
                came.low,
                came.high,
            )
        )
    return found


def expected_calibration_error(p: ArrayLike, y: ArrayLike, bins: int = BINS) -> float | None:
    """The mean distance, over pairs, between what a bin said and what came of it; None for none.

    Source: Naeini, Cooper and Hauskrecht 2015, AAAI; Guo et al. 2017 (arXiv 1706.04599, eq. 3).
    """
    found = reliability(p, y, bins)
    n = sum(one.n for one in found)
    if not n:
        return None
    return float(sum(one.n * abs(one.mean_p - one.share) for one in found) / n)


def fit_temperature(p: ArrayLike, y: ArrayLike) -> float:
    """The T > 0 for which σ(logit p / T) has the least log loss.

    Above 1 the judge is too sure. Between 0.01 and 100.

    Source: Guo et al. 2017 (arXiv 1706.04599, §4.2).
    """
    said, truth = _checked(p, y)
    z = logit(np.clip(said, EDGE, 1 - EDGE))

    def loss(log_t: float) -> float:
        scaled = z / np.exp(log_t)
        # log(1 + e^z) - y z, without overflow
        return float(np.mean(np.logaddexp(0.0, scaled) - truth * scaled))

    bounds = (np.log(0.01), np.log(100.0))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def parameters_of(method: Method, p: ArrayLike, y: ArrayLike) -> dict[str, Any]:
    """What a scaling is, learnt from these pairs: {temperature}, or the steps {x, y} of an
    isotonic regression.

    Source: temperature as in `fit_temperature`; isotonic as in Zadrozny and Elkan 2002, KDD.
    """
    if method == "temperature":
        return {"temperature": fit_temperature(p, y)}
    said, truth = _checked(p, y)
    model: Any = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    model.fit(said, truth)
    return {"x": model.X_thresholds_.tolist(), "y": model.y_thresholds_.tolist()}


def scale(parameters: dict[str, Any], p: ArrayLike) -> Floats:
    """Probabilities (n,) as the scaling would have them.

    The mean of what it makes of p and of the complement of what it makes of 1 − p, so that which
    completion is called first changes nothing.
    """
    said = np.asarray(p, dtype=np.float64)
    found: Floats = (_one_way(parameters, said) + 1 - _one_way(parameters, 1 - said)) / 2
    return found


def _one_way(parameters: dict[str, Any], p: Floats) -> Floats:
    if "temperature" in parameters:
        z = logit(np.clip(p, EDGE, 1 - EDGE))
        return np.asarray(expit(z / parameters["temperature"]), dtype=np.float64)
    return np.asarray(np.interp(p, parameters["x"], parameters["y"]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Mended:
    """What scaling does to the calibration error on pairs that it was not fitted on."""

    method: Method
    n: int
    before: float
    after: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def held_out(method: Method, p: ArrayLike, y: ArrayLike, *, seed: int = 0) -> Mended | None:
    """Fit on one half and measure on the other, then the other way round; the error over both.

    None for fewer than LEAST_TO_FIT pairs, or where a half has one outcome alone.
    """
    said, truth = _checked(p, y)
    n = len(said)
    order = np.random.default_rng(seed).permutation(n)
    halves = (order[: n // 2], order[n // 2 :])
    if n < LEAST_TO_FIT or any(len(np.unique(truth[half])) < 2 for half in halves):
        return None
    mended = np.empty(n)
    for learn, measure in (halves, halves[::-1]):
        mended[measure] = scale(parameters_of(method, said[learn], truth[learn]), said[measure])
    before = expected_calibration_error(said, truth)
    after = expected_calibration_error(mended, truth)
    if before is None or after is None:
        return None
    return Mended(method, n, before, after)


def _checked(p: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    said, truth = np.asarray(p, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if said.shape != truth.shape or said.ndim != 1:
        raise ValueError(f"p has the shape {said.shape}, y {truth.shape}; both must be (n,)")
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError("probabilities must be in [0, 1]")
    if not np.isin(truth, (0.0, 1.0)).all():
        raise ValueError("outcomes must be 0 or 1")
    return said, truth
