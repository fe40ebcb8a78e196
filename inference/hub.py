"""What the hub says when a model is looked for there, in words for whoever named the model.

Loaders try a hub that does not answer again and again, for a minute, and then say what a socket
said. Here it is asked once, first. Knows no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inference.errors import ModelLoadError

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

ASK_SECONDS = 10.0

BY_FOLDER = "A model in a local folder works without the hub: give its path."


class HubUnreachableError(ModelLoadError):
    """The hub is not asked, or does not answer: nothing is known of the model."""


def offline() -> bool:
    """This installation does not ask the hub (HF_HUB_OFFLINE)."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def refuse_offline(name: str) -> None:
    """HubUnreachableError for a hub name that is not at hand where the hub is not asked."""
    if offline() and not fetched_before(name):
        raise HubUnreachableError(
            f"{name!r} cannot be looked up on the Hugging Face hub, which is switched off here "
            f"(HF_HUB_OFFLINE is set). {BY_FOLDER}"
        )


def fetched_before(name: str, revision: str | None = None) -> bool:
    """Its files were fetched from the hub once and are on this machine."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json", revision=revision), str)


def ready_to_load(name: str, revision: str | None = None) -> None:
    """Return where a loader will find `name`: a folder, fetched before, or on the hub.

    Raises:
        HubUnreachableError: the hub is not asked, or does not answer.
        ModelLoadError: it is not there, or not for us.
    """
    if not Path(name).is_dir() and not fetched_before(name, revision):
        model_on_hub(name, revision)


def model_on_hub(name: str, revision: str | None = None) -> ModelInfo:
    """What the hub says of a model, asked once.

    Raises:
        HubUnreachableError: it is not asked, or does not answer.
        ModelLoadError: it is not there, or not for us.
    """
    import httpx
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    refuse_offline(name)
    try:
        return HfApi().model_info(name, revision=revision, files_metadata=True, timeout=ASK_SECONDS)
    except GatedRepoError as error:
        raise ModelLoadError(
            f"{name!r} is a gated model: accept its terms on the hub and set HF_TOKEN"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelLoadError(
            f"the hub has no model {name!r}; a private model needs HF_TOKEN"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelLoadError(
            f"{name!r} has no branch, tag or commit {revision!r} on the hub"
        ) from error
    except HFValidationError as error:
        raise ModelLoadError(f"{name!r} is not a valid hub name") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no status"
        raise HubUnreachableError(
            f"the hub did not say whether {name!r} exists: it responded with status {status}"
        ) from error
    except (OfflineModeIsEnabled, httpx.HTTPError, OSError) as error:
        raise HubUnreachableError(
            f"{name!r} cannot be looked up on the Hugging Face hub: {constants.ENDPOINT} cannot be "
            f"reached from this machine. {BY_FOLDER}"
        ) from error
