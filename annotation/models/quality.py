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
        OFF = "off", "Not asked"
        OPTIONAL = "optional"
        REQUIRED = "required"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="quality_policy")

    calibration_pairs = models.PositiveIntegerField(
        "calibration pairs",
        default=100,
        help_text="Gold pairs that a new rater answers before labelling.",
    )
    admission_kappa = models.FloatField(
        "admission κ",
        default=0.6,
        validators=KAPPA,
        help_text="Minimum κ against gold to pass calibration.",
    )
    calibration_tries = models.PositiveSmallIntegerField(
        "calibration attempts", default=2, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )

    gold_share = models.FloatField(
        "gold share",
        default=0.10,
        validators=SHARE,
        help_text="Share of all tasks that are gold pairs.",
    )
    overlap_share = models.FloatField(
        "overlap share",
        default=0.10,
        validators=SHARE,
        help_text="Share of production pairs that several raters label.",
    )
    overlap_raters = models.PositiveSmallIntegerField(
        "raters per overlap pair",
        default=2,
        validators=[MinValueValidator(2), MaxValueValidator(20)],
    )
    repeat_share = models.FloatField(
        "repeat share",
        default=0.05,
        validators=SHARE,
        help_text="Share of a rater's own pairs that are shown again, with the sides drawn afresh.",
    )
    repeat_after_days = models.PositiveSmallIntegerField(
        "days before a repeat", default=7, validators=[MaxValueValidator(365)]
    )
    max_flip_share = models.FloatField(
        "changed answers allowed",
        default=0.25,
        validators=SHARE,
        help_text="Raters who change more of their answers on repeats than this are flagged.",
    )
    recalibration_per_week = models.PositiveSmallIntegerField(
        "recalibration pairs per week", default=20, validators=[MaxValueValidator(500)]
    )

    kappa_floor = models.FloatField(
        "minimum κ",
        default=0.5,
        validators=KAPPA,
        help_text="A rater whose whole 95 % interval is below this is sent to retraining, or "
        "suspended the second time. If only κ itself is below it, there is a warning.",
    )
    window_labels = models.PositiveSmallIntegerField(
        "window (gold answers)",
        default=60,
        validators=[MinValueValidator(10), MaxValueValidator(1000)],
        help_text="How many of a rater's most recent gold answers count.",
    )
    min_labels = models.PositiveSmallIntegerField(
        "minimum sample (gold answers)",
        default=20,
        validators=[MinValueValidator(5), MaxValueValidator(1000)],
        help_text="Raters with fewer gold answers are not assessed. Below 10, κ has no interval, "
        "so nobody is retrained or suspended either.",
    )

    gold_seniors = models.PositiveSmallIntegerField(
        "seniors who must agree on gold",
        default=2,
        validators=[MinValueValidator(2), MaxValueValidator(5)],
    )
    lease_minutes = models.PositiveSmallIntegerField(
        "lease (minutes)", default=15, validators=[MinValueValidator(10), MaxValueValidator(20)]
    )
    idle_seconds = models.PositiveSmallIntegerField(
        "idle limit (seconds)",
        default=60,
        validators=[MinValueValidator(10), MaxValueValidator(600)],
        help_text="Time without keyboard, mouse or touch activity beyond this does not count as "
        "time on task.",
    )
    strength = models.CharField(max_length=8, choices=Strength, default=Strength.OPTIONAL)
    criteria = models.JSONField(
        default=default_criteria,
        blank=True,
        help_text="Criteria besides the overall choice: a list of {key, name}.",
    )
    allow_edits = models.BooleanField("raters can edit the better response", default=True)
    show_own_kappa = models.BooleanField("raters can see their own κ over time", default=True)
    min_seconds = models.FloatField(
        "speeding threshold (seconds)",
        default=3.0,
        validators=[MinValueValidator(0.0)],
        help_text="Raters whose median time on task is below this are flagged.",
    )
    seed = models.BigIntegerField(
        default=0,
        help_text="Seed for all random draws in the queue; changing it changes every draw.",
    )
    labels_seen = models.BigIntegerField(
        default=0,
        editable=False,
        help_text="Id of the last label that the search for disputes has checked.",
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
                f"Gold ({self.gold_share:g}) and repeats ({self.repeat_share:g}) add up to "
                f"{total:g}; together they can be at most 1 (all tasks)."
            )
        if (
            self.admission_kappa is not None
            and self.kappa_floor is not None
            and self.kappa_floor > self.admission_kappa
        ):
            faults["kappa_floor"] = (
                f"The minimum κ ({self.kappa_floor:g}) is above the admission κ "
                f"({self.admission_kappa:g}): newly admitted raters would be sent straight back "
                "to calibration."
            )
        if (
            self.min_labels is not None
            and self.window_labels is not None
            and self.min_labels > self.window_labels
        ):
            faults["min_labels"] = (
                f"The minimum sample ({self.min_labels}) is larger than the window "
                f"({self.window_labels}): nobody could ever be assessed."
            )
        if self.calibration_pairs and self.calibration_pairs < (self.min_labels or 0):
            faults["calibration_pairs"] = (
                f"{self.calibration_pairs} calibration pairs are fewer than the minimum sample "
                f"({self.min_labels}); use at least {self.min_labels}, or 0 for no calibration."
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
        return "Criteria must be a list of {key, name}."
    seen: set[str] = set()
    for axis in criteria:
        if not isinstance(axis, dict) or set(axis) != {"key", "name"}:
            return f"{axis!r} is not a criterion: it must be {{key, name}}."
        key, name = axis["key"], axis["name"]
        if not (isinstance(key, str) and key.isascii() and key.isidentifier() and len(key) <= 40):
            return (
                f"{key!r} is not a valid key: use up to 40 letters, digits and _, starting with a "
                "letter."
            )
        if not (isinstance(name, str) and 0 < len(name.strip()) <= 80):
            return f"The name of {key!r} must have 1 to 80 characters."
        if key in seen:
            return f"{key!r} appears twice."
        seen.add(key)
    return "" if len(criteria) <= 8 else f"{len(criteria)} criteria; the maximum is 8."


class RaterCheck(models.Model):
    """One look at a rater's κ against gold, and what followed. Append-only."""

    class Kind(models.TextChoices):
        CALIBRATION = "calibration"
        WINDOW = "window", "Recent gold answers"

    class Decision(models.TextChoices):
        NONE = "none", "No action"
        WARN = "warn", "Warning"
        ADMIT = "admit", "Admitted"
        RETRY = "retry", "Another attempt"
        RETRAIN = "retrain", "Retraining"
        SUSPEND = "suspend", "Suspended"

    rater = models.ForeignKey(
        Rater, on_delete=models.CASCADE, related_name="checks", db_index=False
    )
    kind = models.CharField(max_length=11, choices=Kind)
    kappa = models.FloatField("κ", null=True, blank=True)
    n = models.PositiveIntegerField("answers")
    correct = models.PositiveIntegerField("correct answers", default=0)
    low = models.FloatField("interval from", null=True, blank=True)
    high = models.FloatField("interval to", null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why a figure is missing.")
    threshold = models.FloatField("required κ")
    decision = models.CharField(max_length=7, choices=Decision)
    newest_label = models.BigIntegerField(default=0, help_text="Id of the newest label it covers.")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            # A rater's trend, newest first.
            models.Index(fields=["rater", "-id"], name="check_of_rater"),
        ]

    def __str__(self) -> str:
        kappa = "undefined" if self.kappa is None else f"{self.kappa:.2f}"
        return f"{self.rater}: κ {kappa} (n {self.n}), {self.get_decision_display().lower()}"


class AgreementSnapshot(models.Model):
    """A project's agreement as it was counted last: derived, and replaced when labels come in."""

    project = models.OneToOneField(
        Project, on_delete=models.CASCADE, related_name="agreement_snapshot"
    )
    newest_label = models.BigIntegerField(help_text="Id of the newest label it includes.")
    report = models.JSONField()
    parts = models.JSONField()
    charts = models.JSONField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"agreement of {self.project}, {self.created_at:%Y-%m-%d %H:%M}"
