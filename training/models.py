"""Training runs and evaluations."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models

from corpus.models import ModelVersion, Project
from exports.models import DatasetVersion
from jobs.models import Job


class TrainingRun(Job):
    """One training run: a spec, a process that follows it, and the model that came out."""

    TASK_NAME = "training.tasks.train_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="training_runs")
    name = models.CharField(max_length=200)
    method = models.CharField(max_length=20)
    spec = models.JSONField(help_text="The training spec as submitted.")
    base_model = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="training_runs"
    )
    reference_model = models.ForeignKey(
        ModelVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The reference policy; if empty, the base model.",
    )
    dataset = models.ForeignKey(
        DatasetVersion, on_delete=models.PROTECT, related_name="training_runs"
    )
    result = models.JSONField(
        null=True, blank=True, help_text="Contents of the recipe's result file."
    )
    result_model = models.OneToOneField(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="made_by_run"
    )
    # The trainer is a process in a session of its own; these find it again after a crash.
    process_host = models.CharField(max_length=200, blank=True, editable=False)
    process_id = models.PositiveIntegerField(null=True, blank=True, editable=False)
    process_started_at = models.FloatField(null=True, blank=True, editable=False)

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        return Path(settings.RUNS_FOLDER) / str(self.pk)


class TrainingMetric(models.Model):
    """One line of a run's metrics file."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="metrics")
    step = models.PositiveIntegerField()
    values = models.JSONField()

    class Meta:
        ordering = ["step"]
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_metric_per_step"),
        ]

    def __str__(self) -> str:
        return f"step {self.step} of run {self.run_id}"


class Evaluation(models.Model):
    """How often a model prefers the chosen completion on one split of a dataset."""

    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="evaluations"
    )
    dataset = models.ForeignKey(
        DatasetVersion, on_delete=models.CASCADE, related_name="evaluations"
    )
    split = models.CharField(max_length=12)
    metric = models.CharField(max_length=40, default="preference_accuracy")
    value = models.FloatField()
    # Null where so few rows have no interval that holds.
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "dataset", "split", "metric"], name="one_evaluation_each"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} of {self.model_version} on {self.dataset} ({self.split})"
