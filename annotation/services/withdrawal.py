"""Pairs that are taken out of use, and put back: any number at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import transaction

from annotation.models import Slot
from annotation.services.slots import put_back, void
from corpus.models import Pair, Project

PAIRS_AT_ONCE = 1000

WITHDRAWN = Pair.HeldBack.WITHDRAWN


@transaction.atomic
def withdraw_pairs(*, project: Project, pairs: Collection[int]) -> int:
    """Label the project's pairs, by id, no more and leave them out of new datasets; how many were
    in use. What is held back for another reason stays so. Labels stay, and so does a task in hand.
    """
    changed = 0
    for chunk in _locked(project, pairs, held_back=""):
        Pair.objects.filter(pk__in=chunk).update(held_back=WITHDRAWN)
        waiting = [Slot.State.OPEN, Slot.State.WAITING]
        void(Slot.objects.filter(pair__in=chunk, state__in=waiting))
        changed += len(chunk)
    return changed


@transaction.atomic
def restore_pairs(*, project: Project, pairs: Collection[int]) -> int:
    """Use withdrawn pairs, by id, again: as many labels are wanted of them as before; how many
    were withdrawn."""
    changed = 0
    for chunk in _locked(project, pairs, held_back=WITHDRAWN):
        Pair.objects.filter(pk__in=chunk).update(held_back="")
        put_back(chunk)
        changed += len(chunk)
    return changed


def _locked(project: Project, pairs: Collection[int], *, held_back: str) -> Iterator[list[int]]:
    """The ids of those that stand so, a part at a time. Locked in one order, so that two who
    change the same pairs wait for each other."""
    wanted = sorted(set(pairs))
    for start in range(0, len(wanted), PAIRS_AT_ONCE):
        some = wanted[start : start + PAIRS_AT_ONCE]
        rows = Pair.objects.select_for_update(no_key=True).filter(project=project, pk__in=some)
        found = list(rows.order_by("pk").values_list("pk", "held_back"))
        if chunk := [pk for pk, why in found if why == held_back]:
            yield chunk
