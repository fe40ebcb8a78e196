"""UltraFeedback: four answers of models, which GPT-4 rated on four aspects and overall.

Source: Cui et al. 2023, "UltraFeedback: Boosting Language Models with Scaled AI Feedback", arXiv
2310.01377.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, RowError, described, number, prompt_turns, rest, text
from corpus.importers.records import Candidate, GroupRecord, Ranking, Record

NAME = "ultrafeedback"
TITLE = "UltraFeedback"
OVERALL = ("overall_score", "fine-grained_score")


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where a row has an instruction, and completions with annotations."""
    return 2 * any(
        isinstance(row.get("instruction"), str)
        and isinstance(row.get("completions"), list)
        and any(isinstance(one, Mapping) and "annotations" in one for one in row["completions"])
        for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The answers of a row with a judge's scores: overall, and as a criterion for each aspect. A
    rating that is no number ("N/A") is missing."""
    completions = row.fields.get("completions")
    if not isinstance(completions, list):
        raise RowError("completions: must be a list")
    for place, one in enumerate(completions):
        if not isinstance(one, Mapping):
            raise RowError(f"completions.{place}: must be an object with a response")
        if not isinstance(one.get("response"), str):
            raise RowError(f"completions.{place}.response: must be a string")
    aspects = dict.fromkeys(name for one in completions for name in _aspects(one))
    overall = [tuple(number(one.get(name)) for one in completions) for name in OVERALL]
    ranking = Ranking(
        rater=NAME,
        kind="judge",
        scores=next(
            (scores for scores in overall if any(s is not None for s in scores)), overall[0]
        ),
        criteria={
            name: tuple(_rating(_aspects(one).get(name)) for one in completions) for name in aspects
        },
        measured=True,
    )
    return [
        GroupRecord(
            # `models` says again what the completions do.
            **described(row, ("instruction", "completions", "models")),
            prompt=prompt_turns(text(row.fields, "instruction"), "instruction"),
            completions=tuple(
                Candidate(
                    text=one["response"],
                    model=one.get("model"),
                    metadata=rest(one, ("response", "model")),
                )
                for one in completions
            ),
            rankings=(ranking,),
        )
    ]


def _aspects(completion: Mapping[str, Any]) -> Mapping[str, Any]:
    found = completion.get("annotations")
    return found if isinstance(found, Mapping) else {}


def _rating(annotation: Any) -> float | None:
    return number(annotation.get("Rating")) if isinstance(annotation, Mapping) else None
