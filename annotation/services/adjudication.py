"""Pairs that a senior decides: found in the labels, decided once, never by who labelled them."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from annotation.errors import AdjudicationError
from annotation.models import (
    Adjudication,
    Choice,
    Label,
    QualityPolicy,
    Rater,
    Skip,
    Slot,
)
from annotation.queue.draws import uniform
from annotation.services.labels import Judgement, check_judgement, choice_of, newest_guideline_id
from annotation.services.policy import policy_of
from annotation.services.slots import put_back, void
from corpus.models import Pair, Project
from figures.words import percent

FLAGS = (Skip.Reason.UNCLEAR, Skip.Reason.OFFENSIVE, Skip.Reason.PII, Skip.Reason.BROKEN)
"""Reasons to skip that speak of the pair, not of the rater."""

STRONG = 0.9
"""A judge disagrees strongly when it holds the opposite to be at least this probable."""

PAIRS_AT_ONCE = 5_000

State = Adjudication.State
Reason = Adjudication.Reason


@transaction.atomic
def find_adjudications(*, project: Project) -> int:
    """Put into the seniors' queue what came up since the last look; how many pairs.

    Only pairs with a label or a skip newer than the last look are looked at.
    """
    QualityPolicy.objects.get_or_create(project=project)
    policy = QualityPolicy.objects.select_for_update().get(project=project)
    labels = Label.objects.filter(project=project, pk__gt=policy.labels_seen)
    skips = Skip.objects.filter(pair__project=project, pk__gt=policy.skips_seen)
    newest_label = labels.aggregate(newest=Max("id"))["newest"]
    newest_skip = skips.aggregate(newest=Max("id"))["newest"]
    found: dict[int, tuple[Adjudication.Reason, str]] = {}
    if newest_label is not None:
        pairs = list(labels.order_by().values_list("pair_id", flat=True).distinct())
        for start in range(0, len(pairs), PAIRS_AT_ONCE):
            found |= _in_dispute(pairs[start : start + PAIRS_AT_ONCE])
    flagged = skips.filter(reason__in=FLAGS).order_by("id").values_list("pair_id", "reason")
    for pair, reason in flagged:
        found[pair] = (Reason.FLAG, str(Skip.Reason(reason).label))
    made = _queue(project, found)
    policy.labels_seen = newest_label or policy.labels_seen
    policy.skips_seen = newest_skip or policy.skips_seen
    policy.save(update_fields=["labels_seen", "skips_seen"])
    return made


def _in_dispute(pairs: list[int]) -> dict[int, tuple[Adjudication.Reason, str]]:
    """Which of the pairs raters differ on, or a judge and the raters, and in which words."""
    counted = (
        Label.objects.effective()
        .filter(pair__in=pairs, kind=Label.Kind.JUDGEMENT)
        .exclude(rater__status=Rater.Status.SUSPENDED)
        .values("pair_id")
        .annotate(
            first=_humans(Choice.FIRST),
            second=_humans(Choice.SECOND),
            equal=_humans(Choice.EQUAL),
            both_bad=_humans(Choice.BOTH_BAD),
            lowest=Min("p_first", filter=Q(rater__kind=Rater.Kind.JUDGE)),
            highest=Max("p_first", filter=Q(rater__kind=Rater.Kind.JUDGE)),
        )
    )
    found: dict[int, tuple[Adjudication.Reason, str]] = {}
    for row in counted.iterator():
        said = {
            Choice.FIRST: row["first"],
            Choice.SECOND: row["second"],
            Choice.EQUAL: row["equal"],
            Choice.BOTH_BAD: row["both_bad"],
        }
        used = {choice: count for choice, count in said.items() if count}
        if len(used) > 1:
            # Not which: first and second are not A and B on the senior's screen.
            words = "humans " + " to ".join(map(str, sorted(used.values(), reverse=True)))
            found[row["pair_id"]] = (Reason.DISAGREEMENT, words)
        elif set(used) == {Choice.FIRST} and (row["lowest"] or 1) <= 1 - STRONG:
            found[row["pair_id"]] = (
                Reason.JUDGE,
                f"judge {percent(1 - row['lowest'])} for the other side, humans "
                f"{used[Choice.FIRST]} to 0",
            )
        elif set(used) == {Choice.SECOND} and (row["highest"] or 0) >= STRONG:
            found[row["pair_id"]] = (
                Reason.JUDGE,
                f"judge {percent(row['highest'])} for the other side, humans "
                f"{used[Choice.SECOND]} to 0",
            )
    return found


def _humans(choice: Choice) -> Count:
    return Count("id", filter=Q(rater__kind=Rater.Kind.HUMAN, choice=choice))


def _queue(project: Project, found: dict[int, tuple[Adjudication.Reason, str]]) -> int:
    """One open row a pair; a pair that a senior dealt with before stays as they left it."""
    dealt_with = set(Adjudication.objects.filter(pair__in=found).values_list("pair_id", flat=True))
    rows = [
        Adjudication(project=project, pair_id=pair, reason=reason, detail=detail[:300])
        for pair, (reason, detail) in found.items()
        if pair not in dealt_with
    ]
    Adjudication.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def decide(
    *,
    adjudication: Adjudication,
    rater: Rater,
    judgement: Judgement,
    first_is_left: bool,
    note: str = "",
    now: dt.datetime | None = None,
) -> Label:
    """The senior's decision: a label of its own kind, which speaks for the pair from now on."""
    now = now or timezone.now()
    row = _open(adjudication)
    if Label.objects.effective().filter(pair=row.pair_id, rater=rater).exists():
        raise AdjudicationError(
            "You labelled this pair yourself, so another senior has to decide it."
        )
    check_judgement(judgement, policy_of(row.project_id))
    slot = Slot.objects.create(
        pair_id=row.pair_id,
        project_id=row.project_id,
        purpose=Slot.Purpose.ADJUDICATION,
        state=Slot.State.DONE,
        rater=rater,
        first_is_left=first_is_left,
        claimed_at=now,
    )
    label = Label.objects.create(
        project_id=row.project_id,
        pair_id=row.pair_id,
        rater=rater,
        slot=slot,
        kind=Label.Kind.ADJUDICATION,
        choice=choice_of(judgement.pressed, first_is_left=first_is_left),
        strength=judgement.strength,
        comment=judgement.comment.strip(),
        first_was_left=first_is_left,
        seconds=judgement.seconds,
        guideline_id=newest_guideline_id(row.project_id),
        created_at=now,
    )
    _close(row, State.DECIDED, rater, note, now, label)
    return label


@transaction.atomic
def dismiss(*, adjudication: Adjudication, rater: Rater, note: str = "") -> None:
    """Nothing is wrong with the pair: it stays as it is labelled."""
    _close(_open(adjudication), State.DISMISSED, rater, note, timezone.now())


@transaction.atomic
def set_aside(*, adjudication: Adjudication, rater: Rater, note: str = "") -> None:
    """The pair is not fit for use: no more labels are wanted of it, no new dataset holds it."""
    row = _open(adjudication)
    Pair.objects.filter(pk=row.pair_id).update(held_back=Pair.HeldBack.SET_ASIDE)
    void(Slot.objects.filter(pair=row.pair_id, state__in=[Slot.State.OPEN, Slot.State.WAITING]))
    _close(row, State.SET_ASIDE, rater, note, timezone.now())


@transaction.atomic
def bring_back(*, adjudication: Adjudication, rater: Rater) -> Adjudication:
    """A pair that was set aside is in use again, as many labels are wanted of it as it lacks, and a
    senior is to decide what it was set aside for. AdjudicationError when it is not set aside.
    """
    row = Adjudication.objects.select_for_update().get(pk=adjudication.pk)
    pair = Pair.objects.select_for_update(no_key=True).get(pk=row.pair_id)
    if row.state != State.SET_ASIDE or pair.held_back != Pair.HeldBack.SET_ASIDE:
        raise AdjudicationError("This pair is not set aside; nothing was changed.")
    pair.held_back = ""
    pair.save(update_fields=["held_back"])
    put_back([pair.pk])
    waiting = Adjudication.objects.filter(pair=pair, state=State.OPEN).first()
    return waiting or Adjudication.objects.create(
        project_id=row.project_id,
        pair=pair,
        reason=row.reason,
        detail=f"restored by {rater.name}"[:300],
    )


def shown_first_left(adjudication: Adjudication, rater: Rater) -> bool:
    """Which side first stands on for this senior: the same at every look, drawn for each anew."""
    return uniform("adjudication", adjudication.pk, rater.pk) < 0.5


def _open(adjudication: Adjudication) -> Adjudication:
    row = Adjudication.objects.select_for_update().get(pk=adjudication.pk)
    if row.state != State.OPEN:
        raise AdjudicationError(
            f"This pair has been {row.get_state_display().lower()} in the meantime; nothing was "
            "changed."
        )
    return row


def _close(
    row: Adjudication,
    state: Adjudication.State,
    rater: Rater,
    note: str,
    now: dt.datetime,
    label: Label | None = None,
) -> None:
    row.state, row.decided_by, row.decided_at = state, rater.user, now
    row.label, row.note = label, note.strip()
    row.save(update_fields=["state", "decided_by", "decided_at", "label", "note"])
