"""Servers that are started here: supervised, restarted, stopped, and found by the engines."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from corpus.models import ModelVersion
from inference.errors import BadRequestError
from inference.launcher import Status, Supervisor, free_port, server_environment, vllm_command
from inference.scripted_server import ScriptedServer
from serving.engines import open_model
from serving.errors import ServerNameTakenError, UnknownServerError
from serving.models import ModelServer
from serving.selectors import server_views
from serving.servers import (
    beat,
    note_lost_supervisors,
    record_status,
    register_server,
    request_stop,
    server_urls,
)
from tests.builders import make_project
from tests.inference.conversations import ask

# A server that is healthy after a moment, and ends when its /end is called.
TINY_SERVER = """
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *args): pass
print("loading", flush=True)
time.sleep(float(sys.argv[2]))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Watched:
    """A supervisor of a tiny server, in a thread, with all it said."""

    def __init__(self, folder: Path, command: list[str] | None = None, **options: float) -> None:
        port = free_port()
        self.statuses: list[Status] = []
        self.changed = threading.Condition()
        self.stop = threading.Event()
        self.supervisor = Supervisor(
            command or [sys.executable, "-c", TINY_SERVER, str(port), "0.2"],
            url=f"http://127.0.0.1:{port}",
            log_folder=folder,
            on_change=self.note,
            **options,  # type: ignore[arg-type]
        )
        self.thread = threading.Thread(target=self.supervisor.run, args=(self.stop,))
        self.thread.start()

    def note(self, status: Status) -> None:
        with self.changed:
            self.statuses.append(status)
            self.changed.notify_all()

    def wait_for(self, state: str, *, after: int = 0) -> Status:
        deadline = time.monotonic() + 30
        with self.changed:
            while True:
                for status in self.statuses[after:]:
                    if status.state == state:
                        return status
                assert self.changed.wait(deadline - time.monotonic()), self.statuses

    def close(self) -> None:
        self.stop.set()
        self.thread.join()


def test_a_server_that_is_killed_is_started_again_and_its_logs_are_kept(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    first = watched.wait_for("healthy")
    assert first.pid is not None
    before = len(watched.statuses)
    os.killpg(first.pid, signal.SIGKILL)
    restarting = watched.wait_for("restarting", after=before)
    again = watched.wait_for("healthy", after=before)
    watched.close()

    assert "exited with status -9" in restarting.reason
    assert (again.restarts, again.pid == first.pid) == (1, False)
    assert watched.statuses[-1].state == "stopped"
    assert again.pid is not None
    assert not psutil.pid_exists(again.pid)
    logs = sorted(tmp_path.iterdir())
    assert len(logs) == 2
    assert logs[0].read_text() == "loading\n"


def test_a_server_that_never_becomes_healthy_is_given_up_with_its_last_words(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such weights')"]
    watched = Watched(tmp_path, command, attempts=2)
    failed = watched.wait_for("failed")
    watched.thread.join()
    assert "no such weights" in failed.reason
    assert failed.restarts == 1


def test_a_server_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    watched = Watched(tmp_path, command, attempts=1, ready_seconds=1.0)
    assert "did not respond for" in watched.wait_for("failed").reason
    watched.thread.join()


def test_the_command_says_what_vllm_needs() -> None:
    command = vllm_command(
        "org/model", port=9, served_name="m", adapters=2, extra=("--tensor-parallel-size", "2")
    )
    text = " ".join(command)
    assert "--model org/model" in text
    assert "--enable-lora --max-loras 2" in text
    assert "--load-format safetensors" in text
    assert text.endswith("--tensor-parallel-size 2")
    assert "--trust-remote-code" not in text
    assert "--enable-lora" not in vllm_command("m", port=9, adapters=0)
    assert "--trust-remote-code" in vllm_command("m", port=9, trust_remote_code=True)


def test_secrets_do_not_reach_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCORD_SECRET_KEY", "hush")
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@h/d")
    kept = server_environment()
    assert not {"CONCORD_SECRET_KEY", "DATABASE_URL"} & set(kept)
    assert kept["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"


def make_server(name: str = "judge", url: str = "http://127.0.0.1:9") -> ModelServer:
    return register_server(name=name, location="org/model", url=url, model_version=None)


@pytest.mark.django_db
def test_a_name_belongs_to_one_living_server() -> None:
    server = make_server()
    with pytest.raises(ServerNameTakenError, match="--stop judge"):
        make_server()
    record_status(server, Status("stopped"))
    assert make_server().pk == server.pk


@pytest.mark.django_db
def test_what_a_lost_supervisor_left_is_ended(tmp_path: Path) -> None:
    orphan = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    try:
        server = make_server()
        record_status(server, Status("healthy", pid=orphan.pid))
        assert note_lost_supervisors() == 0
        long_ago = timezone.now() - dt.timedelta(minutes=5)
        ModelServer.objects.update(heartbeat_at=long_ago)
        assert note_lost_supervisors() == 1
        orphan.wait(10)
        server.refresh_from_db()
        assert (server.state, server.reason) == ("failed", "Its supervisor is no longer running.")
    finally:
        orphan.kill()
        orphan.wait()


@pytest.mark.django_db
def test_a_stop_reaches_the_supervisor_by_its_heartbeat() -> None:
    server = make_server()
    assert not beat(server)
    request_stop("judge")
    assert beat(server)
    record_status(server, Status("stopped"))
    with pytest.raises(UnknownServerError, match="running servers: none"):
        request_stop("judge")


@pytest.mark.django_db
def test_engines_find_the_servers_of_the_settings_and_those_started_here(
    settings: Settings,
) -> None:
    model = ModelVersion.objects.create(
        project=make_project(), name="scripted", kind="api", location="scripted"
    )
    with pytest.raises(BadRequestError, match="no inference server is running"):
        open_model("server", model)
    with ScriptedServer() as configured, ScriptedServer() as started:
        settings.INFERENCE_SERVERS = [f"{configured.url}/"]
        make_server(url=started.url)
        ended = make_server("old", url="http://127.0.0.1:1")
        record_status(ended, Status("stopped"))
        assert server_urls() == [configured.url, started.url]
        with open_model("server", model, in_flight=1) as engine:
            assert len(engine.choose([ask("A or B?")] * 20, ("A", "B"))) == 20
        assert configured.answered
        assert started.answered


@pytest.mark.django_db
def test_the_page_is_told_how_each_server_stands(settings: Settings) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with ScriptedServer(model="m") as server:
        server.adapters["lora"] = "/somewhere"
        settings.INFERENCE_SERVERS = [server.url, nobody]
        up, down = server_views()
    assert (up.report.healthy, up.report.vllm) == (True, "0.31.0")
    assert (up.report.models, up.report.adapters) == (("m",), ("lora",))
    assert (down.report.healthy, bool(down.report.error)) == (False, True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Give the model to serve"),
        (["/no/such/folder"], "there is no model folder"),
        (["m", "--project", "nowhere"], "There is no project 'nowhere'"),
        (["--stop", "nothing"], "No server named 'nothing' is running"),
    ],
)
def test_what_cannot_be_served_is_said(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("serve_model", *arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.django_db
def test_a_stop_by_command_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    make_server()
    call_command("serve_model", "--stop", "judge", "--json")
    assert json.loads(capsys.readouterr().out) == {"name": "judge", "state": "stopping"}
