"""What a model's files say before it is loaded: can it be used, how long may a prompt be.

Reads the configuration, the tokenizer and the headers of the weights, from a folder or from the
hub; no weights are loaded and none of a hub model are fetched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import ModelLoadError
from inference.heavy import importing
from inference.hub import model_on_hub
from inference.sources import check_hub_name, load_tokenizer
from inference.weights import pickle_files, safetensors_files


class RemoteCodeError(ModelLoadError):
    """The model cannot be used without running code from its repository."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What was found. `revision` is the hub's commit, empty for a folder; `parameters` None where
    the headers of the weights are not at hand; `context_tokens` None where no limit is named."""

    location: str
    revision: str
    architecture: str
    context_tokens: int | None
    vocabulary: int
    parameters: int | None
    weight_bytes: int
    dtype: str
    needs_remote_code: bool


def inspect_model(
    location: str, *, revision: str | None = None, trust_remote_code: bool = False
) -> ModelFacts:
    """Look a model over: a folder, or a hub name with an optional branch, tag or commit.

    Raises:
        RemoteCodeError: it needs code from its repository and `trust_remote_code` is False.
        HubUnreachableError: the hub is not asked here, or does not answer.
        ModelLoadError: nothing there, no safetensors weights, pickled ones in a folder, no
            readable configuration or tokenizer, or no chat template.
    """
    folder = Path(location)
    if folder.is_dir():
        return _inspect_folder(folder, trust_remote_code)
    check_hub_name(location)
    return _inspect_hub(location, revision, trust_remote_code)


def _inspect_folder(folder: Path, trust_remote_code: bool) -> ModelFacts:
    files = safetensors_files(folder)
    pickles = pickle_files(folder)
    if pickles:
        raise ModelLoadError(
            f"{str(folder)!r} contains pickle files next to its weights "
            f"({', '.join(path.name for path in pickles)}); remove them"
        )
    return _facts(
        str(folder),
        "",
        sum(path.stat().st_size for path in files),
        sum(map(_parameters, files)),
        trust_remote_code,
    )


def _inspect_hub(name: str, revision: str | None, trust_remote_code: bool) -> ModelFacts:
    info = model_on_hub(name, revision)
    weights = [one for one in info.siblings or [] if one.rfilename.endswith(".safetensors")]
    if not weights:
        raise ModelLoadError(
            f"{name!r} has no safetensors weights on the hub; pickle files are never loaded"
        )
    total = info.safetensors.total if info.safetensors is not None else None
    return _facts(
        name, info.sha or "", sum(one.size or 0 for one in weights), total, trust_remote_code
    )


def _facts(
    location: str, revision: str, weight_bytes: int, parameters: int | None, trusted: bool
) -> ModelFacts:
    with importing():
        from transformers import PretrainedConfig

    read_config: Any = PretrainedConfig.get_config_dict
    try:
        config, _ = read_config(location, revision=revision or None)
    except (OSError, ValueError) as error:
        raise ModelLoadError(f"{location!r} has no readable config.json: {error}") from error
    if not config.get("architectures"):
        raise ModelLoadError(f"the config.json of {location!r} does not name an architecture")
    needs_code = "auto_map" in config
    if needs_code and not trusted:
        raise RemoteCodeError(
            f"{location!r} needs code from its own repository (auto_map in its config.json), which "
            "runs only with the consent of an admin"
        )
    tokenizer = load_tokenizer(location, revision=revision or None, trust_remote_code=trusted)
    return ModelFacts(
        location=location,
        revision=revision,
        architecture=str(config["architectures"][0]),
        context_tokens=_context(config),
        vocabulary=len(tokenizer),
        parameters=parameters,
        weight_bytes=weight_bytes,
        dtype=str(config.get("dtype") or config.get("torch_dtype") or "unknown"),
        needs_remote_code=needs_code,
    )


def _context(config: dict[str, Any]) -> int | None:
    """The longest prompt plus answer; composite models name it in the part that writes text."""
    for part in (config, config.get("text_config") or {}):
        limit = part.get("max_position_embeddings")
        if isinstance(limit, int):
            return limit
    return None


def _parameters(path: Path) -> int:
    from safetensors import SafetensorError, safe_open

    opened: Any = safe_open
    try:
        with opened(str(path), framework="numpy") as weights:
            names: list[str] = list(weights.keys())
            return sum(math.prod(weights.get_slice(name).get_shape()) for name in names)
    except (SafetensorError, OSError) as error:
        raise ModelLoadError(
            f"{str(path)!r} is not a readable safetensors file: {error}"
        ) from error
