"""The one place that knows which engines there are.

A new engine: write its module, add an opener here, and a row to the contract test's engines.
Modules are imported by their openers, so that listing engines costs nothing and the web process
never imports torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal

from inference.engine import Engine
from inference.errors import BadRequestError


def _open_transformers(
    model: str,
    *,
    adapter: str | None = None,
    batch_size: int = 32,
    device: str | None = None,
    threads: int | None = None,
    dtype: str = "auto",
    trust_remote_code: bool = False,
    revision: str | None = None,
) -> Engine:
    from inference.transformers_engine import TransformersEngine

    return TransformersEngine(
        model,
        adapter=adapter,
        batch_size=batch_size,
        device=device,
        threads=threads,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
        revision=revision,
    )


def _open_server(
    model: str,
    *,
    servers: Sequence[str] = (),
    adapter: str | None = None,
    wire: Literal["tokens", "chat"] = "tokens",
    tokenizer: str | None = None,
    trust_remote_code: bool = False,
    revision: str | None = None,
    in_flight: int = 256,
    bundle: int = 32,
    deadline_seconds: float = 900.0,
    attempt_seconds: float = 180.0,
    attempts: int = 6,
    start_seconds: float = 60.0,
    api_key: str = "",
) -> Engine:
    from inference.server.engine import ServerEngine

    return ServerEngine(
        model,
        servers=servers,
        adapter=adapter,
        wire=wire,
        tokenizer=tokenizer,
        trust_remote_code=trust_remote_code,
        revision=revision,
        in_flight=in_flight,
        bundle=bundle,
        deadline_seconds=deadline_seconds,
        attempt_seconds=attempt_seconds,
        attempts=attempts,
        start_seconds=start_seconds,
        api_key=api_key,
    )


def _open_vllm(
    model: str,
    *,
    adapter: str | None = None,
    dtype: str = "auto",
    tensor_parallel: int = 1,
    gpu_memory_share: float = 0.9,
    enforce_eager: bool = False,
    context_tokens: int | None = None,
    trust_remote_code: bool = False,
    revision: str | None = None,
    start_seconds: float = 1800.0,
) -> Engine:
    from inference.vllm_engine import VllmEngine

    return VllmEngine(
        model,
        adapter=adapter,
        dtype=dtype,
        tensor_parallel=tensor_parallel,
        gpu_memory_share=gpu_memory_share,
        enforce_eager=enforce_eager,
        context_tokens=context_tokens,
        trust_remote_code=trust_remote_code,
        revision=revision,
        start_seconds=start_seconds,
    )


def _open_scripted(model: str) -> Engine:
    from inference.scripted import open_scripted

    return open_scripted(model)


ENGINES: dict[str, Callable[..., Engine]] = {
    "transformers": _open_transformers,
    "server": _open_server,
    "vllm": _open_vllm,
    "scripted": _open_scripted,
}


def open_engine(kind: str, model: str, **options: Any) -> Engine:
    """Open the engine `kind` on `model`: a folder, a hub name, or the name of a script.

    `options` are the engine's own, such as `batch_size` for transformers.

    Raises:
        BadRequestError: an unknown kind or option; the message lists the known ones.
        ModelLoadError: the model cannot be used.
    """
    opener = ENGINES.get(kind)
    if opener is None:
        raise BadRequestError(f"there is no engine {kind!r}; choose from {', '.join(ENGINES)}")
    known = [name for name in inspect.signature(opener).parameters if name != "model"]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise BadRequestError(
            f"the engine {kind!r} has no option {', '.join(unknown)}; available: "
            f"{', '.join(known) or 'none'}"
        )
    return opener(model, **options)
