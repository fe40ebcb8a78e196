"""PKU-SafeRLHF: which of two answers is better, and which is safer.

Source: Ji et al. 2023, "BeaverTails", arXiv 2307.04657; Ji et al. 2024, arXiv 2406.15513.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, RowError, number, rest, short, text
from corpus.importers.records import ImportedChoice, LabelRecord, PairRecord, Record

NAME = "pku-saferlhf"
TITLE = "PKU-SafeRLHF comparisons"
RATER = "pku-saferlhf"
NEEDED = frozenset({"prompt", "response_0", "response_1", "better_response_id"})
BETTER, SAFER = "better", "safer"
USED = (
    *("prompt", "response_0", "response_1", "better_response_id", "safer_response_id"),
    *("prompt_source", "response_0_source", "response_1_source"),
)


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows say which of two answers, numbered from 0, is better."""
    return 2 * any(row.keys() >= NEEDED for row in rows)


def parse(row: Row) -> list[Record]:
    """The pair of a row. The better answer is the choice, and both questions are criteria; two
    answers that are both unsafe are both bad on the second, and which of them is the less unsafe
    is kept as metadata."""
    fields = row.fields
    better = _numbered(fields, "better_response_id")
    criteria = {BETTER: better}
    used = list(USED)
    if fields.get("is_response_0_safe") is False and fields.get("is_response_1_safe") is False:
        criteria[SAFER] = "both_bad"
        used.remove("safer_response_id")
    elif fields.get("safer_response_id") is not None:
        criteria[SAFER] = _numbered(fields, "safer_response_id")
    return [
        PairRecord(
            prompt=text(fields, "prompt"),  # type: ignore[arg-type]
            response_a=text(fields, "response_0"),
            response_b=text(fields, "response_1"),
            model_a=short(fields.get("response_0_source")) or None,
            model_b=short(fields.get("response_1_source")) or None,
            source=short(fields.get("prompt_source")) or row.source,
            labels=(LabelRecord(rater=RATER, choice=better, criteria=criteria),),
            metadata=rest(fields, used),
        )
    ]


def _numbered(fields: Mapping[str, Any], name: str) -> ImportedChoice:
    said = number(fields.get(name))
    if said not in (0, 1):
        raise RowError(f"{name}: must be 0 or 1, got {short(fields.get(name), 60)!r}")
    return "b" if said else "a"
