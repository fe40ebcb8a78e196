"""Pairs of the several answers that one record holds. Pure functions of records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from corpus.hashing import sha256_of
from corpus.importers.records import (
    Candidate,
    CompletionRecord,
    GroupRecord,
    ImportedChoice,
    LabelRecord,
    PairRecord,
    Ranking,
)
from corpus.models import PairPolicy
from corpus.pairing import Places, pairs_of

DESCRIPTION = ("prompt", "domain", "difficulty", "source", "language", "reference", "metadata")


class Expanded(NamedTuple):
    """What became of a group: its pairs, its answers that are in no pair, and how many of the
    policy's pairs were of two identical answers."""

    pairs: list[PairRecord]
    singles: list[CompletionRecord]
    identical: int


def expand(group: GroupRecord, policy: PairPolicy, most: int | None) -> Expanded:
    """The pairs that the policy makes of a group, each with a label of every ranking that says
    something of both answers; equal scores are a tie."""
    seed = sha256_of([turn.as_message() for turn in group.prompt])
    places = pairs_of(mean_ranks(group), policy, most=most, seed=seed)
    different = [two for two in places if not _same(group.completions, two)]
    paired = {place for two in different for place in two}
    known: dict[str, Any] = {name: getattr(group, name) for name in DESCRIPTION}
    seen: set[tuple[str, str | None]] = set()
    singles = []
    for place, one in enumerate(group.completions):
        if place in paired or (one.text, one.model) in seen:
            continue
        seen.add((one.text, one.model))
        singles.append(
            CompletionRecord(
                **{**known, "metadata": {**group.metadata, **one.metadata}},
                completion=one.text,
                model=one.model,
                sampling=one.sampling,
            )
        )
    pairs = [_pair(group, two, known) for two in different]
    return Expanded(pairs, singles, len(places) - len(different))


def mean_ranks(group: GroupRecord) -> list[float | None]:
    """For each answer the mean over the rankings of its negated score; None where none speaks."""
    ranks: list[float | None] = []
    for place in range(len(group.completions)):
        said = [score for one in group.rankings if (score := one.scores[place]) is not None]
        ranks.append(-sum(said) / len(said) if said else None)
    return ranks


def _same(completions: Sequence[Candidate], two: Places) -> bool:
    one, other = completions[two.first], completions[two.second]
    return (one.text, one.model, one.sampling) == (other.text, other.model, other.sampling)


def _pair(group: GroupRecord, two: Places, known: dict[str, Any]) -> PairRecord:
    a, b = group.completions[two.first], group.completions[two.second]
    labels = [label for one in group.rankings if (label := _label(one, two)) is not None]
    return PairRecord(
        **known,
        id=f"{group.id}:{two.first + 1}-{two.second + 1}"[:200] if group.id else "",
        response_a=a.text,
        response_b=b.text,
        model_a=a.model,
        model_b=b.model,
        sampling_a=a.sampling,
        sampling_b=b.sampling,
        metadata_a=a.metadata,
        metadata_b=b.metadata,
        labels=tuple(labels),
    )


def _label(ranking: Ranking, two: Places) -> LabelRecord | None:
    choice = better(ranking.scores, two)
    if choice is None:
        return None
    criteria = {
        name: said
        for name, scores in ranking.criteria.items()
        if (said := better(scores, two)) is not None
    }
    first, second = ranking.scores[two.first], ranking.scores[two.second]
    margin = abs((first or 0.0) - (second or 0.0)) if ranking.measured else None
    return LabelRecord(
        rater=ranking.rater,
        kind=ranking.kind,
        choice=choice,
        margin=margin,
        criteria=criteria,
        comment=ranking.comment,
        created_at=ranking.created_at,
    )


def better(scores: Sequence[float | None], two: Places) -> ImportedChoice | None:
    """Which of two answers has the higher score; None where one has none."""
    first, second = scores[two.first], scores[two.second]
    if first is None or second is None:
        return None
    if first == second:
        return "equal"
    return "a" if first > second else "b"
