"""When an import is taken back: its labels, gold answers and open tasks go along."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Model, Q
from django.utils import timezone

from annotation.models import (
    CompletionLabel,
    GoldAnswer,
    GoldPair,
    Label,
    Rater,
    Skip,
    Slot,
    StepLabel,
)
from annotation.services.gold import settle_anew
from corpus.imports.dependants import (
    Finish,
    everything,
    goes_along,
    its_own,
    register_check,
    register_prepare,
)
from corpus.models import Import
from figures.words import counted

SHOWN_AS_GOLD = (Slot.Purpose.GOLD, Slot.Purpose.CALIBRATION, Slot.Purpose.RECALIBRATION)


def register_taking_back() -> None:
    goes_along(Label, "pair", its_own)
    goes_along(Label, "supersedes", its_own)
    goes_along(GoldAnswer, "pair", its_own)
    goes_along(CompletionLabel, "completion", its_own, called="thumbs")
    goes_along(StepLabel, "completion", its_own)
    # It follows from its answers, which block where a senior gave them.
    goes_along(GoldPair, "pair", everything)
    goes_along(Skip, "pair", everything)
    goes_along(Slot, "pair", _unclaimed, called="rater tasks")
    register_check(_gold_that_raters_met)
    register_prepare(_tidy_gold)
    register_prepare(_tidy_raters)


def _unclaimed(_job: Import) -> Q:
    """Tasks that nobody holds or has done."""
    return Q(state__in=(Slot.State.OPEN, Slot.State.VOID))


def _gold_that_raters_met(job: Import) -> list[str]:
    """Raters were judged by gold that this import settled, on pairs that are not its own."""
    answers = GoldAnswer.objects.filter(source_import=job).exclude(pair__source_import=job)
    met = Slot.objects.filter(
        pair__in=answers.values("pair"), purpose__in=SHOWN_AS_GOLD, state=Slot.State.DONE
    ).count()
    return [f"{counted(met, 'answers')} of raters to its gold"] if met else []


def _tidy_gold(job: Import) -> Finish:
    """Gold pairs of other imports that this one answered are settled by what is left."""
    answers = GoldAnswer.objects.filter(source_import=job).exclude(pair__source_import=job)
    pairs = list(answers.values_list("pair", flat=True))

    def finish() -> None:
        for gold in GoldPair.objects.filter(pair__in=pairs):
            settle_anew(gold=gold, now=timezone.now())

    return finish


def _tidy_raters(job: Import) -> Finish:
    """Raters without account who came with the import and are left without anything go."""
    raters: set[int] = set()
    for model in (Label, CompletionLabel, StepLabel):
        rows = model._base_manager.filter(source_import=job)
        raters |= set(rows.order_by().values_list("rater", flat=True).distinct())
    return lambda: leave_no_empty_rater(raters)


def leave_no_empty_rater(raters: Collection[int]) -> None:
    """Delete those of the raters, by id, who have no account and to whom nothing refers."""
    for rater in Rater.objects.filter(pk__in=raters, user=None):
        if not is_referred_to(rater):
            rater.delete()


def is_referred_to(row: Model) -> bool:
    """Whether any row of any table refers to this one."""
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: row.pk}).exists()  # type: ignore[union-attr]
        for relation in row._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete and not relation.many_to_many
    )
