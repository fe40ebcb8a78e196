"""A scratch database beside the configured one, made for a benchmark and removed after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


@contextmanager
def scratch_database() -> Iterator[None]:
    """Within, the default connection is to an empty database with all tables."""
    name = connection.settings_dict["NAME"]
    # Not the database of the tests, which may be running.
    scratch = f"benchmark_{Path(name).name}"
    connection.settings_dict["TEST"]["NAME"] = (
        str(Path(name).with_name(scratch)) if connection.vendor == "sqlite" else scratch
    )
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
