"""Constitutions, their versions and the principles in them."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from corpus.models import SHA256, Project


class Constitution(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="constitutions")
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="one_constitution_per_slug"),
        ]

    def __str__(self) -> str:
        return self.name


class ConstitutionVersion(models.Model):
    """A draft, or a published text that never changes again. `sha256` is of the canonical text."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        RETIRED = "retired"

    constitution = models.ForeignKey(
        Constitution, on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    sha256 = models.CharField(max_length=64, blank=True, validators=[SHA256])
    few_shots = models.JSONField(
        default=list, blank=True, help_text="Example conversations shown to the model first."
    )
    based_on = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="successors"
    )
    revision = models.PositiveIntegerField(
        default=0, help_text="Number of changes; used to detect conflicting edits of a draft."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["constitution", "number"], name="one_version_per_number"
            ),
            models.CheckConstraint(
                name="a_published_version_has_its_hash",
                condition=Q(status="draft", sha256="")
                | (~Q(status="draft") & ~Q(sha256="") & Q(published_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.constitution.slug}@{self.number}"


class Principle(models.Model):
    version = models.ForeignKey(
        ConstitutionVersion, on_delete=models.CASCADE, related_name="principles"
    )
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    comparison = models.TextField(
        blank=True,
        help_text="“Choose the response that …”. Judges ignore principles without one.",
    )
    critique_request = models.TextField(blank=True)
    revision_request = models.TextField(blank=True)
    weight = models.FloatField(default=1.0, validators=[MinValueValidator(0.0)])
    tags = models.JSONField(default=list, blank=True)
    examples = models.JSONField(
        default=list, blank=True, help_text="A list of {prompt, response, critique, revision}."
    )
    verifier = models.JSONField(
        null=True, blank=True, help_text="See constitution.verifiers; empty if there is none."
    )
    revision = models.PositiveIntegerField(
        default=0, help_text="The version's revision when this principle was last changed."
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"], name="one_principle_per_position"
            ),
            models.UniqueConstraint(fields=["version", "name"], name="one_principle_per_name"),
        ]

    def __str__(self) -> str:
        return self.name
