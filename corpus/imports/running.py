"""An import as a job: batch by batch, each with its place and its counts in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from django.conf import settings
from django.db import transaction

from corpus.errors import ImportFileError
from corpus.importers.files.rows import RawRow
from corpus.importers.records import ParsedLine
from corpus.importers.registry import parse_rows
from corpus.imports.opening import Source, format_of, source_of
from corpus.imports.report import ImportReport, Rejected, count_named, read_report
from corpus.imports.storing import Making, Prepared, met_imports, prepare, store_prepared
from corpus.intake.policy import intake_policy, launch_scan
from corpus.models import (
    Import,
    ImportRejection,
    IntakePolicy,
    IntakeScan,
    PairPolicy,
)
from jobs.errors import JobError
from jobs.runner import JobContext
from jobs.services import assert_lease


def run_import(context: JobContext[Import]) -> None:
    """Import what the job names, from the line after those that are done."""
    job = context.job
    at = ""
    try:
        with source_of(job) as source:
            at = str(source.path) if job.upload_id else ""
            _note_facts(job, source)
            _import(context, source)
    except ImportFileError as error:
        # Where an upload was put together is nothing to its reader.
        raise JobError(str(error).replace(at, job.name) if at else str(error)) from error
    policy = intake_policy(job.project_id)
    if policy.duplicates == IntakePolicy.Duplicates.ONE:
        launch_scan(project=job.project, kind=IntakeScan.Kind.DUPLICATES)


def _note_facts(job: Import, source: Source) -> None:
    """Store by what the file is known again, once."""
    if job.file_sha256:
        return
    facts = source.facts()
    if facts is not None:
        job.file_sha256, job.file_size = facts.sha256, facts.size
        job.save(update_fields=["file_sha256", "file_size"])


def _import(context: JobContext[Import], source: Source) -> None:
    job = context.job
    one = format_of(job, source)
    report = read_report(job.report)
    report.format = one.NAME
    policy = intake_policy(job.project_id)
    making = Making(PairPolicy(job.pair_policy), job.pairs_per_prompt)
    rows = _after(source.rows(), job.lines_done)
    ready = _ready(parse_rows(rows, one, source.name), policy, making)
    for batch, prepared in ahead(ready):
        context.checkpoint()
        with transaction.atomic():
            assert_lease(job)
            counts, stored = store_prepared(
                project=job.project, prepared=prepared, source=job, batch=source.name
            )
            report.add(counts)
            report.met_imports += met_imports(stored)
            rejected = note_lines(report, batch)
            ImportRejection.objects.bulk_create(
                ImportRejection(source_import=job, line=line.line, reason=line.reason)
                for line in rejected
            )
            job.lines_done, job.report = batch[-1].last, report.as_json()
            Import.objects.filter(pk=job.pk).update(
                lines_done=job.lines_done, report=job.report, format=report.format
            )
        context.report(done=report.rows, total=None, note=f"{report.rows:,} rows read")


def _after(rows: Iterable[RawRow], done: int) -> Iterator[RawRow]:
    return (row for row in rows if row.number > done) if done else iter(rows)


def note_lines(report: ImportReport, batch: Iterable[ParsedLine]) -> list[Rejected]:
    """Count the lines of a batch and the fields of their records; those that were rejected."""
    rejected = []
    for line in batch:
        report.rows += line.rows
        if line.reason:
            rejected += [Rejected(number, line.reason) for number in (line.line, *line.others)]
        for record in line.records:
            for name in record.metadata:
                count_named(report.kept_fields, name)
            for name in record.dropped:
                count_named(report.dropped_fields, name)
    report.reject(rejected)
    return rejected


Batch = tuple[list[ParsedLine], Prepared]


def _ready(lines: Iterable[ParsedLine], policy: IntakePolicy, making: Making) -> Iterator[Batch]:
    """The lines in batches, each with its records ready to be stored."""
    for batch in batches(lines, settings.IMPORT_BATCH_PAIRS):
        records = [(record, line.line) for line in batch for record in line.records]
        yield batch, prepare(records, policy, making)


def ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches, the next of which is made ready while the database stores one."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare") as worker:
        coming = worker.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = worker.submit(next, batches, None)
            yield batch


def batches(lines: Iterable[ParsedLine], size: int) -> Iterator[list[ParsedLine]]:
    iterator = iter(lines)
    while batch := list(islice(iterator, size)):
        yield batch
