"""How a pair stands: with whom it waits, and whether its raters agree. Derived, never stored.

Each notion stands here twice, side by side: as a condition in the database, by which pairs are
filtered, and for a page of pairs from counted rows. A test holds the two together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import models
from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet

from annotation.models import Adjudication, GoldPair, Label, LabelQuerySet, Rater, Slot
from corpus.models import Pair, Project


class State(models.TextChoices):
    """Where a pair stands; the first that is true of it."""

    HELD_BACK = "held_back", "Held back"
    GOLD = "gold", "Gold"
    DISPUTED = "disputed", "Disputed"
    IN_PROGRESS = "in_progress", "In progress"
    WAITING = "waiting", "Waiting for labels"
    LABELLED = "labelled", "Labelled"
    IDLE = "idle", "Not queued"


class Agreement(models.TextChoices):
    AGREE = "agree", "Raters agree"
    DISAGREE = "disagree", "Raters disagree"
    ONE = "one", "One label only"
    NONE = "none", "No labels"


WANTED = (Slot.State.OPEN, Slot.State.LEASED)


def counting(project: Project) -> LabelQuerySet:
    """A project's labels that are counted: in force, by raters, human or judge, who are not
    suspended. Neither repeats, which measure their rater, nor what an edit implies."""
    suspended = Rater.objects.filter(project=project, status=Rater.Status.SUSPENDED)
    # The few who are suspended by name, and what supersedes as a question of its own: joined to a
    # hundred thousand labels, PostgreSQL would look up the rater of each.
    return (
        Label.objects.filter(project=project, withdrawn=False)
        .filter(~Exists(Label.objects.filter(supersedes=OuterRef("pk"))))
        .filter(kind__in=(Label.Kind.JUDGEMENT, Label.Kind.ADJUDICATION))
        .exclude(rater__in=list(suspended.values_list("pk", flat=True)))
        .order_by()
    )


def in_state(pairs: QuerySet[Pair], project: Project, state: State) -> QuerySet[Pair]:
    """Those of the pairs that stand so."""
    here = {"pair": OuterRef("pk")}
    if state == State.HELD_BACK:
        return pairs.exclude(held_back="")
    pairs = pairs.filter(held_back="")
    gold = Exists(GoldPair.objects.filter(**here, state=GoldPair.State.SETTLED))
    if state == State.GOLD:
        return pairs.filter(gold)
    pairs = pairs.filter(~gold)
    disputed = Exists(Adjudication.objects.filter(**here, state=Adjudication.State.OPEN))
    if state == State.DISPUTED:
        return pairs.filter(disputed)
    slots = Slot.objects.filter(**here, purpose__in=Slot.SHARED)
    is_open, held, done, wanted = (
        Exists(slots.filter(state__in=states))
        for states in ((Slot.State.OPEN,), (Slot.State.LEASED,), (Slot.State.DONE,), WANTED)
    )
    labelled = Exists(counting(project).filter(**here))
    condition = {
        State.IN_PROGRESS: Q(held) | Q(Q(is_open) & Q(done)),
        State.WAITING: Q(is_open) & ~Q(held) & ~Q(done),
        State.LABELLED: ~Q(wanted) & Q(labelled),
        State.IDLE: ~Q(wanted) & ~Q(labelled),
    }[state]
    return pairs.filter(~disputed).filter(condition)


def with_agreement(pairs: QuerySet[Pair], project: Project, agreement: Agreement) -> QuerySet[Pair]:
    """Those of the pairs whose raters agree, differ, are one alone, or none at all.

    All labels of the project are grouped once: asked of each pair, the same takes ten times as
    long.
    """
    said = counting(project).filter(kind=Label.Kind.JUDGEMENT)
    if agreement == Agreement.NONE:
        return pairs.filter(~Exists(said.filter(pair=OuterRef("pk"))))
    groups = said.values("pair").annotate(
        low=Min("choice"), high=Max("choice"), one=Min("rater"), other=Max("rater")
    )
    found = {
        Agreement.ONE: groups.filter(one=F("other")),
        Agreement.AGREE: groups.filter(one__lt=F("other"), low=F("high")),
        Agreement.DISAGREE: groups.filter(one__lt=F("other"), low__lt=F("high")),
    }[agreement]
    return pairs.filter(pk__in=found.values("pair"))


@dataclass(slots=True)
class Standing:
    """What is counted of one pair. `choices` are of the raters' own judgements."""

    labels: int = 0
    raters: set[int] = field(default_factory=set)
    choices: set[str] = field(default_factory=set)
    slots: set[str] = field(default_factory=set)
    gold: bool = False
    disputed: bool = False

    def state(self, held_back: str) -> State:
        wanted = any(state in self.slots for state in WANTED)
        truths: tuple[tuple[State, Callable[[], bool]], ...] = (
            (State.HELD_BACK, lambda: bool(held_back)),
            (State.GOLD, lambda: self.gold),
            (State.DISPUTED, lambda: self.disputed),
            (State.WAITING, lambda: self.slots & {"open", "leased", "done"} == {"open"}),
            (State.IN_PROGRESS, lambda: wanted),
            (State.LABELLED, lambda: self.labels > 0),
        )
        return next((state for state, is_true in truths if is_true()), State.IDLE)

    @property
    def agreement(self) -> Agreement:
        if not self.raters:
            return Agreement.NONE
        if len(self.choices) > 1 and len(self.raters) > 1:
            return Agreement.DISAGREE
        return Agreement.AGREE if len(self.raters) > 1 else Agreement.ONE


def standings_of(project: Project, pairs: Sequence[int]) -> defaultdict[int, Standing]:
    """How pairs of a project, by id, stand; five queries, however many they are."""
    found: defaultdict[int, Standing] = defaultdict(Standing)
    for pair, kind, rater, choice in (
        counting(project)
        .filter(pair__in=pairs)
        .values_list("pair_id", "kind", "rater_id", "choice")
    ):
        found[pair].labels += 1
        if kind == Label.Kind.JUDGEMENT:
            found[pair].raters.add(rater)
            found[pair].choices.add(choice)
    slots = Slot.objects.filter(pair__in=pairs, purpose__in=Slot.SHARED).order_by()
    for pair, state in slots.values_list("pair_id", "state").distinct():
        found[pair].slots.add(state)
    gold = GoldPair.objects.filter(pair__in=pairs, state=GoldPair.State.SETTLED)
    for pair in gold.values_list("pair_id", flat=True):
        found[pair].gold = True
    disputes = Adjudication.objects.filter(pair__in=pairs, state=Adjudication.State.OPEN)
    for pair in disputes.values_list("pair_id", flat=True):
        found[pair].disputed = True
    return found
