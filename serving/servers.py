"""The servers that were started here: registered, watched, stopped, and found by the engines."""

from __future__ import annotations

import datetime as dt
import logging
import socket
from pathlib import Path

import psutil
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from corpus.models import ModelVersion
from inference.launcher import Status
from jobs.process import KnownProcess
from serving.errors import ServerNameTakenError, UnknownServerError
from serving.models import ModelServer

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0
# A supervisor that has said nothing for so long is gone.
LOST_AFTER_SECONDS = 30.0

ENDED = (ModelServer.State.STOPPED, ModelServer.State.FAILED)


def log_folder(name: str) -> Path:
    return Path(settings.SERVERS_FOLDER) / name


@transaction.atomic
def register_server(
    *, name: str, location: str, url: str, model_version: ModelVersion | None
) -> ModelServer:
    """The row of a server about to be started, taken over from an earlier one that has ended.

    What an earlier supervisor left running under that name is ended first.

    Raises:
        ServerNameTakenError: a live supervisor runs a server of that name.
    """
    now = timezone.now()
    server = ModelServer.objects.select_for_update().filter(name=name).first()
    if server is not None and server.state not in ENDED and not is_lost(server):
        raise ServerNameTakenError(
            f"A server named {name!r} is running at {server.url}; stop it with "
            f"`manage.py serve_model --stop {name}`, or give this one another --name."
        )
    if server is not None:
        end_process(server)
    fields = {
        "model_version": model_version,
        "location": location,
        "url": url,
        "state": ModelServer.State.STARTING,
        "reason": "",
        "host": socket.gethostname(),
        "pid": None,
        "process_started_at": None,
        "restarts": 0,
        "stop_requested": False,
        "started_at": now,
        "heartbeat_at": now,
    }
    server, _ = ModelServer.objects.update_or_create(name=name, defaults=fields)
    return server


def record_status(server: ModelServer, status: Status) -> None:
    """Write down how a supervised server stands."""
    server.state = status.state
    server.reason = status.reason
    server.restarts = status.restarts
    server.log = str(status.log or "")
    server.pid = status.pid
    server.process_started_at = _start_time(status.pid)
    server.heartbeat_at = timezone.now()
    server.save(
        update_fields=[
            "state", "reason", "restarts", "log", "pid", "process_started_at", "heartbeat_at"
        ]
    )  # fmt: skip


def beat(server: ModelServer) -> bool:
    """Say that the supervisor lives; whether the server is to stop."""
    mine = ModelServer.objects.filter(pk=server.pk)
    mine.update(heartbeat_at=timezone.now())
    return mine.filter(stop_requested=True).exists()


def request_stop(name: str) -> ModelServer:
    """Ask the supervisor of a server to stop it.

    Raises:
        UnknownServerError: the message lists the running ones.
    """
    server = ModelServer.objects.filter(name=name).exclude(state__in=ENDED).first()
    if server is None:
        running = ModelServer.objects.exclude(state__in=ENDED).values_list("name", flat=True)
        raise UnknownServerError(
            f"No server named {name!r} is running; running servers: {', '.join(running) or 'none'}."
        )
    ModelServer.objects.filter(pk=server.pk).update(stop_requested=True)
    return server


def is_lost(server: ModelServer) -> bool:
    """Whether its supervisor has been silent for too long to be alive."""
    silence = timezone.now() - server.heartbeat_at
    return silence > dt.timedelta(seconds=LOST_AFTER_SECONDS)


def note_lost_supervisors() -> int:
    """Mark servers whose supervisor is gone as failed and end what it left; how many."""
    limit = timezone.now() - dt.timedelta(seconds=LOST_AFTER_SECONDS)
    lost = ModelServer.objects.exclude(state__in=ENDED).filter(heartbeat_at__lt=limit)
    # Only this machine can see, and end, what its own supervisor left.
    count = 0
    for server in lost.filter(host=socket.gethostname()):
        end_process(server)
        count += ModelServer.objects.filter(pk=server.pk, heartbeat_at__lt=limit).update(
            state=ModelServer.State.FAILED, pid=None, reason="Its supervisor is no longer running."
        )
    return count


def end_process(server: ModelServer) -> None:
    """End the process group of a server, where it is on this machine and still that one."""
    if server.pid is None or server.process_started_at is None:
        return
    process = KnownProcess(server.host, server.pid, server.process_started_at)
    if process.is_here():
        process.kill()


def server_urls() -> list[str]:
    """Every inference server there is: those of the settings, and those started here."""
    started = ModelServer.objects.exclude(state__in=ENDED).order_by("name")
    urls = [*settings.INFERENCE_SERVERS, *started.values_list("url", flat=True)]
    return list(dict.fromkeys(url.rstrip("/") for url in urls))


def _start_time(pid: int | None) -> float | None:
    if pid is None:
        return None
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None
