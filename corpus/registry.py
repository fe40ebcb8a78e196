"""The model registry: where a model version's weights are, and how models come into it.

A location is `sandbox`, `home:PATH` (below CONCORD_HOME, so that the folder may move), a folder,
or a hub name.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from corpus.models import ModelVersion, Project
from inference.sandbox import MODEL_PATH
from inference.weights import weights_sha256

SANDBOX_LOCATION = "sandbox"
SANDBOX_NAME = "sandbox"
HOME = "home:"


def location_of(model: ModelVersion) -> str:
    """What an engine or a recipe is given: a folder's path or a hub name."""
    if model.location == SANDBOX_LOCATION:
        return str(MODEL_PATH)
    if model.location.startswith(HOME):
        return str(Path(settings.CONCORD_HOME) / model.location.removeprefix(HOME))
    return model.location


def location_for(folder: Path) -> str:
    """How a folder is written down: below CONCORD_HOME relative to it, else as it is."""
    home = Path(settings.CONCORD_HOME)
    resolved = folder.resolve()
    if resolved.is_relative_to(home):
        return HOME + str(resolved.relative_to(home))
    return str(resolved)


def sandbox_model(project: Project) -> ModelVersion:
    """The shipped sandbox model as a base model of this project, registered when missing."""
    model, _ = ModelVersion.objects.get_or_create(
        project=project,
        name=SANDBOX_NAME,
        defaults={
            "kind": ModelVersion.Kind.BASE,
            "location": SANDBOX_LOCATION,
            "weights_sha256": weights_sha256(MODEL_PATH),
            "sandbox": True,
        },
    )
    return model


def register_base_model(project: Project, location: str) -> ModelVersion:
    """A base model by folder or hub name. The weights of a folder are hashed.

    Raises inference.errors.ModelLoadError for a folder without safetensors weights.
    """
    folder = Path(location).expanduser()
    in_folder = folder.is_dir()
    model, _ = ModelVersion.objects.get_or_create(
        project=project,
        name=location[-200:],
        defaults={
            "kind": ModelVersion.Kind.BASE,
            "location": location_for(folder) if in_folder else location,
            "weights_sha256": weights_sha256(folder) if in_folder else "",
        },
    )
    return model


def find_model(project: Project, reference: str) -> ModelVersion | None:
    """The project's model version of that name, or of that location."""
    models = ModelVersion.objects.filter(project=project)
    return (
        models.filter(name=reference).first()
        or models.filter(location=reference).order_by("-id").first()
    )
