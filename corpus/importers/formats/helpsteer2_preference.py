"""HelpSteer2-Preference: which of two answers is better, how strongly, and each annotator's vote.

Source: Wang et al. 2024, arXiv 2410.01257.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.formats.helpsteer2 import prompt_turns
from corpus.importers.reading import Row, objects, rest, text
from corpus.importers.records import LabelRecord, PairRecord, Record
from corpus.importers.said import signed

NAME = "helpsteer2-preference"
TITLE = "HelpSteer2 preferences"
RATER = "helpsteer2-preference"
"""The overall preference, which the authors made of the votes."""

REASONS = ("justification", "elaboration", "statement")
"""What a vote may say why in, the fullest first."""

VOTES = "all_preferences_unprocessed"
NEEDED = frozenset({"prompt", "response_1", "response_2", "preference_strength"})
USED = (*NEEDED, "preference_elaboration", VOTES)


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows say how strongly one of two responses is preferred."""
    return 2 * any(row.keys() >= NEEDED for row in rows)


def parse(row: Row) -> list[Record]:
    """The pair of a row, with the overall preference and each annotator's."""
    fields = row.fields
    overall = signed(fields.get("preference_strength"), "preference_strength")
    labels = [
        LabelRecord(
            rater=RATER,
            choice=overall.choice,
            strength=overall.strength,
            comment=_words(fields, "preference_elaboration"),
        )
    ]
    for place, vote in enumerate(objects(fields.get(VOTES), VOTES)):
        said = signed(vote.get("strength"), f"{VOTES}.{place}.strength")
        labels.append(
            LabelRecord(
                rater=f"annotator {place + 1}",
                choice=said.choice,
                strength=said.strength,
                comment=_words(vote, *REASONS),
            )
        )
    return [
        PairRecord(
            prompt=prompt_turns(text(fields, "prompt")),
            response_a=text(fields, "response_1"),
            response_b=text(fields, "response_2"),
            source=row.source,
            labels=tuple(labels),
            metadata=rest(fields, USED),
        )
    ]


def _words(fields: Mapping[str, Any], *names: str) -> str:
    """The first of the fields that is a text."""
    said = (fields.get(name) for name in names)
    return next((value for value in said if isinstance(value, str) and value), "")
