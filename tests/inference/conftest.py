"""What the tests of the engines share: a tiny model, and a real vLLM server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inference.tiny_model import build_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("tiny-model"))
