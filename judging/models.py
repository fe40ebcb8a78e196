"""Judges, their runs, and every verdict they gave."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from annotation.models import Rater
from constitution.models import ConstitutionVersion, Principle
from corpus.models import ModelVersion, Pair, Project
from jobs.models import Job


class JudgeConfig(models.Model):
    """How a judge judges. Its labels are those of `rater`, under the same law as a human's.

    Empty `constitution_version` and `model_version`: a foreign judge, whose verdicts were made
    elsewhere and imported.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_configs")
    rater = models.OneToOneField(Rater, on_delete=models.PROTECT, related_name="judge_config")
    constitution_version = models.ForeignKey(
        ConstitutionVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="judges"
    )
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="judges"
    )
    engine = models.CharField(max_length=20, blank=True)
    template = models.CharField(max_length=40, blank=True)
    tie_band = models.FloatField(
        default=0.05,
        validators=[MinValueValidator(0.0), MaxValueValidator(0.5)],
        help_text="Equal when the probability is this close to one half.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.rater.name


class JudgeRun(Job):
    """One pass of a judge over pairs. Exactly one verdict per pair, principle and order."""

    TASK_NAME = "judging.tasks.judge_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_runs")
    config = models.ForeignKey(JudgeConfig, on_delete=models.PROTECT, related_name="runs")
    selection = models.JSONField(help_text="Which pairs: see judging.selectors.pairs_to_judge.")
    seed = models.BigIntegerField(default=0)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"judge run {self.pk}"


class Verdict(models.Model):
    """What the judge said of one pair under one principle in one order."""

    class Order(models.TextChoices):
        FIRST_SECOND = "ab", "first shown first"
        SECOND_FIRST = "ba", "second shown first"

    class Status(models.TextChoices):
        OK = "ok"
        UNPARSED = "unparsed"
        REFUSED = "refused"
        FAILED = "failed"

    run = models.ForeignKey(
        JudgeRun, null=True, blank=True, on_delete=models.CASCADE, related_name="verdicts"
    )
    config = models.ForeignKey(JudgeConfig, on_delete=models.CASCADE, related_name="verdicts")
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="verdicts")
    principle = models.ForeignKey(
        Principle, null=True, blank=True, on_delete=models.PROTECT, related_name="verdicts"
    )
    order = models.CharField(max_length=2, choices=Order)
    status = models.CharField(max_length=8, choices=Status)
    reason = models.CharField(max_length=500, blank=True)
    p_first = models.FloatField(null=True, blank=True)
    option_mass = models.FloatField(null=True, blank=True)
    raw_reply = models.JSONField(default=dict, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    milliseconds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "pair", "principle", "order"], name="one_verdict_each"
            ),
            models.UniqueConstraint(
                fields=["config", "pair", "order"],
                name="one_imported_verdict_each",
                condition=Q(run__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(status="ok", p_first__gte=0, p_first__lte=1)
                | (~Q(status="ok") & Q(p_first__isnull=True)),
                name="only_a_read_verdict_has_a_probability",
            ),
        ]

    def __str__(self) -> str:
        return f"verdict on {self.pair_id} ({self.order})"
