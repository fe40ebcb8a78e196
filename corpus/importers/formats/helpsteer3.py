"""HelpSteer3-Preference: a dialogue, two answers, the overall preference and each annotator's.

Source: Wang et al. 2025, arXiv 2505.11475.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, conversation, objects, rest, short, text
from corpus.importers.records import LabelRecord, PairRecord, Record
from corpus.importers.said import signed

NAME = "helpsteer3"
TITLE = "HelpSteer3 preferences"
RATER = "helpsteer3"
"""The overall preference, which the authors made of the votes."""

VOTES = "individual_preference"
NEEDED = frozenset({"context", "response1", "response2", "overall_preference"})
USED = (*NEEDED, VOTES, "domain", "language")


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows have a context, two responses and an overall preference."""
    return 2 * any(row.keys() >= NEEDED for row in rows)


def parse(row: Row) -> list[Record]:
    """The pair of a row, with the overall preference and each annotator's; what they wrote about
    each answer is kept beside it."""
    fields = row.fields
    overall = signed(fields.get("overall_preference"), "overall_preference")
    votes = objects(fields.get(VOTES), VOTES)
    labels = [LabelRecord(rater=RATER, choice=overall.choice, strength=overall.strength)]
    for place, vote in enumerate(votes):
        said = signed(vote.get("score"), f"{VOTES}.{place}.score")
        why = vote.get("reasoning")
        labels.append(
            LabelRecord(
                rater=f"annotator {place + 1}",
                choice=said.choice,
                strength=said.strength,
                comment=why if isinstance(why, str) else "",
            )
        )
    return [
        PairRecord(
            prompt=conversation(fields.get("context"), "context"),
            response_a=text(fields, "response1"),
            response_b=text(fields, "response2"),
            metadata_a=_feedback(votes, "feedback1"),
            metadata_b=_feedback(votes, "feedback2"),
            domain=short(fields.get("domain"), 100),
            language=short(fields.get("language"), 35),
            source=row.source,
            labels=tuple(labels),
            metadata=rest(fields, USED),
        )
    ]


def _feedback(votes: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    said = [vote[name] for vote in votes if isinstance(vote.get(name), str) and vote[name]]
    return {"feedback": said} if said else {}
