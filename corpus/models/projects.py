"""Projects."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

SHA256 = RegexValidator(r"^[0-9a-f]{64}$", "Enter 64 hexadecimal digits.")

SLUG_CHARACTERS = 80

RESERVED_SLUGS = frozenset({"new"})
"""Addresses below `projects/` that are no project's."""


def slug_fault(slug: str) -> str:
    """Why this cannot be the slug of a project; empty when it can."""
    if not re.fullmatch(r"[-a-zA-Z0-9_]+", slug) or len(slug) > SLUG_CHARACTERS:
        return (
            f"{slug!r} is not a valid slug: use up to {SLUG_CHARACTERS} letters, digits, - and _."
        )
    if slug in RESERVED_SLUGS:
        return f"{slug!r} is reserved for a page of its own; choose another slug."
    return ""


class Project(models.Model):
    slug = models.SlugField(unique=True, max_length=SLUG_CHARACTERS)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        # A slug is never changed: what it is to be is asked once.
        if self._state.adding and self.slug and (fault := slug_fault(self.slug)):
            raise ValidationError({"slug": fault})
