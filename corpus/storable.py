"""Texts that no database takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: it stands in JSON and YAML as an escape, and is no character."""


def lacks_character(value: Any) -> bool:
    """Whether a text anywhere in `value`, names included, holds half of a surrogate pair."""
    if isinstance(value, str):
        return HALF_PAIR.search(value) is not None
    if isinstance(value, Mapping):
        return any(lacks_character(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple):
        return any(map(lacks_character, value))
    return False


def has_null(value: Any) -> bool:
    """Whether a text anywhere in `value`, names included, holds the character NUL."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(has_null(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple):
        return any(map(has_null, value))
    return False
