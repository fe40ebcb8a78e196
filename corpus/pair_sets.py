"""Picking pairs: a set that never changes, known by what is in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from corpus.bulk import insert_rows
from corpus.errors import PairSetError
from corpus.hashing import sha256_of
from corpus.models import Pair, PairSet, Project

MOST_PICKED = 100_000
AT_ONCE = 5_000


@transaction.atomic
def pick_pairs(
    *,
    project: Project,
    pairs: Collection[int],
    picked_by: Mapping[str, Any] | None = None,
    created_by: User | None = None,
) -> PairSet:
    """The set of these pairs of the project, by id; made when there is none of the same pairs.

    PairSetError for no pair, more than MOST_PICKED, or one that is not the project's.
    """
    ids = sorted(set(pairs))
    if not ids:
        raise PairSetError("No pairs are selected.")
    if len(ids) > MOST_PICKED:
        raise PairSetError(f"{len(ids):,} pairs are selected; the limit is {MOST_PICKED:,}.")
    hashes: dict[int, str] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = Pair.objects.filter(project=project, pk__in=ids[start : start + AT_ONCE])
        hashes.update(some.values_list("pk", "sha256"))
    if strange := [pk for pk in ids if pk not in hashes]:
        raise PairSetError(f"There is no pair {strange[0]} in this project.")
    made, is_new = PairSet.objects.get_or_create(
        project=project,
        sha256=sha256_of(sorted(hashes.values())),
        defaults={
            "size": len(ids),
            "picked_by": dict(picked_by or {}),
            "created_by": created_by,
        },
    )
    if is_new:
        insert_rows(PairSet.pairs.through, ("pairset_id", "pair_id"), ((made.pk, pk) for pk in ids))
    return made


def pair_set(project: Project, sha256: str) -> PairSet:
    """The project's set of that hash. PairSetError when there is none."""
    found = PairSet.objects.filter(project=project, sha256=sha256).first()
    if found is None:
        raise PairSetError(f"{project.slug} has no picked pairs {sha256}.")
    return found
