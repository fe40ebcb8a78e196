"""Opens an engine on a model version, with the settings of this installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings

from corpus.models import ModelVersion
from corpus.registry import location_of, root_of
from inference.engine import Engine
from inference.errors import BadRequestError, InferenceError, ModelLoadError
from inference.hub import refuse_offline
from inference.registry import open_engine
from inference.sources import check_hub_name
from jobs.errors import PermanentJobError, TransientJobError
from serving.servers import server_urls

NO_SERVERS = (
    "no inference server is running: start one with `manage.py serve_model MODEL`, or list "
    "servers that run elsewhere in INFERENCE_SERVERS"
)


def as_job_error(error: InferenceError) -> PermanentJobError | TransientJobError:
    """What an engine's error means to the job that asked."""
    return PermanentJobError(str(error)) if error.permanent else TransientJobError(str(error))


@contextmanager
def model_for_job(kind: str, model: ModelVersion, **options: Any) -> Iterator[Engine]:
    """`open_model` for a job's work: what the engine says is wrong, at once or later, is the
    job's error."""
    try:
        with open_model(kind, model, **options) as engine:
            yield engine
    except InferenceError as error:
        raise as_job_error(error) from error


def machines_of(engine: Engine) -> int:
    """How many accelerators an engine holds: the servers' where it asks servers, else one.

    A server counts as GPUS_PER_SERVER; on a machine without a GPU, one is the machine.
    """
    servers = getattr(engine, "servers", None)
    return len(servers) * settings.GPUS_PER_SERVER if servers else 1


def why_not(kind: str, model: ModelVersion, *, servers: bool | None = None) -> str:
    """Why this installation cannot open `kind` on a model; empty where it can. Asks nobody.

    `servers` is whether there is an inference server, where the caller knows it already. What only
    the machine of the worker knows (memory, a GPU) is not looked at.
    """
    if kind == "scripted":
        return ""
    if kind == "server":
        there = bool(server_urls()) if servers is None else servers
        return "" if there else _sentence(NO_SERVERS)
    if model.kind == ModelVersion.Kind.API:
        return (
            f"{model.name} is known only by name, so only a server can run it: choose the engine "
            "server."
        )
    if not workers_run_here():
        return ""
    if kind == "vllm" and find_spec("vllm") is None:
        return "vLLM is not installed here: install it with `make install-vllm`."
    location = location_of(root_of(model))
    if not Path(location).is_dir():
        try:
            check_hub_name(location)
            refuse_offline(location)
        except ModelLoadError as error:
            return _sentence(str(error))
    return ""


def _sentence(said: str) -> str:
    """An error's text as a sentence of its own."""
    return said[:1].upper() + said[1:].removesuffix(".") + "."


def workers_run_here() -> bool:
    """The broker is a folder of this machine: what is installed here is what workers have."""
    return str(settings.CELERY_BROKER_URL).startswith(("filesystem:", "memory:"))


def open_model(kind: str, model: ModelVersion, **options: Any) -> Engine:
    """The engine `kind` on a model version; `options` go before those of the settings.

    Code from a model's repository runs only where an admin has consented to it. A model known by
    name alone is asked by chat: its tokenizer is not ours to have.

    Raises:
        BadRequestError: the engine is `server` and there is none, or the model is known by name
            alone and the engine would have to load it.
        InferenceError: see `inference.registry.open_engine`.
    """
    chosen = {**settings.ENGINE_OPTIONS.get(kind, {}), **options}
    if kind == "server":
        chosen.setdefault("servers", server_urls())
        if not chosen["servers"]:
            raise BadRequestError(NO_SERVERS)
        if model.kind == ModelVersion.Kind.API:
            chosen.setdefault("wire", "chat")
    elif kind != "scripted" and model.kind == ModelVersion.Kind.API:
        # A loader would look for it on the hub, for a minute.
        raise BadRequestError(why_not(kind, model))
    if kind != "scripted":
        chosen.setdefault("revision", root_of(model).revision or None)
        if root_of(model).trust_remote_code:
            chosen["trust_remote_code"] = True
    return open_engine(kind, location_of(model) or model.name, **chosen)
