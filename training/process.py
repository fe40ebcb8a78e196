"""The trainer as a process in a session of its own: started, found again, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.conf import settings

TERM_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class TrainerProcess:
    """A process that can be found again after a restart: the id alone may be reused."""

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


def start_trainer(
    module: str, spec: Path, folder: Path, *, processes: int, on_cpu: bool = False
) -> TrainerProcess:
    """Start `python -m MODULE SPEC --run-dir FOLDER`, through a launcher for several processes.

    The launcher is accelerate's, but torch's own on the CPU, where accelerate starts one process
    whatever it was asked for. The output goes to log.txt in the folder. It outlives this worker.
    """
    command = [sys.executable, "-m", module, str(spec), "--run-dir", str(folder)]
    if processes > 1:
        launcher = (
            ["torch.distributed.run", "--standalone", "--nproc_per_node"]
            if on_cpu
            else ["accelerate.commands.launch", "--num_processes"]
        )
        command = [sys.executable, "-m", *launcher, str(processes), *command[1:]]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=settings.BASE_DIR,
            env=trainer_environment(),
            start_new_session=True,
        )
    started_at = psutil.Process(process.pid).create_time()
    _reap_in_background(process)
    return TrainerProcess(socket.gethostname(), process.pid, started_at)


def trainer_environment() -> dict[str, str]:
    """This process's environment without Django's part and without secrets."""
    secrets = ("CONCORD_SECRET_KEY", "DATABASE_URL", "CELERY_BROKER_URL")
    kept = {name: value for name, value in os.environ.items() if name not in secrets}
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    kept.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    kept.setdefault("OMP_NUM_THREADS", str(settings.COMPUTE_THREADS))
    kept["TOKENIZERS_PARALLELISM"] = "false"
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


def _reap_in_background(process: subprocess.Popen[bytes]) -> None:
    """Wait for our child in a thread, so that it never stays a zombie."""
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
