"""A process that can be found again, and ended, after whoever started it is gone."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

TERM_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class KnownProcess:
    """The leader of a process group: its id alone may be reused, with its start time it is not."""

    host: str
    pid: int
    started_at: float

    def is_here(self) -> bool:
        return self.host == socket.gethostname()

    def is_alive(self) -> bool:
        """Whether it runs on this machine; a zombie is dead."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        return False

    def kill(self) -> None:
        """End the whole group: first asked, then forced."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.is_alive():
                return
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            deadline = time.monotonic() + TERM_GRACE_SECONDS
            while self.is_alive() and time.monotonic() < deadline:
                time.sleep(0.05)
