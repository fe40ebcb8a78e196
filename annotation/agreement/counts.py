"""Labels counted in the database: all that agreement is computed from.

Each function asks one statement, and one statement sees one snapshot, so that all figures of a
report are of the same moment while raters go on labelling. What comes back are counts, never
labels: per rater against gold and against the majority of the others, per two raters, and the
distinct patterns of pairs with how many pairs have each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from annotation.agreement import sql
from annotation.agreement.scale import FOUR
from annotation.models import Rater
from corpus.models import Project

Counts = NDArray[np.int64]
Stratum = Literal["domain", "difficulty", "language"]

WORK_MEM = "128MB"
"""For one statement on PostgreSQL: the sorts and hashes of a million labels stay in memory."""

FIRST_MONDAY = date(1969, 12, 29)


@dataclass(frozen=True, slots=True)
class Patterns:
    """The distinct counts per place (u, 8) of pairs with two labels or more, and how many pairs
    have each (u,)."""

    counts: Counts
    often: Counts


@dataclass(frozen=True, slots=True)
class AgreementCounts:
    """What a project's raters chose beside each other; row r of the tables is of `raters[r]`.

    `labels` (raters,) counts effective labels, repeats included; everywhere else a rater's newest
    label of a pair counts alone. `gold` and `majority` (raters, 4, 4) have the rater's choice in
    rows. `two` (t, 8, 8) has those twos alone who share a pair: `first_of_two` and `second_of_two`
    (t,) number them, the lower first.
    """

    raters: list[Rater]
    labels: Counts
    gold: Counts
    majority: Counts
    first_of_two: Counts
    second_of_two: Counts
    two: Counts
    everybody: Patterns
    humans: Patterns
    judges: Patterns


@dataclass(frozen=True, slots=True)
class PartCounts:
    """The patterns of one part of a project."""

    part: str
    everybody: Patterns
    humans: Patterns
    judges: Patterns


@dataclass(frozen=True, slots=True)
class RaterWeekCounts:
    """One rater's tables (4, 4) of one week: own choice in rows."""

    rater: Rater
    week: str
    gold: Counts
    majority: Counts


class Cells(NamedTuple):
    """How many pairs `n` (c,) two raters put into one place each: `first` into `here`, `second`
    into `there`."""

    first: Counts
    second: Counts
    here: Counts
    there: Counts
    n: Counts

    def turned(self) -> Cells:
        return Cells(self.second, self.first, self.there, self.here, self.n)

    def where(self, chosen: NDArray[np.bool_]) -> Cells:
        return Cells(*(column[chosen] for column in self))


def agreement_counts(project: Project) -> AgreementCounts:
    """All counts of a project. Raters without an effective label are left out; the others stand
    in order of kind, then of name."""
    rows = np.array(_rows(sql.WHOLE_PROJECT, project), dtype=np.int64).reshape(-1, 4)
    of_kind = {what: rows[rows[:, 0] == what] for what in range(7)}
    labels = dict(of_kind[sql.LABELS][:, [1, 3]].tolist())
    raters = list(Rater.objects.filter(pk__in=labels).order_by("kind", "name"))
    ids = np.array([rater.pk for rater in raters], dtype=np.int64)
    by_id = np.argsort(ids)

    def number(rater_ids: Counts) -> Counts:
        found: Counts = by_id[np.searchsorted(ids, rater_ids, sorter=by_id)]
        return found

    def against(chosen: Counts) -> Counts:
        tables = np.zeros((len(raters), 16), dtype=np.int64)
        tables[number(chosen[:, 1]), chosen[:, 2]] = chosen[:, 3]
        return tables.reshape(-1, 4, 4)

    met = of_kind[sql.TWO]
    cells = Cells(
        number(met[:, 1] // 2),
        number(met[:, 2] // 64),
        met[:, 2] % 64 // 8,
        met[:, 2] % 8,
        met[:, 3],
    )
    alone = cells.where(met[:, 1] % 2 == 1)
    human = np.array([rater.kind == Rater.Kind.HUMAN for rater in raters], dtype=np.bool_)
    first, second, two = _tables_of_two(cells)
    return AgreementCounts(
        raters=raters,
        labels=np.array([labels[rater.pk] for rater in raters], dtype=np.int64),
        gold=against(of_kind[sql.GOLD]),
        majority=against(of_kind[sql.MAJORITY]) + _majority_of_one(alone, human),
        first_of_two=first,
        second_of_two=second,
        two=two,
        everybody=_unpacked(of_kind[sql.EVERYBODY][:, 1:], alone),
        humans=_unpacked(
            of_kind[sql.HUMANS][:, 1:], alone.where(human[alone.first] & human[alone.second])
        ),
        judges=_unpacked(
            of_kind[sql.JUDGES][:, 1:], alone.where(~human[alone.first] & ~human[alone.second])
        ),
    )


def counts_by_stratum(project: Project, stratum: Stratum) -> list[PartCounts]:
    """Patterns per value of a prompt's field; prompts without one are the part ""."""
    column = {"domain": "domain", "difficulty": "difficulty", "language": "language"}[stratum]
    joined = (
        "JOIN corpus_pair ON corpus_pair.id = of_unit.pair_id "
        "JOIN corpus_prompt ON corpus_prompt.id = corpus_pair.prompt_id"
    )
    statement = sql.steps() + sql.patterns_by(f"corpus_prompt.{column}", joined=joined)
    return _parts(_rows(statement, project))


def counts_by_week(project: Project) -> list[PartCounts]:
    """Patterns per ISO week in UTC. A pair belongs to the week of its newest counted label, when
    it became what it is: so each pair counts once."""
    effective = sql.of_week(connection.vendor)
    statement = sql.steps(effective, part="MAX(part)") + sql.patterns_by("part")
    return _parts([(week_name(row[0]), *row[1:]) for row in _rows(statement, project)])


def counts_by_criterion(project: Project) -> list[PartCounts]:
    """Patterns per criterion, over what labels say on it; a unit is a pair under a criterion."""
    effective = sql.of_criterion(connection.vendor)
    statement = sql.steps(effective, unit="pair_id, part", part="part") + sql.patterns_by("part")
    return _parts(_rows(statement, project))


def rater_week_counts(project: Project) -> list[RaterWeekCounts]:
    """Each rater's tables per ISO week (UTC) of their own labels, by rater, then by week."""
    effective = sql.of_week(connection.vendor)
    rows = _rows(sql.steps(effective, part="MAX(part)") + sql.RATERS_BY_PART, project)
    tables: dict[tuple[int, int], Counts] = defaultdict(lambda: np.zeros((2, 16), dtype=np.int64))
    for week, what, rater, cell, n in rows:
        tables[rater, week][0 if what == sql.GOLD else 1, cell] = n
    weeks: dict[int, list[int]] = defaultdict(list)
    for rater, week in sorted(tables):
        weeks[rater].append(week)
    return [
        RaterWeekCounts(rater, week_name(week), *tables[rater.pk, week].reshape(2, 4, 4))
        for rater in Rater.objects.filter(pk__in=weeks).order_by("kind", "name")
        for week in weeks[rater.pk]
    ]


def week_name(weeks: int) -> str:
    """The ISO week that many weeks after the one of 29 December 1969, as in 2026-W05."""
    year, week, _ = (FIRST_MONDAY + timedelta(weeks=weeks)).isocalendar()
    return f"{year}-W{week:02}"


def _parts(rows: list[tuple[Any, ...]]) -> list[PartCounts]:
    """(part, what, low, high, n) as patterns, in order of part."""
    groups = (sql.EVERYBODY, sql.HUMANS, sql.JUDGES)
    of_part: dict[str, tuple[list[Any], ...]] = defaultdict(lambda: ([], [], []))
    for part, what, *pattern in rows:
        of_part[part][groups.index(what)].append(pattern)
    return [
        PartCounts(part, *(_unpacked(np.array(rows, dtype=np.int64)) for rows in of_part[part]))
        for part in sorted(of_part)
    ]


def _unpacked(rows: Counts, alone: Cells | None = None) -> Patterns:
    """Patterns from rows (low, high, n), and from pairs with those two labels alone."""
    shifts = sql.BITS * np.arange(sql.HALF)
    halves = [(rows[:, column, None] >> shifts) & (2**sql.BITS - 1) for column in (0, 1)]
    counts, often = np.concatenate(halves, axis=1), rows[:, 2]
    if alone is not None:
        cells = np.bincount(8 * alone.here + alone.there, weights=alone.n, minlength=64)
        both = np.eye(8, dtype=np.int64)
        counts = np.concatenate([counts, (both[:, None] + both[None, :]).reshape(64, 8)])
        often = np.concatenate([often, cells.astype(np.int64)])
    patterns, place = np.unique(counts, axis=0, return_inverse=True)
    together = np.zeros(len(patterns), dtype=np.int64)
    np.add.at(together, place.ravel(), often)
    kept = (patterns.sum(axis=1) > 1) & (together > 0)
    return Patterns(patterns[kept], together[kept])


def _majority_of_one(alone: Cells, human: NDArray[np.bool_]) -> Counts:
    """Tables (raters, 4, 4) against the one other rater of a pair, where that is a human."""
    choice_of = np.array(FOUR)
    tables = np.zeros((len(human), 4, 4), dtype=np.int64)
    for side in (alone, alone.turned()):
        voted = side.where(human[side.second])
        place = (voted.first, choice_of[voted.here], choice_of[voted.there])
        np.add.at(tables, place, voted.n)
    return tables


def _tables_of_two(cells: Cells) -> tuple[Counts, Counts, Counts]:
    """The twos of raters that met, each in the raters' own order, and their tables (t, 8, 8)."""
    after, turned = cells.first > cells.second, cells.turned()
    a, b, here, there = (
        np.where(after, other, one) for one, other in zip(cells[:4], turned[:4], strict=True)
    )
    wide = int(b.max(initial=0)) + 1
    met, place = np.unique(a * wide + b, return_inverse=True)
    size = len(met) * 64
    tables = np.bincount(place * 64 + here * 8 + there, weights=cells.n, minlength=size)
    return met // wide, met % wide, tables.astype(np.int64).reshape(-1, 8, 8)


def _rows(statement: str, project: Project) -> list[tuple[Any, ...]]:
    with _memory(), connection.cursor() as cursor:
        cursor.execute(statement, {"project": project.pk})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


@contextmanager
def _memory() -> Iterator[None]:
    """Room for the sorts, on PostgreSQL, until the statement is done."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        # Compiling so many small expressions takes longer than running them.
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEM}'; SET LOCAL jit = off")
        yield
