"""What a rater in calibration is told: where they are, what the last try came to, what is next."""

from __future__ import annotations

from annotation.models import QualityPolicy, Rater, RaterCheck
from figures.words import counted

Decision = RaterCheck.Decision


def try_name(rater: Rater, policy: QualityPolicy) -> str:
    """The present try, in words; empty for a rater who is not in calibration."""
    if rater.status not in Rater.CALIBRATING:
        return ""
    if policy.calibration_tries < 2:
        return "Calibration"
    tries = policy.calibration_tries
    return f"Calibration, attempt {min(rater.tries + 1, tries)} of {tries}"


def outcome_of(check: RaterCheck, policy: QualityPolicy) -> str:
    """What a finished try came to, and what comes next, in the second person."""
    right = f"You agreed with the seniors on {check.correct} of {counted(check.n, 'pairs')}"
    if check.kappa is None:
        return (
            f"{right}. That is not enough to measure agreement beyond chance, so this attempt "
            f"does not count. {_another(policy)}"
        )
    measured = f"{right} (κ {check.kappa:.2f}; at least {check.threshold:.2f} is required)"
    if check.decision == Decision.ADMIT:
        return f"You passed calibration. {measured}. Your labels count from the next pair."
    if check.decision == Decision.RETRY:
        return f"You did not pass this attempt. {measured}. {_another(policy)}"
    if check.decision == Decision.SUSPEND:
        return (
            f"You did not pass your last attempt. {measured}. An admin will decide what happens "
            "next."
        )
    return (
        f"{measured}. Too few of these gold answers are still valid, so this attempt does not "
        f"count. {_another(policy)}"
    )


def last_outcome(rater: Rater, policy: QualityPolicy) -> str:
    """What the try before the present one came to; empty where there was none."""
    if rater.status not in Rater.CALIBRATING:
        return ""
    check = rater.checks.order_by("-id").first()
    if check is None or check.kind != RaterCheck.Kind.CALIBRATION:
        return ""
    return outcome_of(check, policy)


def _another(policy: QualityPolicy) -> str:
    return f"You will now get {policy.calibration_pairs} new pairs."
