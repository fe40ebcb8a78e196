"""One thread at a time imports transformers, peft and what stands on them.

transformers finds its names only when they are asked for, and each brings modules that import one
another. Two threads that do so at once can meet a module that is half there: "cannot import name".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


@contextmanager
def importing() -> Iterator[None]:
    """Around every import of them inside a function, their names included.

    Not at the top of a module: its importer holds that module already, and would wait for a
    thread that waits for the module.
    """
    with _LOCK:
        yield
