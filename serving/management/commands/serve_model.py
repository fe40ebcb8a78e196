"""`manage.py serve_model`: a model behind a vLLM server, kept running until it is stopped."""

from __future__ import annotations

import shlex
import signal
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import close_old_connections, connection
from django.utils.text import slugify

from corpus.models import ModelVersion, Project
from corpus.registry import SANDBOX_NAME, find_model, location_of
from inference.errors import InferenceError
from inference.inspection import inspect_model
from inference.launcher import Status, Supervisor, free_port, vllm_command
from inference.sandbox import MODEL_PATH
from inference.sources import resolve_adapter
from jobs.commands import BadInputError, ConcordCommand, Outcome
from serving.errors import ServingError
from serving.models import ModelServer
from serving.servers import (
    HEARTBEAT_SECONDS,
    beat,
    log_folder,
    record_status,
    register_server,
    request_stop,
)


class Command(ConcordCommand):
    help = (
        "Serve a model with vLLM under supervision: it is restarted if it dies and its logs are "
        "kept, until Ctrl-C or --stop. MODEL is a folder, a hub name, `sandbox` or, with "
        "--project, the name of a model version. For an adapter, its base model is served; "
        "engines load adapters themselves."
    )

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("model", nargs="?", help="The model to serve.")
        parser.add_argument(
            "--project", help="Slug of the project that the model version belongs to."
        )
        parser.add_argument(
            "--name", help="The server's name. Default: made from the model's name."
        )
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on.")
        parser.add_argument("--port", type=int, help="Port to listen on. Default: a free one.")
        parser.add_argument("--dtype", default="auto")
        parser.add_argument(
            "--adapters",
            type=int,
            default=4,
            help="Maximum LoRA adapters loaded at once; 0 for none.",
        )
        parser.add_argument("--adapter-rank", type=int, default=64, help="Maximum LoRA rank.")
        parser.add_argument(
            "--vllm-args",
            default="",
            help='More of vLLM\'s own, such as "--tensor-parallel-size 2".',
        )
        parser.add_argument("--stop", metavar="NAME", help="Stop the server with this name.")

    def run(self, **options: Any) -> Outcome:
        if options["stop"]:
            return self._stop(options["stop"])
        if not options["model"]:
            raise BadInputError("Give the model to serve, or --stop NAME.")
        location, version = _find(options["model"], options["project"])
        try:
            base, adapter = resolve_adapter(location, None)
            if adapter is not None and version is not None:
                version = version.parent
            trusted = version is not None and version.trust_remote_code
            revision = (version.revision if version is not None else "") or None
            inspect_model(base, revision=revision, trust_remote_code=trusted)
        except InferenceError as error:
            raise BadInputError(str(error)) from error
        if find_spec("vllm") is None:
            raise BadInputError("vLLM is not installed here. Run `make install-vllm`.")
        port = options["port"] or free_port()
        command = vllm_command(
            base,
            port=port,
            host=options["host"],
            served_name=version.name if version is not None else options["model"],
            adapters=options["adapters"],
            adapter_rank=options["adapter_rank"],
            dtype=options["dtype"],
            trust_remote_code=trusted,
            revision=revision,
            extra=shlex.split(options["vllm_args"]),
        )
        reachable = "127.0.0.1" if options["host"] in ("", "0.0.0.0") else options["host"]  # noqa: S104
        try:
            server = register_server(
                name=options["name"] or slugify(options["model"])[-100:] or "model",
                location=base,
                url=f"http://{reachable}:{port}",
                model_version=version,
            )
        except ServingError as error:
            raise BadInputError(str(error)) from error
        status = self._supervise(server, command)
        return Outcome(
            data={"name": server.name, "url": server.url, "state": status.state},
            summary=f"{server.name}: {status.state} {status.reason}".strip(),
            failed=status.state == "failed",
        )

    def _stop(self, name: str) -> Outcome:
        try:
            server = request_stop(name)
        except ServingError as error:
            raise BadInputError(str(error)) from error
        return Outcome(
            data={"name": server.name, "state": "stopping"},
            summary=f"{server.name} has been asked to stop; it will end within seconds.",
        )

    def _supervise(self, server: ModelServer, command: list[str]) -> Status:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        pulse = threading.Thread(target=_beat_until, args=(server, stop), daemon=True)
        pulse.start()

        def tell(status: Status) -> None:
            close_old_connections()
            record_status(server, status)
            reason = f" ({status.reason.splitlines()[0]})" if status.reason else ""
            self.stderr.write(f"{server.name} at {server.url}: {status.state}{reason}")

        supervisor = Supervisor(
            command, url=server.url, log_folder=log_folder(server.name), on_change=tell
        )
        try:
            return supervisor.run(stop)
        finally:
            stop.set()
            pulse.join()


def _find(reference: str, slug: str | None) -> tuple[str, ModelVersion | None]:
    """The location to serve, and the model version where the reference is one."""
    if slug is None:
        if reference == SANDBOX_NAME:
            return str(MODEL_PATH), None
        return str(Path(reference).expanduser()), None
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise BadInputError(f"There is no project {slug!r}.")
    version = find_model(project, reference)
    if version is None:
        names = ", ".join(project.model_versions.values_list("name", flat=True)) or "none"
        raise BadInputError(f"{slug} has no model version {reference!r}; it has: {names}.")
    return location_of(version), version


def _beat_until(server: ModelServer, stop: threading.Event) -> None:
    """The supervisor's pulse, and its ear for requests to stop; in a thread of its own."""
    try:
        while not stop.wait(HEARTBEAT_SECONDS):
            if beat(server):
                stop.set()
    finally:
        connection.close()
