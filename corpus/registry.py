"""The model registry: where a model version's weights are, and how models come into it.

A location is `sandbox`, `home:PATH` (below CONCORD_HOME, so that the folder may move), a folder,
or a hub name.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from corpus.errors import ModelNotAllowedError
from corpus.models import ModelRegistration, ModelVersion, Project
from inference.errors import ModelLoadError
from inference.hub import refuse_offline
from inference.inspection import inspect_model
from inference.sandbox import MODEL_PATH
from inference.sources import check_hub_name
from inference.weights import weights_sha256
from jobs.errors import PermanentJobError
from jobs.runner import JobContext
from jobs.services import enqueue

SANDBOX_LOCATION = "sandbox"
SANDBOX_NAME = "sandbox"
SANDBOX_CONTEXT_TOKENS = 512
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
            "context_tokens": SANDBOX_CONTEXT_TOKENS,
            "sandbox": True,
        },
    )
    return model


def root_of(model: ModelVersion) -> ModelVersion:
    """The version whose files are loaded first: an adapter's base, else the model itself."""
    while model.kind == ModelVersion.Kind.ADAPTER and model.parent is not None:
        model = model.parent
    return model


def register_base_model(
    project: Project,
    location: str,
    *,
    name: str = "",
    revision: str = "",
    consent_by: User | None = None,
) -> ModelVersion:
    """A base model by folder or hub name, looked over first; the one there is where it is known.

    The weights of a folder are hashed; a hub model is pinned to the commit that `revision` (a
    branch, tag or commit) names now. `consent_by` is the admin who consents to code from the
    model's repository being run here; it is recorded.

    Raises:
        inference.errors.ModelLoadError: it cannot be used, or needs code that nobody has
            consented to (RemoteCodeError).
    """
    folder = Path(location).expanduser()
    in_folder = folder.is_dir()
    chosen = (name or location)[-200:]
    known = ModelVersion.objects.filter(project=project, name=chosen).first()
    if known is not None:
        return known
    facts = inspect_model(
        str(folder) if in_folder else location,
        revision=revision or None,
        trust_remote_code=consent_by is not None,
    )
    trusted = consent_by is not None and facts.needs_remote_code
    model, _ = ModelVersion.objects.get_or_create(
        project=project,
        name=chosen,
        defaults={
            "kind": ModelVersion.Kind.BASE,
            "location": location_for(folder) if in_folder else location,
            "revision": facts.revision,
            "weights_sha256": weights_sha256(folder) if in_folder else "",
            "context_tokens": facts.context_tokens,
            "facts": {
                "architecture": facts.architecture,
                "vocabulary": facts.vocabulary,
                "parameters": facts.parameters,
                "weight_bytes": facts.weight_bytes,
                "dtype": facts.dtype,
            },
            "trust_remote_code": trusted,
            "remote_code_consent_by": consent_by if trusted else None,
            "remote_code_consent_at": timezone.now() if trusted else None,
        },
    )
    return model


def launch_registration(
    *,
    project: Project,
    location: str,
    name: str = "",
    revision: str = "",
    consent: bool = False,
    created_by: User,
) -> ModelRegistration:
    """Have a worker look a base model over and register it.

    A folder is taken only from below the folders that the installation names for it
    (MODELS_FOLDERS): else anybody who may register could read this machine's disk by its errors.

    What needs no look at the model is refused at once, and not by a worker later.

    Raises:
        ModelNotAllowedError: a folder elsewhere, what can be no hub name, or a hub name where the
            hub is not asked.
    """
    folder = Path(location).expanduser()
    if folder.is_absolute() or folder.is_dir() or location.startswith((".", "~")):
        allowed = [Path(one).resolve() for one in settings.MODELS_FOLDERS]
        if not any(folder.resolve().is_relative_to(one) for one in allowed):
            raise ModelNotAllowedError(
                f"{location!r} is not inside a model folder ({', '.join(map(str, allowed))}); "
                "move it there, or register it with `manage.py register_model`"
            )
        location = str(folder.resolve())
    else:
        try:
            check_hub_name(location)
            refuse_offline(location)
        except ModelLoadError as error:
            raise ModelNotAllowedError(str(error)) from error
    registration = ModelRegistration.objects.create(
        project=project,
        location=location,
        name=name,
        revision=revision,
        consent=consent,
        created_by=created_by,
    )
    enqueue(registration)
    return registration


def look_over(context: JobContext[ModelRegistration]) -> None:
    """The work of a registration; see `register_base_model`."""
    job = context.job
    try:
        model = register_base_model(
            job.project,
            job.location,
            name=job.name,
            revision=job.revision,
            consent_by=job.created_by if job.consent else None,
        )
    except ModelLoadError as error:
        raise PermanentJobError(str(error)) from error
    ModelRegistration.objects.filter(pk=job.pk).update(model_version=model)


def with_weights_of(project: Project, location: str) -> ModelVersion | None:
    """The project's model version that this folder holds, under whatever name: the same weights,
    and the same configuration, tokenizer and chat template.

    Raises:
        inference.errors.ModelLoadError: the folder has no usable weights.
    """
    folder = Path(location).expanduser()
    if not folder.is_dir():
        return None
    known = ModelVersion.objects.filter(project=project, weights_sha256=weights_sha256(folder))
    return next(
        (
            one
            for one in known.order_by("id")
            if _beside_weights(Path(location_of(one))) == _beside_weights(folder)
        ),
        None,
    )


BESIDE_WEIGHTS = ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def _beside_weights(folder: Path) -> list[bytes | None]:
    """What makes of weights the model that it is; None for a file that is not there."""
    files = [folder / name for name in BESIDE_WEIGHTS]
    return [file.read_bytes() if file.is_file() else None for file in files]


def find_model(project: Project, reference: str) -> ModelVersion | None:
    """The project's model version of that name, or of that location."""
    models = ModelVersion.objects.filter(project=project)
    return (
        models.filter(name=reference).first()
        or models.filter(location=reference).order_by("-id").first()
    )
