"""A page of pairs: newest first, by keyset, so that pairs added meanwhile move nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.functions import Left

from corpus.conversations import last_asked
from corpus.models import Pair, Project
from library.pairs.states import Agreement, Standing, State, standings_of

ROWS = 50
BEGINNING = 160
"""Characters of a text that a row shows."""

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """One pair of the list; `pair` has neither texts nor prompt loaded."""

    pair: Pair
    prompt: str
    first: str
    second: str
    standing: Standing

    @property
    def state(self) -> State:
        return self.standing.state(self.pair.held_back)

    @property
    def agreement(self) -> Agreement:
        return self.standing.agreement


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the ids from which the pages beside it go on; None where there is no more."""

    rows: Sequence[Row]
    older: int | None
    newer: int | None


@dataclass(frozen=True, slots=True)
class Matches:
    """How many pairs match, counted no further than MOST_COUNTED."""

    counted: int

    def __str__(self) -> str:
        if self.counted > MOST_COUNTED:
            return f"More than {MOST_COUNTED:,} pairs"
        return f"{self.counted:,} pair{'' if self.counted == 1 else 's'}"


def first_page(
    project: Project, pairs: QuerySet[Pair], *, size: int = ROWS
) -> tuple[Page, Matches]:
    """The newest pairs, and how many there are: one query finds both, for what is costly in a
    filter is found out once."""
    newest = pairs.order_by("-pk").values_list("pk", flat=True)
    ids = list(newest[: MOST_COUNTED + 1])
    page = Page(rows_of(project, ids[:size]), ids[size - 1] if len(ids) > size else None, None)
    return page, Matches(len(ids))


def page_of(
    project: Project,
    pairs: QuerySet[Pair],
    *,
    before: int | None = None,
    after: int | None = None,
    size: int = ROWS,
) -> Page:
    """The pairs older than `before`, or those newer than `after`, or the newest; a fixed number of
    queries."""
    if after is not None:
        newer_first = pairs.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
        found = list(newer_first[: size + 1])
        ids = found[:size][::-1]
        newer = ids[0] if len(found) > size else None
        return Page(rows_of(project, ids), ids[-1] if ids else None, newer)
    older_first = pairs if before is None else pairs.filter(pk__lt=before)
    found = list(older_first.order_by("-pk").values_list("pk", flat=True)[: size + 1])
    ids = found[:size]
    return Page(
        rows_of(project, ids),
        ids[-1] if len(found) > size else None,
        ids[0] if before is not None and ids else None,
    )


def rows_of(project: Project, ids: Sequence[int]) -> list[Row]:
    """The rows of a project's pairs, by id, in the order given."""
    there = {
        pair.pk: pair
        for pair in Pair.objects.filter(pk__in=ids)
        .select_related("source_import", "prompt")
        .only(
            *("origin", "batch", "held_back", "external_id", "created_at", "project_id"),
            *("source_import__name", "prompt__messages"),
        )
        .annotate(start=Left("first__text", BEGINNING + 1))
        .annotate(other=Left("second__text", BEGINNING + 1))
    }
    standing = standings_of(project, ids)
    return [
        Row(
            there[pk],
            beginning(last_asked(there[pk].prompt.messages)),
            beginning(there[pk].start),
            beginning(there[pk].other),
            standing[pk],
        )
        for pk in ids
        if pk in there
    ]


def beginning(text: str) -> str:
    """A text's first words on one line."""
    return text[:BEGINNING].rstrip() + "…" * (len(text) > BEGINNING)


def matches(pairs: QuerySet[Pair]) -> Matches:
    return Matches(pairs.order_by().values("pk")[: MOST_COUNTED + 1].count())
