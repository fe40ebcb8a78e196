"""Work done at once, with real threads and a database connection each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def at_once(*work: Callable[[], T]) -> list[T]:
    """Run all in threads that start together, each with a connection of its own."""
    gate = threading.Barrier(len(work))

    def run(task: Callable[[], T]) -> T:
        gate.wait(timeout=30)
        try:
            return task()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(run, task) for task in work]]
