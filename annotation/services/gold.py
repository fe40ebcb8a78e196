"""Gold answers: given by seniors without sight of each other's, settled when enough agree."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation.errors import GoldError
from annotation.models import Choice, GoldAnswer, GoldPair
from annotation.services.labels import check_text
from annotation.services.policy import policy_of
from corpus.models import Pair

MAX_NOTE_CHARACTERS = 5_000
SHUFFLE_BITS = 62


@transaction.atomic
def answer_gold(
    *, pair: Pair, author: User, choice: str, note: str = "", now: dt.datetime | None = None
) -> GoldPair:
    """A senior says what is right for a pair; the gold pair as it stands then.

    As many seniors as the policy wants must say the same; where they differ another one decides.
    The notes of those who said what is right are what a rater is shown in calibration. GoldError
    when this senior has answered before, or the pair has been retired.
    """
    if choice not in Choice:
        raise GoldError(f"choice is {choice!r}; it must be one of {', '.join(Choice.values)}.")
    check_text(note, "note", MAX_NOTE_CHARACTERS)
    gold = _locked(pair)
    if gold.state == GoldPair.State.RETIRED:
        raise GoldError("This gold pair has been retired: it is no longer shown to raters.")
    try:
        with transaction.atomic():
            GoldAnswer.objects.create(pair=pair, author=author, choice=choice, note=note.strip())
    except IntegrityError as error:
        raise GoldError(
            "You have already answered this pair; another senior has to answer it."
        ) from error
    _settle(gold, wanted=policy_of(pair.project_id).gold_seniors, now=now or timezone.now())
    return gold


@transaction.atomic
def retire_gold(*, gold: GoldPair) -> None:
    """Raters do not meet the pair any more; answers they gave to it still count."""
    gold = GoldPair.objects.select_for_update().get(pk=gold.pk)
    if gold.state == GoldPair.State.RETIRED:
        raise GoldError("This gold pair has already been retired.")
    gold.state = GoldPair.State.RETIRED
    gold.save(update_fields=["state"])


@transaction.atomic
def restore_gold(*, gold: GoldPair) -> None:
    """A retired pair is gold again, with the answer that it had. GoldError when it is not retired,
    or was retired before an answer was settled.
    """
    gold = GoldPair.objects.select_for_update().get(pk=gold.pk)
    if gold.state != GoldPair.State.RETIRED or not gold.choice:
        raise GoldError("Only a retired pair with a settled answer can be restored as gold.")
    gold.state = GoldPair.State.SETTLED
    gold.save(update_fields=["state"])


def settle_imported(*, pairs: Collection[Pair], now: dt.datetime) -> int:
    """Gold answers that came with a file settle their pairs; how many are new.

    Call inside a transaction, after the answers are stored.
    """
    there = set(GoldPair.objects.filter(pair__in=pairs).values_list("pair_id", flat=True))
    new = {pair.pk: pair for pair in pairs if pair.pk not in there}
    choices = dict(
        GoldAnswer.objects.filter(pair__in=new, author=None).values_list("pair_id", "choice")
    )
    rows = [
        GoldPair(
            pair=new[pk],
            project_id=new[pk].project_id,
            state=GoldPair.State.SETTLED,
            choice=choice,
            shuffle=_place(),
            settled_at=now,
        )
        for pk, choice in choices.items()
    ]
    GoldPair.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def settle_anew(*, gold: GoldPair, now: dt.datetime) -> None:
    """Settle a gold pair by the answers that are left; one without any is no gold pair."""
    if not GoldAnswer.objects.filter(pair=gold.pair_id).exists():
        gold.delete()
    elif gold.state != GoldPair.State.RETIRED:
        _settle(gold, wanted=policy_of(gold.project_id).gold_seniors, now=now)


def state_of(votes: Counter[str], *, wanted: int, imported: str | None) -> tuple[str, str]:
    """The state and the choice ("" while there is none) that follow from the votes.

    `imported` is the answer that came with a file: it settles as long as nobody contradicts.
    """
    (best, most), *rest = votes.most_common()
    if most >= wanted and all(count < most for _, count in rest):
        return GoldPair.State.SETTLED, best
    if rest:
        return GoldPair.State.CONTESTED, ""
    return (GoldPair.State.SETTLED, best) if imported else (GoldPair.State.PROPOSED, "")


def _settle(gold: GoldPair, *, wanted: int, now: dt.datetime) -> None:
    answers = list(GoldAnswer.objects.filter(pair=gold.pair_id).order_by("id"))
    imported = next((one.choice for one in answers if one.author_id is None), None)
    votes = Counter(one.choice for one in answers)
    gold.state, gold.choice = state_of(votes, wanted=wanted, imported=imported)
    right = [one for one in answers if one.choice == gold.choice]
    gold.note = "\n\n".join(one.note for one in right if one.note)
    gold.settled_at = now if gold.state == GoldPair.State.SETTLED else None
    gold.save(update_fields=["state", "choice", "note", "settled_at"])


def _locked(pair: Pair) -> GoldPair:
    GoldPair.objects.bulk_create(
        [GoldPair(pair=pair, project_id=pair.project_id, shuffle=_place())], ignore_conflicts=True
    )
    return GoldPair.objects.select_for_update().get(pair=pair)


def _place() -> int:
    # Not from a seed: whoever could foresee the round could prepare for it.
    return random.SystemRandom().getrandbits(SHUFFLE_BITS)
