"""Rows of datasets, their schemas, and the hash that names a dataset version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from corpus.hashing import canonical_json, sha256_of

FORMAT = "concord-preference-1"
PROBABILITY_DIGITS = 6

_TURN = [("role", pa.string()), ("content", pa.string())]
_MESSAGES = pa.list_(pa.struct(_TURN))
_CALLED = pa.struct([("name", pa.string()), ("arguments", pa.string())])
_CALL = pa.struct([("type", pa.string()), ("function", _CALLED), ("id", pa.string())])
_TOOL_MESSAGES = pa.list_(
    pa.struct(
        [
            *_TURN,
            ("tool_calls", pa.list_(_CALL)),
            ("tool_call_id", pa.string()),
            ("name", pa.string()),
        ]
    )
)

SCHEMA = pa.schema(
    [
        ("prompt", _MESSAGES),
        ("chosen", _MESSAGES),
        ("rejected", _MESSAGES),
        ("p_chosen", pa.float64()),
        ("weight", pa.float64()),
        ("prompt_sha256", pa.string()),
        ("pair_sha256", pa.string()),
        ("chosen_sha256", pa.string()),
        ("rejected_sha256", pa.string()),
        ("chosen_model", pa.string()),
        ("rejected_model", pa.string()),
        ("n_human", pa.int64()),
        ("n_judge", pa.int64()),
        ("origin", pa.string()),
        ("source", pa.string()),
        ("domain", pa.string()),
        ("difficulty", pa.string()),
        ("language", pa.string()),
    ]
)
"""TRL's columns first, then where the row comes from. No database ids, no times: the same labels
elsewhere make the same rows."""


SFT_SCHEMA = pa.schema(
    [
        ("prompt", _MESSAGES),
        ("completion", _MESSAGES),
        ("prompt_sha256", pa.string()),
        ("completion_sha256", pa.string()),
        ("role", pa.string()),
        ("round", pa.int64()),
        ("principles", pa.list_(pa.string())),
        ("constitution_sha256", pa.string()),
        ("model", pa.string()),
        ("source", pa.string()),
        ("domain", pa.string()),
        ("difficulty", pa.string()),
        ("language", pa.string()),
    ]
)
"""`role` is revision, initial (the critique found nothing) or helpful; `round` counts the revisions
up to this one, 0 for the others; `principles` are those it was revised by, in order."""


def with_tools(schema: pa.Schema) -> pa.Schema:
    """The schema of a dataset with a prompt that calls tools. Others have none of its columns, so
    that chat templates see what they always saw."""
    place = schema.get_field_index("prompt")
    return schema.set(place, pa.field("prompt", _TOOL_MESSAGES))


def calls_tools(row: Mapping[str, Any]) -> bool:
    """Whether the prompt of a row has more than roles and contents."""
    return any(len(turn) > 2 for turn in row["prompt"])


def plain_turns(turns: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turns without what they lack: Parquet has a null there, the rows that are hashed nothing."""
    return [_without_nulls(turn) for turn in turns]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


@dataclass(frozen=True, slots=True)
class RowFormat:
    """What the rows of one kind of dataset look like; `plot` is the picture on its card."""

    name: str
    kind: str
    schema: pa.Schema
    plot: str


PREFERENCE = RowFormat(FORMAT, "preference", SCHEMA, "p_chosen.png")
SFT = RowFormat("concord-sft-1", "sft", SFT_SCHEMA, "lengths.png")
FORMATS = {one.name: one for one in (PREFERENCE, SFT)}


class SplitHasher:
    """The SHA-256 of one split's values: each row in order as canonical JSON (sorted keys, no
    spaces, UTF-8) on a line of its own. Floats were rounded when the row was made."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0

    def add(self, row: Mapping[str, Any]) -> None:
        values = dict(row)
        if calls_tools(row):
            values["prompt"] = plain_turns(row["prompt"])
        self._hash.update(canonical_json(values).encode())
        self._hash.update(b"\n")
        self.rows += 1

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def dataset_sha256(splits: Mapping[str, str], row_format: RowFormat = PREFERENCE) -> str:
    """The hash that names a dataset version, from the hashes of its splits by name.

    It is of values: whoever writes the Parquet, and however, gets the same.
    """
    return sha256_of({"format": row_format.name, "kind": row_format.kind, "splits": dict(splits)})
