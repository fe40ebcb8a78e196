"""From a run's verdicts to its judge's labels, and to the answers it owes to gold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import F
from django.utils import timezone

from annotation.models import Label, Slot
from annotation.services.checks import STREAM
from corpus.models import Pair
from judging.asking.arithmetic import Judged, Order, clamped, judged, outcome
from judging.asking.questions import Plan
from judging.measures.scaling import scaled
from judging.models import Calibration, JudgeConfig, JudgeRun, Verdict

Status = Verdict.Status


@dataclass(slots=True)
class Counted:
    """What came of pairs, gold that rode along left out; and how much gold was answered."""

    labelled: int = 0
    abstained: int = 0
    unscored: int = 0
    inconsistent: int = 0
    gold: int = 0

    @property
    def pairs(self) -> int:
        return self.labelled + self.abstained + self.unscored


def write_labels(
    run: JudgeRun,
    config: JudgeConfig,
    plan: Plan,
    pairs: Sequence[Pair],
    riding: Collection[int] = (),
) -> Counted:
    """Label the pairs whose questions are all answered; in the transaction of their verdicts.

    Gold that waits for the judge is answered by the same label. `riding` are pairs that are not of
    the run's selection: gold that was mixed in, which is not counted among its pairs.
    """
    found = readable_verdicts(run, pairs)
    slots = _slots(config, pairs)
    calibration = Calibration.objects.filter(config=config, in_use=True).first()
    previous = {
        label.pair_id: label
        for label in Label.objects.effective().filter(rater=config.rater, pair__in=pairs)
    }
    counted = Counted()
    labels: list[Label] = []
    done: list[int] = []
    void: list[int] = []
    for pair in pairs:
        said = judged(
            plan.readings(found[pair.pk]),
            both_orders=plan.both_orders,
            contradiction=plan.settings.contradiction,
        )
        slot = slots.get(pair.pk)
        counted.gold += slot is not None
        if pair.pk not in riding:
            _count(counted, said)
        if said.p_first is None:
            if slot is not None and slot.state == Slot.State.WAITING:
                void.append(slot.pk)
            continue
        if slot is not None:
            done.append(slot.pk)
        p_first = said.p_first if calibration is None else scaled(calibration, said.p_first)
        labels.append(
            Label(
                project_id=run.project_id,
                pair=pair,
                rater=config.rater,
                slot=slot,
                choice=outcome(p_first, tie_band=config.tie_band),
                p_first=clamped(p_first, plan.settings.clamp),
                supersedes=previous.get(pair.pk),
                created_at=timezone.now(),
            )
        )
    Label.objects.bulk_create(labels)
    Slot.objects.filter(pk__in=done).update(state=Slot.State.DONE)
    Slot.objects.filter(pk__in=void).update(state=Slot.State.VOID)
    JudgeRun.objects.filter(pk=run.pk).update(
        labelled=F("labelled") + counted.labelled,
        abstained=F("abstained") + counted.abstained,
        unscored=F("unscored") + counted.unscored,
        inconsistent=F("inconsistent") + counted.inconsistent,
    )
    return counted


def readable_verdicts(
    run: JudgeRun, pairs: Sequence[Pair]
) -> defaultdict[int, list[tuple[int | None, Order, int, float]]]:
    """Per pair, what `Plan.readings` takes."""
    found: defaultdict[int, list[tuple[int | None, Order, int, float]]] = defaultdict(list)
    rows = Verdict.objects.filter(run=run, pair__in=pairs, status=Status.OK)
    for pair, principle, order, sample, p_first in rows.values_list(
        "pair_id", "principle_id", "order", "sample", "p_first"
    ):
        if p_first is not None:
            found[pair].append((principle, order_of(order), sample, p_first))
    return found


def order_of(order: str) -> Order:
    return "ab" if order == Verdict.Order.FIRST_SECOND else "ba"


def _count(counted: Counted, said: Judged) -> None:
    if said.abstains:
        counted.abstained += 1
    elif said.p_first is None:
        counted.unscored += 1
    else:
        counted.labelled += 1
        counted.inconsistent += said.consistent is False


def _slots(config: JudgeConfig, pairs: Sequence[Pair]) -> dict[int, Slot]:
    """Gold that waits for this judge, and gold it answered: a second answer stands in the first
    one's place, and goes on to count."""
    waiting = Slot.objects.filter(
        rater=config.rater, pair__in=pairs, state__in=[Slot.State.WAITING, Slot.State.DONE]
    )
    return {
        slot.pair_id: slot
        for slot in waiting.filter(purpose__in=(*STREAM, Slot.Purpose.CALIBRATION)).order_by("pk")
    }
