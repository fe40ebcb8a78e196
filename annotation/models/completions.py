"""Labels of single completions and of the steps in them. Append-only, like labels of pairs."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from annotation.models.people import Rater
from corpus.models import SHA256, Completion, Import, Project


class CompletionLabel(models.Model):
    """Thumb up or down for one completion, without another beside it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="completion_labels")
    completion = models.ForeignKey(Completion, on_delete=models.CASCADE, related_name="labels")
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="completion_labels")
    good = models.BooleanField(help_text="Desirable (thumb up) or undesirable (thumb down).")
    comment = models.TextField(blank=True)
    source_import = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    import_sha256 = models.CharField(
        "hash of imported label", max_length=64, blank=True, validators=[SHA256]
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["completion", "rater", "import_sha256"], name="one_completion_label_each"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rater}: thumb {'up' if self.good else 'down'}"


class StepLabel(models.Model):
    """Whether one step of a completion is right, for process reward models."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="step_labels")
    completion = models.ForeignKey(Completion, on_delete=models.CASCADE, related_name="step_labels")
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="step_labels")
    step = models.PositiveIntegerField(help_text="From 0, a place in the completion's steps.")
    value = models.SmallIntegerField(
        validators=[MinValueValidator(-1), MaxValueValidator(1)],
        help_text="1 right, 0 neither right nor wrong, -1 wrong.",
    )
    source_import = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["completion", "rater", "step"], name="one_label_per_step"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rater}: {self.value:+d} for step {self.step + 1}"
