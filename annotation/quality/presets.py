"""Quality policies to begin with, as data: what each changes of the policy's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from annotation.models import QualityPolicy
from figures.words import percent


@dataclass(frozen=True, slots=True)
class Preset:
    """A policy by its name: for whom it is, and the fields that differ from the defaults."""

    title: str
    purpose: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What it means for raters, in the figures of the policy itself."""
        policy = QualityPolicy(**self.changes)
        parts = []
        if policy.calibration_pairs:
            parts.append(
                f"New raters first answer {policy.calibration_pairs} gold pairs and pass with "
                f"κ ≥ {policy.admission_kappa:g}"
            )
        else:
            parts.append("No calibration: raters start labelling at once")
        if policy.gold_share:
            parts.append(
                f"{percent(policy.gold_share, 0)} of their tasks are gold, and κ below "
                f"{policy.kappa_floor:g} sends them to retraining"
            )
        else:
            parts.append("no tasks are gold, so no rater's κ is checked")
        parts.append(
            f"{percent(policy.overlap_share, 0)} of pairs are labelled by "
            f"{policy.overlap_raters} raters"
        )
        return "; ".join(parts) + "."


PRESETS: dict[str, Preset] = {
    "trial": Preset(
        "Trial",
        "To try things out, or for a small team of experts.",
        {
            "calibration_pairs": 0,
            "gold_share": 0.0,
            "recalibration_per_week": 0,
            "repeat_share": 0.0,
            "overlap_share": 0.2,
        },
    ),
    "standard": Preset("Standard", "For most projects."),
    "strict": Preset(
        "Strict",
        "For raters you do not know yet, or data that others will rely on.",
        {
            "calibration_pairs": 150,
            "admission_kappa": 0.7,
            "gold_share": 0.15,
            "recalibration_per_week": 30,
            "kappa_floor": 0.6,
            "overlap_share": 0.3,
            "overlap_raters": 3,
            "repeat_share": 0.1,
            "max_flip_share": 0.2,
        },
    ),
}
