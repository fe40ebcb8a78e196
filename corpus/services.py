"""Pairs go in: in batches, each one transaction, and never twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db import transaction

from corpus.importers.records import PairRecord, ParsedLine
from corpus.importers.registry import choose_format, parse_file, source_name
from corpus.importers.sinks import take_all
from corpus.intake.policy import intake_policy, launch_scan
from corpus.intake.redaction import Redactor
from corpus.models import (
    IntakePolicy,
    IntakeScan,
    ModelVersion,
    Pair,
    Project,
    PromptOriginal,
)
from corpus.writing import (
    Answer,
    NewPair,
    PairHashes,
    StoredPair,
    hash_pair,
    write_pairs,
)


@dataclass(frozen=True, slots=True)
class Rejected:
    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did. `rows` counts lines that are not blank."""

    rows: int = 0
    pairs_added: int = 0
    labels_added: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def import_file(
    *,
    slug: str,
    path: Path,
    format_name: str | None = None,
) -> ImportReport:
    """Import a file into the project `slug`, which is made when missing: its pairs, and what the
    layers above take from its records.

    Every batch is one transaction of its own: an import that is cut off has stored whole batches,
    and importing again adds the rest.

    Raises:
        ImportFileError: the file cannot be imported at all; nothing was stored.
    """
    one = choose_format(path, format_name)
    report = ImportReport()
    project = Project.objects.filter(slug=slug).first()
    policy = intake_policy(project.pk) if project else IntakePolicy()
    incoming = (_prepare(record, policy) for record in _counted(parse_file(path, one), report))
    for batch in _batches(incoming, settings.IMPORT_BATCH_PAIRS):
        records = [one.record for one in batch]
        with transaction.atomic():
            if project is None:
                project, _ = Project.objects.get_or_create(slug=slug, defaults={"name": slug})
            stored = write_pairs(
                project=project,
                pairs=new_pairs(project, records),
                origin=Pair.Origin.IMPORT,
                batch=source_name(path)[:100],
                hashes=[one.hashes for one in batch],
            )
            _keep_originals(batch, stored)
            labels = take_all(project, records, stored)
        added = sum(one.is_new for one in stored)
        report.pairs_added += added
        report.duplicates += len(stored) - added
        report.labels_added += labels
    if project is not None and policy.duplicates == IntakePolicy.Duplicates.ONE:
        launch_scan(project=project, kind=IntakeScan.Kind.DUPLICATES)
    return report


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record on its way in: redacted where the policy wants it, and hashed as it will be stored.

    `original` is the prompt as it came, where anything was taken out of the record.
    """

    record: PairRecord
    hashes: PairHashes
    original: list[dict[str, str]] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


def _prepare(record: PairRecord, policy: IntakePolicy) -> Incoming:
    original, counts = None, {}
    if policy.redact_pii:
        redactor = Redactor()
        before = [turn.model_dump() for turn in record.prompt]
        clean = record.model_copy(
            update={
                "prompt": tuple(
                    turn.model_copy(update={"content": redactor.text(turn.content)})
                    for turn in record.prompt
                ),
                "response_a": redactor.text(record.response_a),
                "response_b": redactor.text(record.response_b),
                "reference": redactor.text(record.reference),
            }
        )
        if redactor.counts:
            record, original, counts = clean, before, dict(redactor.counts)
    hashes = hash_pair(
        [{"role": turn.role, "content": turn.content} for turn in record.prompt],
        (record.response_a, record.model_a or None, record.sampling_a),
        (record.response_b, record.model_b or None, record.sampling_b),
        policy,
    )
    return Incoming(record, hashes, original, counts)


def _keep_originals(batch: Sequence[Incoming], stored: Sequence[StoredPair]) -> None:
    """The first original of each prompt that something was taken out of."""
    rows = {
        pair.row.prompt_id: PromptOriginal(
            prompt_id=pair.row.prompt_id, messages=one.original, counts=dict(one.counts)
        )
        for one, pair in reversed(list(zip(batch, stored, strict=True)))
        if one.original is not None
    }
    PromptOriginal.objects.bulk_create(rows.values(), ignore_conflicts=True)


def _counted(lines: Iterable[ParsedLine], report: ImportReport) -> Iterator[PairRecord]:
    for line in lines:
        report.rows += 1
        if line.record is None:
            report.rejected.append(Rejected(line.line, line.reason))
        else:
            yield line.record


def new_pairs(project: Project, records: Sequence[PairRecord]) -> list[NewPair]:
    names = {name for one in records for name in (one.model_a, one.model_b) if name}
    models = _ensure_api_models(project, names)
    return [
        NewPair(
            prompt=[{"role": turn.role, "content": turn.content} for turn in one.prompt],
            a=Answer(one.response_a, models.get(one.model_a or ""), one.sampling_a),
            b=Answer(one.response_b, models.get(one.model_b or ""), one.sampling_b),
            external_id=one.id,
            source=one.source,
            domain=one.domain,
            difficulty=one.difficulty,
            language=one.language,
            reference=one.reference,
        )
        for one in records
    ]


def _ensure_api_models(project: Project, names: set[str]) -> dict[str, ModelVersion]:
    """Models that a file names: known by their name alone."""
    if not names:
        return {}
    ModelVersion.objects.bulk_create(
        [ModelVersion(project=project, name=name, kind=ModelVersion.Kind.API) for name in names],
        ignore_conflicts=True,
    )
    return {
        model.name: model for model in ModelVersion.objects.filter(project=project, name__in=names)
    }


SHOWN_REASONS = 3


def nothing_usable(path: Path, rows: int, rejected: Sequence[Rejected]) -> str:
    """What to say of a file of which every line was rejected; "" where one was good."""
    if not rows or len(rejected) < rows:
        return ""
    reasons = "; ".join(f"line {one.line}: {one.reason}" for one in rejected[:SHOWN_REASONS])
    more = len(rejected) - SHOWN_REASONS
    return f"Nothing was imported: no line of {path} can be used: {reasons}" + (
        f"; and {more} more." if more > 0 else "."
    )


Item = TypeVar("Item")


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
