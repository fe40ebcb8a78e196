"""Pairs JSONL, Concord's own format: one object a line."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from corpus.importers.records import PairRecord, describe

NAME = "pairs"


def recognises(first: dict[str, Any]) -> bool:
    return {"prompt", "response_a", "response_b"} <= set(first)


def parse(fields: dict[str, Any], line: int, source: str) -> PairRecord | str:
    """The record that a line's object holds, or the reason why it holds none."""
    try:
        return PairRecord.model_validate(fields)
    except ValidationError as error:
        return describe(error)
