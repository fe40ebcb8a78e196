"""A calibration that is kept: fitted, stored as numbers, applied to what a judge says later."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from judging.errors import NotCalibratableError
from judging.measures.calibration import (
    LEAST_TO_FIT,
    Floats,
    Method,
    held_out,
    parameters_of,
    scale,
)
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
            f"Humans decided only {len(p)} of the pairs with verdicts from {config}; scaling needs "
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


def scaled(calibration: Calibration, p_first: float) -> float:
    """A probability as the calibration would have it, in [0, 1]."""
    return float(scale(calibration.parameters, [p_first])[0])
