"""A calibration that is kept: fitted, stored as numbers, applied to what a judge says later."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from judging.calibration import EDGE, LEAST_TO_FIT, Floats, Method, fit_temperature, held_out
from judging.errors import NotCalibratableError
from judging.models import Calibration, JudgeConfig


@transaction.atomic
def calibrate(
    *,
    config: JudgeConfig,
    method: Method,
    p: Floats,
    y: Floats,
    created_by: User | None = None,
) -> Calibration:
    """Learn a scaling of the judge's probabilities from pairs that humans decided.

    `p` (n,) are its unscaled probabilities that first is preferred, `y` (n,) 1 where humans say
    so and 0 where they say second. Fitted on all of them; the errors told are of halves that it
    was not fitted on. NotCalibratableError where there are too few, or all alike.
    """
    tried = held_out(method, p, y)
    if tried is None:
        raise NotCalibratableError(
            f"Humans decided {len(p)} of the pairs that {config} has verdicts on; scaling needs "
            f"at least {LEAST_TO_FIT}, with both outcomes in each half."
        )
    return Calibration.objects.create(
        config=config,
        method=method,
        parameters=parameters_of(method, p, y),
        n=tried.n,
        error_before=tried.before,
        error_after=tried.after,
        created_by=created_by,
    )


@transaction.atomic
def use_calibration(*, config: JudgeConfig, calibration: Calibration | None) -> None:
    """Scale the judge's labels from now on by this calibration; None: not at all. Labels that are
    there already stay as they are: they are facts."""
    Calibration.objects.filter(config=config, in_use=True).update(in_use=False)
    if calibration is not None:
        Calibration.objects.filter(pk=calibration.pk, config=config).update(in_use=True)


def parameters_of(method: Method, p: Floats, y: Floats) -> dict[str, Any]:
    """What is stored of a fit: {temperature}, or the steps {x, y} of an isotonic regression."""
    if method == "temperature":
        return {"temperature": fit_temperature(p, y)}
    model: Any = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    model.fit(p, y)
    return {"x": model.X_thresholds_.tolist(), "y": model.y_thresholds_.tolist()}


def scaled(calibration: Calibration, p_first: float) -> float:
    """A probability as the calibration would have it, in [0, 1].

    Applied as what was learnt with first and second exchanged is applied to their complement:
    the mean of both, so that which completion is called first changes nothing.
    """
    return (_applied(calibration, p_first) + 1 - _applied(calibration, 1 - p_first)) / 2


def _applied(calibration: Calibration, p: float) -> float:
    numbers = calibration.parameters
    if calibration.method == Calibration.Method.TEMPERATURE:
        z = logit(min(1 - EDGE, max(EDGE, p)))
        return float(expit(z / numbers["temperature"]))
    return float(np.interp(p, numbers["x"], numbers["y"]))
