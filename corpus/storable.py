"""Texts that no database and no file takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HALF_PAIR = re.compile("[\ud800-\udfff]")
"""It stands in JSON and YAML as an escape, and is no character."""


def unstorable(value: Any) -> str:
    """What a text anywhere in `value`, names included, holds that cannot be stored: a NUL, or half
    of a surrogate pair. Empty where all can."""
    if isinstance(value, str):
        if "\0" in value:
            return "a NUL character"
        return "half of a surrogate pair" if HALF_PAIR.search(value) else ""
    parts: Any = ()
    if isinstance(value, Mapping):
        parts = (one for pair in value.items() for one in pair)
    elif isinstance(value, list | tuple):
        parts = value
    return next((why for why in map(unstorable, parts) if why), "")
