"""Models that answer, judge or were trained."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from corpus.models.projects import SHA256, Project
from jobs.models import Job


class ModelVersion(models.Model):
    """A model that wrote completions, judged, or was trained.

    `location` is a folder or a hub name; an `api` model is known by its name alone.
    """

    class Kind(models.TextChoices):
        BASE = "base"
        ADAPTER = "adapter"
        FULL = "full"
        API = "api", "API"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="model_versions")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind)
    location = models.CharField(max_length=500, blank=True)
    revision = models.CharField(max_length=100, blank=True)
    weights_sha256 = models.CharField(max_length=64, blank=True, validators=[SHA256])
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    sandbox = models.BooleanField(
        default=False, help_text="Derived from the sandbox model, and marked as such."
    )
    context_tokens = models.PositiveIntegerField(
        null=True, blank=True, help_text="Context length in tokens; empty if unknown."
    )
    facts = models.JSONField(
        default=dict, blank=True, help_text="Facts read from its files, see inference.inspection."
    )
    trust_remote_code = models.BooleanField(
        default=False, help_text="Its repository may run its own code when the model is loaded."
    )
    remote_code_consent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    remote_code_consent_at = models.DateTimeField(null=True, blank=True)
    price_prompt = models.DecimalField(
        "price of prompt tokens",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Price per million prompt tokens.",
    )
    price_completion = models.DecimalField(
        "price of completion tokens",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Price per million completion tokens.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_model_per_name"),
            models.CheckConstraint(
                condition=Q(trust_remote_code=False) | Q(remote_code_consent_at__isnull=False),
                name="remote_code_only_by_consent",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ModelRegistration(Job):
    """A base model being looked over by a worker, before it becomes a model version.

    `consent` records that the admin who asked consents to code from the model's repository.
    """

    TASK_NAME = "corpus.tasks.register_model_task"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="registrations")
    location = models.CharField(max_length=500)
    name = models.CharField(max_length=200, blank=True)
    revision = models.CharField(max_length=100, blank=True)
    consent = models.BooleanField(default=False)
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="registrations"
    )

    class Meta(Job.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name or self.location
