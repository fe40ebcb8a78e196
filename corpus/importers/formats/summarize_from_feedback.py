"""OpenAI's summarize-from-feedback: which of two summaries of a post a worker preferred, and
ratings of single summaries on several axes, of which those of one post are neighbors.

Source: Stiennon et al. 2020, arXiv 2009.01325; the prompts are written as their policies saw them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, RowError, number, objects, rest, short, text
from corpus.importers.records import (
    Candidate,
    GroupRecord,
    ImportedChoice,
    LabelRecord,
    PairRecord,
    Ranking,
    Record,
)

NAME = "summarize-from-feedback"
TITLE = "Summarize from feedback"
RATER = "summarize-from-feedback"
NEEDED = frozenset({"info", "summaries", "choice"})
OF_INFO = ("id", "post", "title", "subreddit", "article")
MIDDLE = 5
"""Of the nine points, from surely the first summary (1) to surely the second (9)."""

STRENGTHS = {1: 1, 2: 2, 3: 3, 4: 3}
"""By the distance from the middle."""


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows have a post's info, and summaries and a choice, or a summary with axes."""
    return 2 * any(
        (row.keys() >= NEEDED and isinstance(row["summaries"], list)) or _is_rating(row)
        for row in rows
    )


def belongs(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two neighbors rate summaries of one post."""
    return _is_rating(before) and _is_rating(after) and before["info"] == after["info"]


def parse(row: Row) -> list[Record]:
    """The record of a row that has no neighbors."""
    return parse_rows([row])


def parse_rows(rows: Sequence[Row]) -> list[Record]:
    """The pair of a row, in the order of the file; or the group of the summaries of one post, with
    the ratings of each worker."""
    if _is_rating(rows[0].fields):
        return [_group(rows)]
    return [_pair(row) for row in rows]


def _is_rating(row: Mapping[str, Any]) -> bool:
    summary = row.get("summary")
    return (
        isinstance(row.get("info"), Mapping)
        and isinstance(summary, Mapping)
        and isinstance(summary.get("axes"), Mapping)
    )


def _group(rows: Sequence[Row]) -> GroupRecord:
    """Each different summary once; what a worker did not rate is unsaid."""
    places: dict[tuple[str, str], int] = {}
    rated: dict[str, dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        summary = row.fields["summary"]
        written = text(summary, "text").strip()
        place = places.setdefault((written, short(summary.get("policy"))), len(places))
        rater = short(row.fields.get("worker")).strip() or RATER
        rated.setdefault(rater, {})[place] = summary["axes"]
    info = rows[0].fields["info"]
    return GroupRecord(
        **_described(info, rows[0]),
        completions=tuple(Candidate(text=one, model=model or None) for one, model in places),
        rankings=tuple(_ranking(rater, axes, len(places)) for rater, axes in rated.items()),
        metadata={
            **rest(rows[0].fields, ("info", "summary", "worker")),
            **rest(info, OF_INFO),
        },
    )


def _ranking(rater: str, axes: Mapping[int, Mapping[str, Any]], n: int) -> Ranking:
    names = dict.fromkeys(str(name) for one in axes.values() for name in one)
    scores = {
        name: tuple(number(axes[place].get(name)) if place in axes else None for place in range(n))
        for name in names
    }
    overall = scores.pop("overall", (None,) * n)
    return Ranking(rater=rater, scores=overall, criteria=scores, measured=True)


def _described(info: Mapping[str, Any], row: Row) -> dict[str, Any]:
    return {
        "prompt": _prompt(info),
        "id": short(info.get("id")),
        "domain": short(info.get("subreddit"), 100),
        "source": row.source,
    }


def _pair(row: Row) -> PairRecord:
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
        **rest(info, OF_INFO),
    }
    label = LabelRecord(
        rater=short(fields.get("worker")).strip() or RATER,
        choice=choice,
        strength=_strength(fields.get("extra"), choice),
    )
    return PairRecord(
        **_described(info, row),
        response_a=_summary(one, 0),
        response_b=_summary(other, 1),
        model_a=short(one.get("policy")) or None,
        model_b=short(other.get("policy")) or None,
        metadata_a=rest(one, ("text", "policy")),
        metadata_b=rest(other, ("text", "policy")),
        labels=(label,),
        metadata=metadata,
    )


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
