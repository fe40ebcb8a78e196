"""The files of a dataset version: what there is to download, and its card as text."""

from __future__ import annotations

import re
from typing import NamedTuple

from exports.card import card_text
from exports.models import DatasetVersion
from exports.splits import SPLITS

FILES = (*(f"{split}.parquet" for split in SPLITS), "manifest.json", "README.md")
CARD_CHARACTERS = 20_000

_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_PICTURE = re.compile(r"^!\[.*\]\(.*\)\n", re.MULTILINE)


class File(NamedTuple):
    name: str
    bytes: int


def files_of(dataset: DatasetVersion) -> list[File]:
    """Those of FILES that are on this machine."""
    paths = [dataset.folder / name for name in FILES]
    return [File(path.name, path.stat().st_size) for path in paths if path.is_file()]


def card_of(dataset: DatasetVersion) -> str:
    """The dataset card without what only tools read, and without its picture, which the page
    has."""
    text = _PICTURE.sub("", _FRONT.sub("", card_text(dataset.manifest)))
    return text if len(text) <= CARD_CHARACTERS else f"{text[:CARD_CHARACTERS]}…"
