"""What comes with imported pairs: human labels, gold answers, and slots for what is new."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from annotation.models import Choice, GoldAnswer, Label, Rater
from annotation.services import open_slots
from annotation.services.gold import settle_imported
from corpus.hashing import sha256_of
from corpus.importers.records import LabelRecord, PairRecord
from corpus.models import Project
from corpus.writing import StoredPair


def choice_against(pair: StoredPair, choice: str) -> Choice:
    """An imported choice (of response_a and response_b) against the stored pair's own order."""
    if choice in ("equal", "both_bad"):
        return Choice(choice)
    return Choice.FIRST if (choice == "a") == pair.a_is_first else Choice.SECOND


def ensure_raters(project: Project, kind: Rater.Kind, names: set[str]) -> dict[str, Rater]:
    """The project's raters of that kind by name, made without account when missing."""
    if names:
        Rater.objects.bulk_create(
            [Rater(project=project, kind=kind, name=name) for name in sorted(names)],
            ignore_conflicts=True,
        )
    return {
        rater.name: rater
        for rater in Rater.objects.filter(project=project, kind=kind, name__in=names)
    }


def human_label_sink(
    project: Project, records: Sequence[PairRecord], pairs: Sequence[StoredPair]
) -> int:
    """Store the labels of humans; how many were new."""
    found = [
        (pair, label)
        for record, pair in zip(records, pairs, strict=True)
        for label in record.labels
        if label.kind == "human" and label.choice is not None
    ]
    raters = ensure_raters(project, Rater.Kind.HUMAN, {label.rater for _, label in found})
    rows = [
        Label(
            project=project,
            pair=pair.pair,
            rater=raters[label.rater],
            choice=choice_against(pair, label.choice or ""),
            strength=label.strength,
            comment=label.comment,
            import_sha256=label_sha256(pair, label),
            created_at=label.created_at or timezone.now(),
        )
        for pair, label in found
    ]
    return store_labels(rows)


def label_sha256(pair: StoredPair, label: LabelRecord) -> str:
    """The hash by which the same label of the same rater on the same pair goes in once."""
    created = label.created_at.isoformat() if label.created_at else None
    chosen = choice_against(pair, label.choice).value if label.choice else None
    return sha256_of([label.rater, label.kind, chosen, label.strength, label.comment, created])


def store_labels(rows: Sequence[Label]) -> int:
    """Store imported labels that are not there yet; how many were new.

    A rater's second label on a pair supersedes the one before, in the order of the file.
    """
    key = ("pair_id", "rater_id", "import_sha256")
    pairs = {row.pair_id for row in rows}
    there = set(Label.objects.filter(pair__in=pairs).exclude(import_sha256="").values_list(*key))
    latest = {
        (label.pair_id, label.rater_id): label
        for label in Label.objects.filter(pair__in=pairs, superseded_by__isnull=True)
    }
    fresh: list[Label] = []
    corrections: list[Label] = []
    for row in rows:
        identity = (row.pair_id, row.rater_id, row.import_sha256)
        if identity in there:
            continue
        there.add(identity)
        before = latest.get((row.pair_id, row.rater_id))
        if before is None:
            fresh.append(row)
        else:
            row.supersedes = before
            corrections.append(row)
        latest[row.pair_id, row.rater_id] = row
    Label.objects.bulk_create(fresh)
    for row in corrections:
        row.supersedes = row.supersedes  # its key is known only now that it was stored
        row.save(force_insert=True)
    return len(fresh) + len(corrections)


def gold_sink(project: Project, records: Sequence[PairRecord], pairs: Sequence[StoredPair]) -> int:
    """Store gold answers of the file; they are no labels."""
    GoldAnswer.objects.bulk_create(
        [
            GoldAnswer(pair=pair.pair, choice=choice_against(pair, record.gold))
            for record, pair in zip(records, pairs, strict=True)
            if record.gold is not None
        ],
        ignore_conflicts=True,
    )
    gold = [pair.pair for record, pair in zip(records, pairs, strict=True) if record.gold]
    settle_imported(pairs=gold, now=timezone.now())
    return 0


def slot_sink(project: Project, records: Sequence[PairRecord], pairs: Sequence[StoredPair]) -> int:
    """Ask our raters for labels of each pair that is new, as many as the policy wants."""
    open_slots(pairs=[pair.row for pair in pairs if pair.is_new])
    return 0
