"""Stanford Human Preferences: two comments on a post, and which one had more votes.

Source: Ethayarajh et al. 2022, "Understanding Dataset Difficulty with V-Usable Information",
data sets stanfordnlp/SHP and SHP-2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, RowError, number, rest, short, text
from corpus.importers.records import ImportedChoice, LabelRecord, PairRecord, Record

NAME = "shp"
TITLE = "Stanford Human Preferences"
RATER = "shp"
NEEDED = frozenset({"history", "human_ref_A", "human_ref_B", "labels"})
OF_A_SIDE = ("score", "c_root_id", "created_at_utc")
USED = (
    *("post_id", "domain", *NEEDED),
    *(f"{name}_{side}" for name in OF_A_SIDE for side in "AB"),
)

CLEAR, STRONG = 2, 5
"""Ratios of votes from which a preference is clear (strength 2) and strong (3). The authors advise
training on ratios of at least 2."""

_SPLIT = re.compile(r"_(train|validation|test)$")


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows have a history and two human references."""
    return 2 * any(row.keys() >= NEEDED for row in rows)


def parse(row: Row) -> list[Record]:
    """The pair of a row, with the choice of the voters."""
    fields = row.fields
    domain = short(fields.get("domain"))
    split = _SPLIT.search(domain)
    metadata = rest(fields, USED)
    if split:
        metadata["split"] = split[1]
    label = LabelRecord(rater=RATER, choice=_choice(fields), strength=_strength(fields))
    return [
        PairRecord(
            prompt=text(fields, "history"),  # type: ignore[arg-type]
            response_a=text(fields, "human_ref_A"),
            response_b=text(fields, "human_ref_B"),
            metadata_a=_side(fields, "A"),
            metadata_b=_side(fields, "B"),
            id=short(fields.get("post_id")),
            domain=_SPLIT.sub("", domain)[:100],
            source=row.source,
            labels=(label,),
            metadata=metadata,
        )
    ]


def _choice(fields: Mapping[str, Any]) -> ImportedChoice:
    said = number(fields.get("labels"))
    if said not in (0, 1):
        raise RowError(
            f"labels: must be 1 (A is better) or 0 (B), got {short(fields.get('labels'), 60)!r}"
        )
    return "a" if said else "b"


def _strength(fields: Mapping[str, Any]) -> int | None:
    ratio = number(fields.get("score_ratio"))
    if ratio is None:
        return None
    return 3 if ratio >= STRONG else 2 if ratio >= CLEAR else 1


def _side(fields: Mapping[str, Any], side: str) -> dict[str, Any]:
    found = {name: fields.get(f"{name}_{side}") for name in OF_A_SIDE}
    return rest(found, ())
