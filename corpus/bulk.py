"""Many rows at once: COPY on PostgreSQL, inserts elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models

from corpus.models import Project

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)

ADVISORY_SPACE = 0x636F7270
"""The first half of the key of our advisory locks, so that no other use of them meets ours."""


def lock_project(project: Project) -> None:
    """Let the writers of a project's corpus wait for each other until the transaction ends.

    On SQLite transactions that write run one at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, %s)", [ADVISORY_SPACE, project.pk % 2**31]
            )


def insert_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> list[int]:
    """Store rows, given by their columns' names in the database; their new ids, in order."""
    if connection.vendor != "postgresql":
        made = [model(**dict(zip(columns, row, strict=True))) for row in rows]
        model._default_manager.bulk_create(made)
        return [row.pk for row in made]
    waiting = list(rows)
    if not waiting:
        return []
    ids = _next_ids(model, len(waiting))
    packed = [
        place
        for place, name in enumerate(columns)
        if model._meta.get_field(name).get_internal_type() == "JSONField"
    ]
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in ("id", *columns))
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN") as copy,
    ):
        for pk, row in zip(ids, waiting, strict=True):
            values = [pk, *row]
            for place in packed:
                values[place + 1] = _json(row[place])
            copy.write_row(values)
    return ids


def _next_ids(model: type[models.Model], count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _json(value: Any) -> str | None:
    if value is None:
        return None
    # Most rows have an empty object in some column, and an encoder takes longer to see it.
    return "{}" if value == {} else _ENCODER.encode(value)
