"""Sets of pairs that were picked once and never change, and calls that must not be made twice."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from corpus.models.projects import SHA256, Project
from corpus.models.texts import Pair
from figures.words import counted


class PairSet(models.Model):
    """Pairs that somebody picked, by hand or by a filter, as they were at that moment.

    Known by what is in it: a judge run or a dataset that names `sha256` takes the same pairs
    whenever it is looked at, in this installation or another that holds them.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pair_sets")
    sha256 = models.CharField(
        max_length=64,
        validators=[SHA256],
        help_text="Over the sha256 of its pairs, sorted; see corpus.pair_sets.",
    )
    size = models.PositiveIntegerField()
    picked_by = models.JSONField(
        default=dict, blank=True, help_text="The filter that it was made with; empty if by hand."
    )
    pairs = models.ManyToManyField(Pair, related_name="sets")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "sha256"], name="one_pair_set_per_hash"),
        ]

    def __str__(self) -> str:
        return f"{counted(self.size, 'picked pairs')} ({self.sha256[:12]}…)"


class IdempotentCall(models.Model):
    """What a call with an idempotency key was answered, for whoever sends it again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64, validators=[SHA256])
    answer = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user", "key"], name="one_call_per_key"),
        ]

    def __str__(self) -> str:
        return f"call {self.key} of {self.user}"
