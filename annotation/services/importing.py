"""What comes with imported pairs: human labels, gold answers, and slots for what is new."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from django.utils import timezone

from annotation.models import Choice, CompletionLabel, GoldAnswer, Label, Rater, StepLabel
from annotation.services import open_slots
from annotation.services.gold import settle_imported
from corpus.bulk import insert_rows
from corpus.hashing import sha256_of
from corpus.importers.records import (
    CompletionRecord,
    LabelRecord,
    StepLabels,
    StepsRecord,
    ThumbRecord,
)
from corpus.importers.sinks import Batch
from corpus.models import Project
from corpus.writing import StoredPair


def choice_against(pair: StoredPair, choice: str) -> Choice:
    """An imported choice (of response_a and response_b) against the stored pair's own order."""
    if choice in ("equal", "both_bad"):
        return Choice(choice)
    return Choice.FIRST if (choice == "a") == pair.a_is_first else Choice.SECOND


def ensure_raters(project: Project, kind: Rater.Kind, names: set[str]) -> dict[str, Rater]:
    """The project's raters of that kind by name, made without account when missing."""
    if not names:
        return {}
    there = Rater.objects.filter(project=project, kind=kind, name__in=names)
    found = {rater.name: rater for rater in there}
    if lacking := names - set(found):
        Rater.objects.bulk_create(
            [Rater(project=project, kind=kind, name=name) for name in sorted(lacking)],
            ignore_conflicts=True,
        )
        found = {rater.name: rater for rater in there.all()}
    return found


def human_label_sink(batch: Batch) -> Counter[str]:
    """Store the labels of humans; how many were new."""
    found = [
        (pair, label)
        for record, pair in batch.pairs
        for label in record.labels
        if label.kind == "human" and label.choice is not None
    ]
    if not found:
        return Counter()
    raters = ensure_raters(batch.project, Rater.Kind.HUMAN, {label.rater for _, label in found})
    now = timezone.now()
    rows = [
        new_label(batch, pair, raters[label.rater], label, choice, label_sha256(pair, label), now)
        for pair, label in found
        for choice in [choice_against(pair, label.choice or "")]
    ]
    return Counter(labels=store_labels(rows, new_pairs=new_pairs(batch)))


class NewLabel(NamedTuple):
    """A label as it is stored. A model's instance of each of a hundred thousand takes seconds."""

    project_id: int
    pair_id: int
    rater_id: int
    kind: str
    choice: str
    strength: int | None
    p_first: float | None
    criteria: dict[str, str]
    comment: str
    seconds: float | None
    withdrawn: bool
    margin: float | None
    source_import_id: int | None
    import_sha256: str
    created_at: dt.datetime


def new_label(
    batch: Batch,
    pair: StoredPair,
    rater: Rater,
    label: LabelRecord,
    choice: Choice,
    identity: str,
    now: dt.datetime,
    p_first: float | None = None,
) -> NewLabel:
    """A label of the batch, which says `choice` against the stored pair's order."""
    return NewLabel(
        project_id=batch.project.pk,
        pair_id=pair.row.pk,
        rater_id=rater.pk,
        kind=Label.Kind.JUDGEMENT.value,
        choice=choice.value,
        strength=label.strength,
        p_first=p_first,
        criteria=criteria_against(pair, label),
        comment=label.comment,
        seconds=label.seconds,
        withdrawn=False,
        margin=label.margin,
        source_import_id=batch.import_id,
        import_sha256=identity,
        created_at=label.created_at or now,
    )


def new_pairs(batch: Batch) -> set[int]:
    """The ids of the pairs that came with the batch: nothing was ever said of them before."""
    return {pair.row.pk for _, pair in batch.pairs if pair.is_new}


def criteria_against(pair: StoredPair, label: LabelRecord) -> dict[str, str]:
    return {name: choice_against(pair, said).value for name, said in label.criteria.items()}


def label_sha256(pair: StoredPair, label: LabelRecord) -> str:
    """The hash by which the same label of the same rater on the same pair goes in once."""
    created = label.created_at.isoformat() if label.created_at else None
    chosen = choice_against(pair, label.choice).value if label.choice else None
    said = [label.rater, label.kind, chosen, label.strength, label.comment, created]
    if label.criteria:
        return sha256_of([*said, criteria_against(pair, label)])
    return sha256_of(said)


def store_labels(rows: Sequence[NewLabel], *, new_pairs: set[int]) -> int:
    """Store imported labels that are not there yet; how many were new.

    A rater's second label on a pair supersedes the one before, in the order of the file.
    `new_pairs` are the ids of pairs that have no label yet.
    """
    key = ("pair_id", "rater_id", "import_sha256")
    there: set[tuple[int, int, str]] = set()
    latest: dict[tuple[int, int], int | None] = {}
    if old := {row.pair_id for row in rows} - new_pairs:
        known = Label.objects.filter(pair__in=old)
        there = set(known.exclude(import_sha256="").values_list(*key))
        latest = {
            (pair, rater): pk
            for pair, rater, pk in known.filter(superseded_by__isnull=True).values_list(
                "pair_id", "rater_id", "pk"
            )
        }
    fresh: list[NewLabel] = []
    corrections: list[NewLabel] = []
    for row in rows:
        identity = (row.pair_id, row.rater_id, row.import_sha256)
        if identity in there:
            continue
        there.add(identity)
        whose = (row.pair_id, row.rater_id)
        if whose in latest:
            corrections.append(row)
        else:
            fresh.append(row)
            latest[whose] = None
    ids = insert_rows(Label, NewLabel._fields, fresh)
    for row, pk in zip(fresh, ids, strict=True):
        latest[row.pair_id, row.rater_id] = pk
    for row in corrections:
        whose = (row.pair_id, row.rater_id)
        label = Label(**row._asdict(), supersedes_id=latest[whose])
        label.save(force_insert=True)
        latest[whose] = label.pk
    return len(fresh) + len(corrections)


def gold_sink(batch: Batch) -> Counter[str]:
    """Store gold answers of the file; they are no labels."""
    known = [(record.gold, pair) for record, pair in batch.pairs if record.gold is not None]
    if known:
        GoldAnswer.objects.bulk_create(
            [
                GoldAnswer(
                    pair_id=pair.row.pk,
                    choice=choice_against(pair, gold),
                    source_import_id=batch.import_id,
                )
                for gold, pair in known
            ],
            ignore_conflicts=True,
        )
        settle_imported(pairs=[pair.pair for _, pair in known], now=timezone.now())
    return Counter()


def completion_label_sink(batch: Batch) -> Counter[str]:
    """Store the thumbs that single answers were given; how many were new."""
    found = [
        (stored.pk, label)
        for record, stored in batch.completions
        if isinstance(record, CompletionRecord)
        for label in record.labels
    ]
    raters = _raters_of(batch.project, [label for _, label in found])
    now = timezone.now()
    rows = {
        (pk, label.kind, label.rater, identity): CompletionLabel(
            project=batch.project,
            completion_id=pk,
            rater=raters[label.kind, label.rater],
            good=label.good,
            comment=label.comment,
            source_import=batch.source,
            import_sha256=identity,
            created_at=label.created_at or now,
        )
        for pk, label in found
        for identity in [
            sha256_of(
                [label.good, label.comment, label.created_at.isoformat()]
                if label.created_at
                else [label.good, label.comment]
            )
        ]
    }
    there = set(
        CompletionLabel.objects.filter(completion__in=[pk for pk, _ in found]).values_list(
            "completion", "rater", "import_sha256"
        )
    )
    new = [
        row
        for row in rows.values()
        if (row.completion_id, row.rater_id, row.import_sha256) not in there
    ]
    CompletionLabel.objects.bulk_create(new)
    return Counter(labels=len(new))


def step_label_sink(batch: Batch) -> Counter[str]:
    """Store the labels of steps; how many were new. What a rater said of a step first, stays."""
    found = [
        (stored.pk, label)
        for record, stored in batch.completions
        if isinstance(record, StepsRecord)
        for label in record.labels
    ]
    raters = _raters_of(batch.project, [label for _, label in found])
    now = timezone.now()
    rows: dict[tuple[int, int, int], StepLabel] = {}
    for pk, label in found:
        rater = raters[label.kind, label.rater]
        for step, value in enumerate(label.values):
            if value is not None:
                rows.setdefault(
                    (pk, rater.pk, step),
                    StepLabel(
                        project=batch.project,
                        completion_id=pk,
                        rater=rater,
                        step=step,
                        value=value,
                        source_import=batch.source,
                        created_at=label.created_at or now,
                    ),
                )
    there = set(
        StepLabel.objects.filter(completion__in=[pk for pk, _ in found]).values_list(
            "completion", "rater", "step"
        )
    )
    new = [row for key, row in rows.items() if key not in there]
    StepLabel.objects.bulk_create(new)
    return Counter(steps=len(new))


def _raters_of(
    project: Project, labels: Sequence[ThumbRecord | StepLabels]
) -> dict[tuple[str, str], Rater]:
    """The raters of labels, by kind and name."""
    return {
        (kind.value, name): rater
        for kind in Rater.Kind
        for name, rater in ensure_raters(
            project, kind, {label.rater for label in labels if label.kind == kind}
        ).items()
    }


def welcome_pairs(project: Project, pairs: Sequence[StoredPair]) -> None:
    """Ask our raters for labels of each pair that is new, as many as the policy wants."""
    open_slots(pairs=[pair.row for pair in pairs])
