"""The rules of quality control, one row a project, and what they found."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from annotation.models.people import Rater
from corpus.models import Project

SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]
KAPPA = [MinValueValidator(-1.0), MaxValueValidator(1.0)]


def default_criteria() -> list[dict[str, str]]:
    return []


class QualityPolicy(models.Model):
    """How a project's raters are admitted, watched and, if need be, sent away."""

    class Strength(models.TextChoices):
        OFF = "off", "not asked for"
        OPTIONAL = "optional"
        REQUIRED = "required"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="quality_policy")

    calibration_pairs = models.PositiveIntegerField(
        "calibration pairs", default=100, help_text="Gold pairs that a newcomer answers first."
    )
    admission_kappa = models.FloatField(
        "admission κ", default=0.6, validators=KAPPA, help_text="Against gold, at least this."
    )
    calibration_tries = models.PositiveSmallIntegerField(
        "tries", default=2, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )

    gold_share = models.FloatField(
        "gold in the stream", default=0.10, validators=SHARE, help_text="Share of all tasks."
    )
    overlap_share = models.FloatField(
        "overlap",
        default=0.10,
        validators=SHARE,
        help_text="Share of production pairs that several raters label.",
    )
    overlap_raters = models.PositiveSmallIntegerField(
        "raters of an overlap pair",
        default=2,
        validators=[MinValueValidator(2), MaxValueValidator(20)],
    )
    repeat_share = models.FloatField(
        "repeats",
        default=0.05,
        validators=SHARE,
        help_text="Share of a rater's own pairs that come back, with the sides drawn anew.",
    )
    repeat_after_days = models.PositiveSmallIntegerField(
        "days before a repeat", default=7, validators=[MaxValueValidator(365)]
    )
    max_flip_share = models.FloatField(
        "flips allowed",
        default=0.25,
        validators=SHARE,
        help_text="A rater who answers more of the repeats otherwise is flagged.",
    )
    recalibration_per_week = models.PositiveSmallIntegerField(
        "recalibration pairs a week", default=20, validators=[MaxValueValidator(500)]
    )

    kappa_floor = models.FloatField(
        "floor of κ",
        default=0.5,
        validators=KAPPA,
        help_text="Retraining when the upper end of the interval is below; the second time, "
        "suspension. A warning when the point is.",
    )
    window_labels = models.PositiveSmallIntegerField(
        "window",
        default=60,
        validators=[MinValueValidator(10), MaxValueValidator(1000)],
        help_text="So many of the newest gold answers of a rater count.",
    )
    min_labels = models.PositiveSmallIntegerField(
        "least n",
        default=20,
        validators=[MinValueValidator(5), MaxValueValidator(1000)],
        help_text="With fewer gold answers nobody is judged.",
    )

    gold_seniors = models.PositiveSmallIntegerField(
        "seniors who must agree on gold",
        default=2,
        validators=[MinValueValidator(2), MaxValueValidator(5)],
    )
    lease_minutes = models.PositiveSmallIntegerField(
        "lease, minutes", default=15, validators=[MinValueValidator(10), MaxValueValidator(20)]
    )
    idle_seconds = models.PositiveSmallIntegerField(
        "idle after, seconds",
        default=60,
        validators=[MinValueValidator(10), MaxValueValidator(600)],
        help_text="Time without a key, a touch or a move beyond this is left out of time on task.",
    )
    strength = models.CharField(max_length=8, choices=Strength, default=Strength.OPTIONAL)
    criteria = models.JSONField(
        default=default_criteria,
        blank=True,
        help_text="Axes beside the overall choice: a list of {key, name}.",
    )
    allow_edits = models.BooleanField("raters may edit the better response", default=True)
    show_own_kappa = models.BooleanField("raters see the trend of their own κ", default=True)
    min_seconds = models.FloatField(
        "speeding below, seconds",
        default=3.0,
        validators=[MinValueValidator(0.0)],
        help_text="A rater whose median time on task is less is flagged.",
    )
    seed = models.BigIntegerField(
        default=0, help_text="Of all draws of the queue; change it and they fall otherwise."
    )
    labels_seen = models.BigIntegerField(
        default=0, editable=False, help_text="The search for disputes has looked up to this label."
    )
    skips_seen = models.BigIntegerField(default=0, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "quality policies"
        constraints = [
            models.CheckConstraint(
                name="stream_shares_leave_production",
                condition=Q(gold_share__gte=0, repeat_share__gte=0)
                & Q(gold_share__lte=1.0 - F("repeat_share")),
            ),
        ]

    def __str__(self) -> str:
        return f"quality policy of {self.project}"

    def clean(self) -> None:
        """Rules between fields; each message names the values and what would be right."""
        faults: dict[str, str] = {}
        total = (self.gold_share or 0) + (self.repeat_share or 0)
        if total > 1:
            faults["gold_share"] = (
                f"Gold ({self.gold_share:g}) and repeats ({self.repeat_share:g}) add to {total:g}; "
                "together they can be at most 1, the whole stream."
            )
        if (
            self.admission_kappa is not None
            and self.kappa_floor is not None
            and self.kappa_floor > self.admission_kappa
        ):
            faults["kappa_floor"] = (
                f"The floor ({self.kappa_floor:g}) is above the κ for admission "
                f"({self.admission_kappa:g}): a rater just admitted would be sent back at once."
            )
        if (
            self.min_labels is not None
            and self.window_labels is not None
            and self.min_labels > self.window_labels
        ):
            faults["min_labels"] = (
                f"The least n ({self.min_labels}) is above the window ({self.window_labels}): "
                "nobody could ever be judged."
            )
        if self.calibration_pairs and self.calibration_pairs < (self.min_labels or 0):
            faults["calibration_pairs"] = (
                f"{self.calibration_pairs} calibration pairs are fewer than the least n "
                f"({self.min_labels}); take 0 for no calibration, or more."
            )
        if fault := criteria_fault(self.criteria):
            faults["criteria"] = fault
        if faults:
            raise ValidationError(faults)

    @property
    def criterion_keys(self) -> list[str]:
        return [axis["key"] for axis in self.criteria]


def criteria_fault(criteria: Any) -> str:
    """What is wrong with a list of criteria; empty when it is right."""
    if not isinstance(criteria, list):
        return "Criteria are a list of {key, name}."
    seen: set[str] = set()
    for axis in criteria:
        if not isinstance(axis, dict) or set(axis) != {"key", "name"}:
            return f"{axis!r} is no criterion: {{key, name}} is wanted."
        key, name = axis["key"], axis["name"]
        if not (isinstance(key, str) and key.isascii() and key.isidentifier() and len(key) <= 40):
            return f"{key!r} is no key: letters, digits and _ are, up to 40, a letter first."
        if not (isinstance(name, str) and 0 < len(name.strip()) <= 80):
            return f"The name of {key!r} must have 1 to 80 characters."
        if key in seen:
            return f"{key!r} stands twice."
        seen.add(key)
    return "" if len(criteria) <= 8 else f"{len(criteria)} criteria; 8 are the most."


class RaterCheck(models.Model):
    """One look at a rater's κ against gold, and what followed. Append-only."""

    class Kind(models.TextChoices):
        CALIBRATION = "calibration"
        WINDOW = "window"

    class Decision(models.TextChoices):
        NONE = "none", "nothing"
        WARN = "warn", "warning"
        ADMIT = "admit", "admitted"
        RETRY = "retry", "another try"
        RETRAIN = "retrain", "retraining"
        SUSPEND = "suspend", "suspended"

    rater = models.ForeignKey(
        Rater, on_delete=models.CASCADE, related_name="checks", db_index=False
    )
    kind = models.CharField(max_length=11, choices=Kind)
    kappa = models.FloatField(null=True, blank=True)
    n = models.PositiveIntegerField()
    correct = models.PositiveIntegerField(default=0)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why a figure is missing.")
    threshold = models.FloatField()
    decision = models.CharField(max_length=7, choices=Decision)
    newest_label = models.BigIntegerField(default=0, help_text="Id of the newest label it saw.")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            # A rater's trend, newest first.
            models.Index(fields=["rater", "-id"], name="check_of_rater"),
        ]

    def __str__(self) -> str:
        return f"{self.rater}: κ {self.kappa} (n {self.n}), {self.decision}"


class AgreementSnapshot(models.Model):
    """A project's agreement as it was counted last: derived, and replaced when labels come in."""

    project = models.OneToOneField(
        Project, on_delete=models.CASCADE, related_name="agreement_snapshot"
    )
    newest_label = models.BigIntegerField(help_text="Id of the newest label it counts.")
    report = models.JSONField()
    parts = models.JSONField()
    charts = models.JSONField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"agreement of {self.project}, {self.created_at:%Y-%m-%d %H:%M}"
