"""RewardBench: a better and a worse answer, in subsets that are reported apart.

Source: Lambert et al. 2024, arXiv 2403.13787.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, conversation, pair_of, rest, short, text
from corpus.importers.records import Record

NAME = "rewardbench"
TITLE = "RewardBench pairs"
RATER = "rewardbench"
NEEDED = frozenset({"prompt", "chosen", "rejected", "chosen_model", "rejected_model", "subset"})
USED = (*NEEDED, "id")


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows name the models of a chosen and a rejected text, and a subset."""
    return 2 * any(row.keys() >= NEEDED and isinstance(row["chosen"], str) for row in rows)


def parse(row: Row) -> list[Record]:
    """The pair of a row; its subset is the domain."""
    fields = row.fields
    prompt = fields.get("prompt")
    return [
        pair_of(
            prompt=conversation(prompt, "prompt")
            if isinstance(prompt, list | tuple)
            else text(fields, "prompt"),
            chosen=text(fields, "chosen"),
            rejected=text(fields, "rejected"),
            chosen_model=short(fields.get("chosen_model")) or None,
            rejected_model=short(fields.get("rejected_model")) or None,
            label={"rater": RATER},
            id=short(fields.get("id")),
            domain=short(fields.get("subset"), 100),
            source=row.source,
            metadata=rest(fields, USED),
        )
    ]
