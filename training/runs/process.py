"""The trainer as a process in a session of its own: started, found again, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
from django.conf import settings

from jobs.process import KnownProcess


def start_trainer(
    module: str, spec: Path, folder: Path, *, processes: int, on_cpu: bool = False
) -> KnownProcess:
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
    return KnownProcess(socket.gethostname(), process.pid, started_at)


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
