"""Hugging Face hubs for tests: one that is not there, and one that says what it is told to."""

from __future__ import annotations

import pytest

from inference.launcher import free_port


def unreachable_hub(monkeypatch: pytest.MonkeyPatch) -> str:
    """The installation asks the hub, and nobody answers at its address."""
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    return address
