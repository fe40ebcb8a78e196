"""What raters are told."""

from __future__ import annotations

from django.db import models

from corpus.models import SHA256, Project


class Guideline(models.Model):
    """What raters are told, in versions that never change."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guidelines")
    number = models.PositiveIntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64, validators=[SHA256])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_guideline_per_number"),
        ]

    def __str__(self) -> str:
        return f"guideline {self.number} of {self.project}"
