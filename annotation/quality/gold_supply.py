"""Whether there is gold enough: for who is in calibration now, and for the next newcomer."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from annotation.models import GoldPair, QualityPolicy, Rater, Slot
from annotation.models.queue import not_had_by
from annotation.services.calibration import answered_in_try
from corpus.models import Project


@dataclass(frozen=True, slots=True)
class Shortage:
    """A rater in calibration and the gold pairs that they have not had: `fresh` of the `needed`
    for this try, and of the `needed_in_all` should they fail every try before the last."""

    rater: Rater
    fresh: int
    needed: int
    needed_in_all: int

    @property
    def is_stuck(self) -> bool:
        return self.fresh < self.needed

    @property
    def lacking(self) -> int:
        return max(self.needed - self.fresh, 0) or max(self.needed_in_all - self.fresh, 0)


@dataclass(frozen=True, slots=True)
class GoldSupply:
    """What a project's gold pairs suffice for.

    `settled` of the `wanted` that a newcomer may use up in all tries; `shortages` of raters in
    calibration, stuck ones first; `used_up` names raters in production who have had all gold, so
    that nothing tells any more how well they label.
    """

    settled: int
    wanted: int
    shortages: tuple[Shortage, ...]
    used_up: tuple[str, ...]

    @property
    def stuck(self) -> tuple[Shortage, ...]:
        return tuple(one for one in self.shortages if one.is_stuck)

    @property
    def short(self) -> tuple[Shortage, ...]:
        return tuple(one for one in self.shortages if not one.is_stuck)

    @property
    def newcomers_run_out(self) -> bool:
        """Newcomers calibrate, and one who fails before the last try would wait for gold."""
        return 0 < self.settled < self.wanted

    @property
    def is_short(self) -> bool:
        return bool(self.shortages or self.used_up or self.newcomers_run_out)


def gold_supply(project: Project, policy: QualityPolicy) -> GoldSupply:
    """Counted by the database, a few queries for each rater in calibration."""
    bank = GoldPair.objects.filter(project=project, state=GoldPair.State.SETTLED)
    settled = bank.count()
    shortages = []
    if policy.calibration_pairs:
        for rater in Rater.objects.filter(project=project, status__in=Rater.CALIBRATING):
            given = Slot.objects.filter(
                rater=rater,
                purpose=Slot.Purpose.CALIBRATION,
                state__in=(Slot.State.LEASED, Slot.State.WAITING),
            ).count()
            needed = max(0, policy.calibration_pairs - answered_in_try(rater) - given)
            later = max(0, policy.calibration_tries - rater.tries - 1)
            fresh = bank.filter(not_had_by(rater)).count()
            one = Shortage(rater, fresh, needed, needed + later * policy.calibration_pairs)
            if one.lacking:
                shortages.append(one)
    shortages.sort(key=lambda one: (not one.is_stuck, -one.lacking, one.rater.name))
    return GoldSupply(
        settled=settled,
        wanted=policy.calibration_pairs * policy.calibration_tries,
        shortages=tuple(shortages),
        used_up=_used_up(project, policy, settled),
    )


def _used_up(project: Project, policy: QualityPolicy, settled: int) -> tuple[str, ...]:
    """Names of people in production who have had every settled gold pair."""
    if not settled or not (policy.gold_share or policy.recalibration_per_week):
        return ()
    had = Count(
        "slots__pair",
        filter=Q(slots__pair__gold__state=GoldPair.State.SETTLED),
        distinct=True,
    )
    raters = Rater.objects.filter(
        project=project, status=Rater.Status.ACTIVE, user__memberships__project=project
    ).annotate(had=had)
    return tuple(raters.filter(had__gte=settled).order_by("name").values_list("name", flat=True))
