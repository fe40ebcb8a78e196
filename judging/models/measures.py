"""What is measured of judges, and the bounds that a project sets for them."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from corpus.models import Project
from jobs.models import Job
from judging.models.judges import JudgeConfig

SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]
HALF = [MinValueValidator(0.0), MaxValueValidator(0.5)]
ABOVE_ZERO = [MinValueValidator(0.0)]


class JudgePolicy(models.Model):
    """A project's bounds for its judges: what is beyond is marked red, and what attacks may win
    before a judge's labels reach training."""

    class Gate(models.TextChoices):
        OFF = "off", "report attacks but exclude nothing"
        FAILED = "failed", "exclude the labels of a judge that failed its attacks"
        OTHERS = (
            "others",
            "exclude a judge that failed its attacks, and an untested one where a certified rater "
            "or tested judge labels too",
        )
        UNTESTED = "untested", "exclude a judge's labels until it has passed its attacks"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="judge_policy")
    attack_gate = models.CharField(max_length=8, choices=Gate, default=Gate.OTHERS)
    attack_wins = models.FloatField(
        "highest win rate of an attack",
        default=0.1,
        validators=SHARE,
        help_text="The share of pairs that a constant, empty or instructing answer may win "
        "against a real one.",
    )
    padded_wins = models.FloatField(
        "highest win rate of padding",
        default=0.6,
        validators=SHARE,
        help_text="The share of pairs that a padded answer may win against the same answer "
        "without padding.",
    )
    first_shown = models.FloatField(
        "position bias",
        default=0.1,
        validators=HALF,
        help_text="How far from one half the average probability of the response shown first "
        "may be.",
    )
    inconsistent = models.FloatField(
        "winner changes with the order", default=0.25, validators=SHARE
    )
    length = models.FloatField(
        "length coefficient",
        default=0.7,
        validators=ABOVE_ZERO,
        help_text="Log-odds for an answer e times as long; 0.7 roughly doubles the odds.",
    )
    formatting = models.FloatField(
        "formatting coefficient",
        default=0.7,
        validators=ABOVE_ZERO,
        help_text="Log-odds for the more formatted of two answers.",
    )
    self_preference = models.FloatField(
        "self-preference",
        default=0.1,
        validators=SHARE,
        help_text="How much more often than humans a judge may prefer answers from its own "
        "model family.",
    )
    calibration_error = models.FloatField("calibration error", default=0.1, validators=SHARE)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"judge policy of {self.project}"


class AttackRun(Job):
    """Attacks on a judge: answers that say nothing, or tell it what to say, against real ones.

    `result` is empty until it is done; see judging.measures.attacks. `passed` is by the bounds
    of then.
    """

    TASK_NAME = "judging.tasks.attack_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="attack_runs")
    config = models.ForeignKey(JudgeConfig, on_delete=models.CASCADE, related_name="attack_runs")
    sample = models.PositiveIntegerField(default=100, help_text="Number of pairs to attack.")
    seed = models.BigIntegerField(default=0)
    bounds = models.JSONField(default=dict, help_text="The limits at the time of the launch.")
    result = models.JSONField(default=dict, blank=True)
    passed = models.BooleanField(null=True, blank=True)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"attacks {self.pk} on {self.config}"


class Calibration(models.Model):
    """A scaling of a judge's probabilities, learnt from humans. Append-only but for `in_use`.

    `parameters` are {temperature} or {x, y}, the steps of an isotonic regression. Errors are of
    pairs that it was not fitted on.
    """

    class Method(models.TextChoices):
        TEMPERATURE = "temperature"
        ISOTONIC = "isotonic"

    config = models.ForeignKey(JudgeConfig, on_delete=models.CASCADE, related_name="calibrations")
    method = models.CharField(max_length=11, choices=Method)
    parameters = models.JSONField()
    n = models.PositiveIntegerField(help_text="Pairs decided by humans.")
    error_before = models.FloatField()
    error_after = models.FloatField()
    in_use = models.BooleanField(default=False, help_text="Applied to the judge's new labels.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["config"], name="one_calibration_in_use", condition=Q(in_use=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} scaling of {self.config}"
