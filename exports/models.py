"""Frozen dataset versions, known by the hash of their rows."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models

from corpus.models import SHA256, Project


class DatasetVersion(models.Model):
    class Kind(models.TextChoices):
        PREFERENCE = "preference"
        UNPAIRED = "unpaired"
        SFT = "sft"
        PROMPTS = "prompts"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="datasets")
    name = models.SlugField(max_length=80)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PREFERENCE)
    sha256 = models.CharField(max_length=64, validators=[SHA256])
    manifest = models.JSONField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "number"], name="one_dataset_per_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"

    @property
    def folder(self) -> Path:
        return Path(settings.DATASETS_FOLDER) / self.sha256
