"""What happened to a version: every change with its author and reason, and the talk about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from constitution.models.versions import ConstitutionVersion


class Change(models.Model):
    """One change of a version, append-only. `before` and `after` are what the action is about.

    `revision` counts a version's changes from 1; the draft's own counter is the newest of them.
    """

    class Action(models.TextChoices):
        CREATED = "created", "created"
        EDITED = "edited", "edited"
        ADDED = "added", "added"
        REMOVED = "removed", "removed"
        MOVED = "moved", "moved"
        REPLACED = "replaced", "replaced the whole text"
        SHOTS = "shots", "changed the few-shot conversations"
        PUBLISHED = "published", "published"
        RETIRED = "retired", "retired"

    version = models.ForeignKey(
        ConstitutionVersion, on_delete=models.CASCADE, related_name="changes"
    )
    revision = models.PositiveIntegerField()
    action = models.CharField(max_length=10, choices=Action)
    principle_id = models.BigIntegerField(
        null=True, blank=True, help_text="ID of the principle, which may have been removed since."
    )
    principle_name = models.CharField(max_length=100, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-revision"]
        constraints = [
            models.UniqueConstraint(fields=["version", "revision"], name="one_change_per_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}#{self.revision} {self.action} {self.principle_name}".strip()


class Comment(models.Model):
    """A word in the thread of a version, about one of its principles or the whole."""

    version = models.ForeignKey(
        ConstitutionVersion, on_delete=models.CASCADE, related_name="comments"
    )
    principle_name = models.CharField(max_length=100, blank=True)
    text = models.TextField(max_length=5_000)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.text[:80]
