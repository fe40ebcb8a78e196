"""The hash that names a model's weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from inference.errors import ModelLoadError
from inference.weights import weights_sha256


def write(folder: Path, **files: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.safetensors").write_bytes(content)
    return folder


def test_the_hash_is_of_names_sizes_and_bytes(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", b=b"second", a=b"first")
    stream = b"a.safetensors\x005\x00first" + b"b.safetensors\x006\x00second"
    assert weights_sha256(folder) == hashlib.sha256(stream).hexdigest()


def test_files_larger_than_a_chunk_are_read_whole(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8192 + b"tail"
    folder = write(tmp_path / "model", model=content)
    stream = f"model.safetensors\0{len(content)}\0".encode() + content
    assert weights_sha256(folder) == hashlib.sha256(stream).hexdigest()


def test_only_the_weights_count(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", model=b"weights")
    before = weights_sha256(folder)
    (folder / "config.json").write_text("{}")
    assert weights_sha256(folder) == before
    write(folder, model=b"other weights")
    assert weights_sha256(folder) != before


def test_bytes_moved_between_files_change_the_hash(tmp_path: Path) -> None:
    one = write(tmp_path / "one", a=b"xy", b=b"z")
    other = write(tmp_path / "other", a=b"x", b=b"yz")
    assert weights_sha256(one) != weights_sha256(other)


@pytest.mark.parametrize("name", ["a.bin", "a.pt", "a.pth", "a.ckpt", "a.pkl", "training_args.bin"])
def test_pickles_beside_the_weights_are_refused(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "model", model=b"weights")
    (folder / name).write_bytes(b"pickle")
    with pytest.raises(ModelLoadError, match=f"pickle files next to its weights .{name}."):
        weights_sha256(folder)


def test_a_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="no model folder"):
        weights_sha256(tmp_path / "absent")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelLoadError, match=r"contains no \*\.safetensors"):
        weights_sha256(tmp_path)
    (tmp_path / "model.pt").write_bytes(b"pickle")
    with pytest.raises(ModelLoadError, match=r"only pickled weights \(model\.pt\)"):
        weights_sha256(tmp_path)


def test_the_tiny_model_has_one_hash_a_seed(tiny_model: Path, tmp_path: Path) -> None:
    from tests.inference.tiny_model import build_tiny_model

    assert weights_sha256(build_tiny_model(tmp_path / "same")) == weights_sha256(tiny_model)
    other = build_tiny_model(tmp_path / "other", seed=1)
    assert weights_sha256(other) != weights_sha256(tiny_model)
