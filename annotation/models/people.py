"""Raters: people and judges, and how their status changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.guideline import Guideline
from corpus.models import Project


class Rater(models.Model):
    """One who judges pairs, human or machine. An imported rater has no account."""

    class Kind(models.TextChoices):
        HUMAN = "human"
        JUDGE = "judge"

    class Status(models.TextChoices):
        ONBOARDING = "onboarding"
        ACTIVE = "active"
        RETRAINING = "retraining"
        SUSPENDED = "suspended"

    CALIBRATING = (Status.ONBOARDING, Status.RETRAINING)
    """Who gets gold pairs alone, until they pass."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="raters")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="raters",
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    status_reason = models.CharField("reason for status", max_length=500, blank=True)
    guideline_read = models.ForeignKey(
        Guideline,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The newest version that the rater has confirmed reading.",
    )

    # Where quality control stands with them. Marks are ids, so that no clock can move them.
    certified_after = models.BigIntegerField(
        "gold counts after label",
        default=0,
        help_text="Only gold answers after this label id count in the window.",
    )
    calibration_after = models.BigIntegerField(
        "calibration counts after slot",
        default=0,
        help_text="Only calibration slots after this slot id count in the current attempt.",
    )
    tries = models.PositiveSmallIntegerField(
        "failed attempts",
        default=0,
        help_text="Failed attempts since the rater was sent to calibration.",
    )
    retrainings = models.PositiveSmallIntegerField(default=0)
    recalibration_from = models.DateTimeField(null=True, blank=True)
    recalibration_left = models.PositiveSmallIntegerField(default=0)

    # Where the queue stands with them.
    tasks_drawn = models.PositiveBigIntegerField(default=0)
    side_balance = models.IntegerField(
        default=0, help_text="Tasks that showed the first response on the left, minus the others."
    )
    gold_cursor = models.BigIntegerField(
        "position in gold",
        default=0,
        help_text="The rater's position in the sequence of gold pairs.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "name"], name="one_rater_per_kind_and_name"
            ),
            models.UniqueConstraint(
                fields=["project", "user"],
                name="one_rater_per_user",
                condition=Q(user__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(kind="human") | Q(user__isnull=True), name="a_judge_has_no_account"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StatusChange(models.Model):
    """A rater's status was changed, by the rules or by an admin. Append-only."""

    rater = models.ForeignKey(Rater, on_delete=models.CASCADE, related_name="status_changes")
    before = models.CharField(max_length=12, choices=Rater.Status)
    after = models.CharField(max_length=12, choices=Rater.Status)
    reason = models.CharField(max_length=500)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty for automatic changes.",
    )
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.rater}: {self.before} → {self.after}"
