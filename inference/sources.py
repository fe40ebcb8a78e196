"""Where a model's parts lie: its base, its adapter, its tokenizer. Knows no torch."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from inference.errors import ModelLoadError
from inference.heavy import importing
from inference.hub import ready_to_load

ADAPTER_CONFIG = "adapter_config.json"

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def resolve_adapter(model: str, adapter: str | None) -> tuple[str, Path | None]:
    """The base model's folder or name, and the adapter's folder or None.

    `model` may itself be an adapter folder: its base is then read from the adapter's
    configuration.

    Raises:
        ModelLoadError: a folder that is no adapter, or names no base.
    """
    if adapter is not None:
        folder = Path(adapter)
        if not (folder / ADAPTER_CONFIG).is_file():
            raise ModelLoadError(
                f"{adapter!r} is not an adapter folder: it has no {ADAPTER_CONFIG}"
            )
        if (Path(model) / ADAPTER_CONFIG).is_file():
            raise ModelLoadError(f"{model!r} is an adapter itself; an adapter needs a base model")
        return model, folder
    folder = Path(model)
    if not (folder / ADAPTER_CONFIG).is_file():
        return model, None
    try:
        base = json.loads((folder / ADAPTER_CONFIG).read_text())["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelLoadError(f"{model!r} has an unreadable {ADAPTER_CONFIG}: {error}") from error
    if not isinstance(base, str) or not base:
        raise ModelLoadError(
            f"the adapter {model!r} does not name its base model; open it as adapter="
        )
    # A relative base is looked up beside the adapter too, so that the two can move together.
    beside = folder / base
    return (str(beside) if beside.is_dir() and not Path(base).is_dir() else base), folder


def tokenizer_source(base: str, adapter_folder: Path | None) -> str:
    """The adapter's own tokenizer where it has one: it is the one it was trained with.

    Raises:
        ModelLoadError: `base` is neither a folder nor can be a hub name.
    """
    if adapter_folder is not None and (adapter_folder / "tokenizer_config.json").is_file():
        return str(adapter_folder)
    if not Path(base).is_dir():
        check_hub_name(base)
    return base


def check_hub_name(name: str) -> None:
    """Refuse what can be no name on the hub.

    Raises:
        ModelLoadError: says that it is no folder either.
    """
    if not _HUB_NAME.fullmatch(name):
        raise ModelLoadError(
            f"there is no model folder {name!r}, and it is not a valid hub name either"
        )


def load_tokenizer(
    source: str, *, revision: str | None = None, trust_remote_code: bool = False
) -> Any:
    """The tokenizer of a folder or hub name, which must have a chat template.

    Raises:
        ModelLoadError: nothing there, unreadable, or no chat template.
    """
    with importing():
        from transformers import AutoTokenizer

    ready_to_load(source, revision)

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            source, revision=revision_for(source, revision), trust_remote_code=trust_remote_code
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelLoadError(f"no tokenizer could be loaded from {source!r}: {error}") from error
    if not tokenizer.chat_template:
        raise ModelLoadError(
            f"the tokenizer of {source!r} has no chat template, so conversations cannot be "
            "rendered; use a chat model or add a chat_template to its tokenizer"
        )
    return tokenizer


def revision_for(source: str, revision: str | None) -> str | None:
    """A folder has no revisions."""
    return None if Path(source).is_dir() else revision
