"""A real, supervised vLLM server on the sandbox model, shared by the tests that need one."""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from inference.launcher import Status, Supervisor, free_port, vllm_command
from inference.sandbox import MODEL_PATH

SERVED_NAME = "sandbox"
READY_SECONDS = 300.0

VLLM_IS_INSTALLED = importlib.util.find_spec("vllm") is not None
needs_vllm = pytest.mark.skipif(
    not VLLM_IS_INSTALLED, reason="vLLM is not installed: make install-vllm"
)

# A quick start and exact numbers: no compilation, float32, a small cache.
QUICK = ("--enforce-eager", "--max-num-seqs", "64", "--no-enable-log-requests")


class SandboxServer:
    """The sandbox model behind a supervised vLLM server; killed, it comes back."""

    def __init__(self, log_folder: Path) -> None:
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.statuses: list[Status] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        command = vllm_command(
            str(MODEL_PATH), port=port, served_name=SERVED_NAME, dtype="float32", extra=QUICK
        )
        self._supervisor = Supervisor(
            command,
            url=self.url,
            log_folder=log_folder,
            on_change=self._note,
            ready_seconds=READY_SECONDS,
        )
        self._thread = threading.Thread(target=self._supervisor.run, args=(self._stop,))
        self._thread.start()

    def _note(self, status: Status) -> None:
        with self._changed:
            self.statuses.append(status)
            self._changed.notify_all()

    def wait_until_healthy(self, *, after: int = 0) -> None:
        """Until a healthy status has been noted behind the first `after` ones."""
        deadline = time.monotonic() + READY_SECONDS
        with self._changed:
            while not any(status.state == "healthy" for status in self.statuses[after:]):
                last = self.statuses[-1] if self.statuses else None
                assert last is None or last.state != "failed", last.reason
                assert self._changed.wait(deadline - time.monotonic()), "the server is not ready"

    def kill(self) -> int:
        """kill -9 of the server and all it started; how many statuses there were before."""
        with self._changed:
            before = len(self.statuses)
            pid = self.statuses[-1].pid
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        return before

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
