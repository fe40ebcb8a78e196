"""The one place that knows which engines there are.

A new engine: write its module, add an opener here, and a row to the contract test's engines.
Modules are imported by their openers, so that listing engines costs nothing and the web process
never imports torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

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
) -> Engine:
    from inference.transformers_engine import TransformersEngine

    return TransformersEngine(
        model, adapter=adapter, batch_size=batch_size, device=device, threads=threads, dtype=dtype
    )


def _open_scripted(model: str) -> Engine:
    from inference.scripted import open_scripted

    return open_scripted(model)


ENGINES: dict[str, Callable[..., Engine]] = {
    "transformers": _open_transformers,
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
        raise BadRequestError(f"no engine is named {kind!r}; known are {', '.join(ENGINES)}")
    known = [name for name in inspect.signature(opener).parameters if name != "model"]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise BadRequestError(
            f"the engine {kind!r} has no option {', '.join(unknown)}; known are "
            f"{', '.join(known) or 'none'}"
        )
    return opener(model, **options)
