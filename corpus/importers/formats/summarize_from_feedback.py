"""OpenAI's summarize-from-feedback: which of two summaries of a post a worker preferred.

Source: Stiennon et al. 2020, arXiv 2009.01325; the prompts are written as their policies saw them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, RowError, number, objects, rest, short, text
from corpus.importers.records import ImportedChoice, LabelRecord, PairRecord, Record

NAME = "summarize-from-feedback"
TITLE = "Summarize from feedback"
RATER = "summarize-from-feedback"
NEEDED = frozenset({"info", "summaries", "choice"})
MIDDLE = 5
"""Of the nine points, from surely the first summary (1) to surely the second (9)."""

STRENGTHS = {1: 1, 2: 2, 3: 3, 4: 3}
"""By the distance from the middle."""


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows have a post's info, summaries and a choice."""
    return 2 * any(row.keys() >= NEEDED and isinstance(row["summaries"], list) for row in rows)


def parse(row: Row) -> list[Record]:
    """The pair of a row, in the order of the file."""
    fields = row.fields
    info = fields.get("info")
    if not isinstance(info, Mapping):
        raise RowError("info: must be an object with the post")
    summaries = objects(fields.get("summaries"), "summaries")
    if len(summaries) != 2:
        raise RowError(f"summaries: must be two, got {len(summaries)}")
    chosen = number(fields.get("choice"))
    if chosen not in (0, 1):
        raise RowError(f"choice: must be 0 or 1, got {short(fields.get('choice'), 60)!r}")
    choice: ImportedChoice = "b" if chosen else "a"
    one, other = summaries
    metadata = {
        **rest(fields, ("info", "summaries", "choice", "worker")),
        **rest(info, ("id", "post", "title", "subreddit", "article")),
    }
    label = LabelRecord(
        rater=short(fields.get("worker")).strip() or RATER,
        choice=choice,
        strength=_strength(fields.get("extra"), choice),
    )
    return [
        PairRecord(
            prompt=_prompt(info),  # type: ignore[arg-type]
            response_a=_summary(one, 0),
            response_b=_summary(other, 1),
            model_a=short(one.get("policy")) or None,
            model_b=short(other.get("policy")) or None,
            metadata_a=rest(one, ("text", "policy")),
            metadata_b=rest(other, ("text", "policy")),
            id=short(info.get("id")),
            domain=short(info.get("subreddit"), 100),
            source=row.source,
            labels=(label,),
            metadata=metadata,
        )
    ]


def _prompt(info: Mapping[str, Any]) -> str:
    """The query of the paper: of a Reddit post, or of a news article."""
    if isinstance(info.get("article"), str) and info["article"]:
        return f"Article:\n\n{info['article']}\n\nTL;DR:"
    post = text(info, "post")
    title = info.get("title") if isinstance(info.get("title"), str) else ""
    subreddit = info.get("subreddit")
    place = f"SUBREDDIT: r/{subreddit}\n\n" if isinstance(subreddit, str) and subreddit else ""
    return f"{place}TITLE: {title}\n\nPOST: {post}\n\nTL;DR:"


def _summary(summary: Mapping[str, Any], place: int) -> str:
    """A summary without the blank with which models began theirs."""
    if not isinstance(summary.get("text"), str):
        raise RowError(f"summaries.{place}.text: must be a string")
    return str(summary["text"]).strip()


def _strength(extra: Any, choice: ImportedChoice) -> int | None:
    """How sure the worker was. Nothing where they did not say, or where what they said lies on the
    side of the other summary."""
    said = number(extra.get("confidence")) if isinstance(extra, Mapping) else None
    if said is None:
        return None
    distance = MIDDLE - said if choice == "a" else said - MIDDLE
    return STRENGTHS.get(int(distance)) if distance.is_integer() else None
