"""Projects."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

SHA256 = RegexValidator(r"^[0-9a-f]{64}$", "Enter 64 hexadecimal digits.")


class Project(models.Model):
    slug = models.SlugField(unique=True, max_length=80)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
