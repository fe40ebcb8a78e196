"""Which files are a model's weights, and the hash that names them.

Only safetensors are weights here: unpickling runs code of whoever wrote the file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from inference.errors import ModelLoadError

PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl"})

_CHUNK_BYTES = 1 << 20


def safetensors_files(folder: Path) -> list[Path]:
    """The safetensors files of a model or adapter folder, by name.

    Only the folder's own files count, as they do for the loaders of transformers and peft.

    Raises:
        ModelLoadError: no such folder, or no safetensors in it; the message says so when pickled
            weights lie there instead.
    """
    if not folder.is_dir():
        raise ModelLoadError(f"there is no model folder {str(folder)!r}")
    files = sorted(path for path in folder.glob("*.safetensors") if path.is_file())
    if files:
        return files
    pickles = pickle_files(folder)
    if pickles:
        raise ModelLoadError(
            f"{str(folder)!r} contains only pickled weights ({_names(pickles)}); loading them "
            "would run code from the file: convert them to safetensors first"
        )
    raise ModelLoadError(f"{str(folder)!r} contains no *.safetensors file")


def pickle_files(folder: Path) -> list[Path]:
    """The files of a folder whose suffix says that they are pickled, by name."""
    return sorted(
        path for path in folder.iterdir() if path.suffix in PICKLE_SUFFIXES and path.is_file()
    )


def weights_sha256(folder: Path) -> str:
    """The sha256 (64 hex digits) that names the weights in a model or adapter folder.

    It covers each safetensors file's name, size and bytes, in the order of the names; the
    configuration, tokenizer and everything else are left out. Files are streamed, so the memory
    needed does not grow with the model.

    Raises:
        ModelLoadError: no such folder, no safetensors in it, or pickled files beside them: a
            loader could then read weights that the hash does not cover.
    """
    files = safetensors_files(folder)
    pickles = pickle_files(folder)
    if pickles:
        raise ModelLoadError(
            f"{str(folder)!r} contains pickle files next to its weights ({_names(pickles)}); "
            "remove them"
        )
    digest = hashlib.sha256()
    for path in files:
        # The size ends the name unambiguously, so no two sets of files give the same stream.
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)
