"""What operations that ask a model share."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from corpus.models import ModelVersion, Project
from inference.registry import ENGINES
from serving.errors import UnknownModelError


class OnModel(serializers.Serializer[Any]):
    model = serializers.CharField(max_length=200, help_text="A model version's name.")
    engine = serializers.ChoiceField(choices=tuple(ENGINES), default="transformers")


def model_named(project: Project, name: str) -> ModelVersion:
    """The project's model version of that name. UnknownModelError, which lists those there are."""
    found = ModelVersion.objects.filter(project=project, name=name).first()
    if found is None:
        names = ", ".join(project.model_versions.order_by("name").values_list("name", flat=True))
        raise UnknownModelError(f"{project.slug} has no model {name!r}; it has: {names or 'none'}.")
    return found
