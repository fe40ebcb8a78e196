"""Puts our model in place on a server: finds its name there, loads its adapter.

An adapter's name is made of its weights' hash: two engines that use one adapter share it, and a
server that has it under that name has these very weights.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from inference.errors import MissingFeatureError, ModelLoadError
from inference.server.client import ServerClient
from inference.server.faults import BrokenAnswerFault, Fault, RefusalFault
from inference.server.pool import Served, Server
from inference.weights import weights_sha256

logger = logging.getLogger(__name__)

_NAME_DIGITS = 16


def adapter_name(folder: Path) -> str:
    """The name under which a server holds the adapter in `folder`.

    Raises:
        ModelLoadError: no adapter weights there, or pickled files beside them.
    """
    return f"concord-{weights_sha256(folder)[:_NAME_DIGITS]}"


class Placement:
    """What the servers are to serve: a base model, with `adapter` (a folder) on top or without.

    Remembers where it loaded the adapter, to take it out again.
    """

    def __init__(self, base: str, adapter: Path | None, *, needs_vllm: bool) -> None:
        self._base = base
        self._adapter = adapter
        self._adapter_name = adapter_name(adapter) if adapter is not None else ""
        self._needs_vllm = needs_vllm
        self._loaded_on: set[Server] = set()

    async def prepare(self, client: ServerClient, server: Server) -> Served:
        """What the server offers for our model, with the adapter loaded.

        Raises:
            ModelLoadError: it serves other models (the message lists them), or refuses the
                adapter.
            MissingFeatureError: it is no vLLM and has to be, or takes no adapters.
            Fault: it cannot be asked.
        """
        served = await _find_served(client, server, self._base)
        if self._needs_vllm and not served.vllm:
            raise MissingFeatureError(
                f"{server.url} is not a vLLM server, which prompts as tokens require: open the "
                "engine with wire='chat'"
            )
        if self._adapter is None:
            return served
        if await _load_adapter(client, server, self._adapter, self._adapter_name):
            self._loaded_on.add(server)
        return replace(served, model=self._adapter_name)

    async def leave(self, client: ServerClient) -> None:
        """Take the adapter out where it was put in; a server that is gone has lost it anyway."""
        for server in self._loaded_on:
            if server.is_open:
                continue
            try:
                await _unload_adapter(client, server, self._adapter_name)
            except Fault as fault:
                logger.warning("%s kept %s: %s", server.url, self._adapter_name, fault)
        self._loaded_on.clear()


async def _find_served(client: ServerClient, server: Server, model: str) -> Served:
    """What the server offers for `model`: a name it serves, or the folder it serves it from."""
    listed = (await client.get(server, "/v1/models")).get("data")
    if not isinstance(listed, list):
        raise BrokenAnswerFault(f"{server.url} lists no models")
    entries = [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)]
    for entry in entries:
        if model == entry["id"] or _is_folder(entry.get("root"), model):
            limit = entry.get("max_model_len")
            return Served(
                model=entry["id"],
                vllm=await _vllm_version(client, server),
                context_tokens=limit if isinstance(limit, int) else None,
            )
    names = ", ".join(repr(entry["id"]) for entry in entries) or "none"
    raise ModelLoadError(f"{server.url} does not serve {model!r}; it serves {names}")


async def _load_adapter(client: ServerClient, server: Server, folder: Path, name: str) -> bool:
    """Load the adapter; False where it was there already. The server must read the folder."""
    payload = {"lora_name": name, "lora_path": str(folder.resolve())}
    try:
        await client.post(server, "/v1/load_lora_adapter", payload, plain=True)
    except BrokenAnswerFault as fault:
        # vLLM answers 500 to weights it cannot take: too large a rank, another architecture.
        if "lora" not in str(fault).lower():
            raise
        raise ModelLoadError(
            f"{server.url} rejects the adapter {str(folder)!r}: {fault}"
        ) from fault
    except RefusalFault as fault:
        if "already" in str(fault):
            return False
        if str(fault).startswith("404") and "Not Found" in str(fault):
            raise MissingFeatureError(
                f"{server.url} does not accept adapters: start it with --enable-lora and "
                "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"
            ) from fault
        raise ModelLoadError(
            f"{server.url} rejects the adapter {str(folder)!r}: {fault}"
        ) from fault
    return True


async def _unload_adapter(client: ServerClient, server: Server, name: str) -> None:
    payload = {"lora_name": name}
    try:
        await client.post(server, "/v1/unload_lora_adapter", payload, plain=True)
    except RefusalFault as fault:
        # Somebody else took it out.
        logger.info("%s: %s", server.url, fault)


def _is_folder(root: Any, model: str) -> bool:
    if not isinstance(root, str) or not Path(model).is_dir():
        return False
    return Path(root).resolve() == Path(model).resolve()


async def _vllm_version(client: ServerClient, server: Server) -> str:
    try:
        version = (await client.get(server, "/version")).get("version", "")
    except RefusalFault:
        return ""
    return str(version)
