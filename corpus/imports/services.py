"""Imports are started, from a page or from the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from corpus.errors import ImportFileError
from corpus.importers.files.hub import HubDataset, pinned
from corpus.importers.mapping import ColumnMap, MappedFormat, read_mapping
from corpus.importers.registry import Format, detect_format, format_named, parse_rows
from corpus.imports.opening import Source, file_source
from corpus.imports.report import ImportReport, Rejected, read_report
from corpus.imports.running import note_lines, run_import
from corpus.imports.uploads import complete
from corpus.models import ColumnMapping, Import, PairPolicy, Project, Upload
from corpus.storable import unstorable
from jobs.runner import do_claimed, worker_name
from jobs.services import claim_job, enqueue


@dataclass(frozen=True, slots=True)
class Choices:
    """How a file is read: by the format of that name, through a mapping, or as it is recognised;
    and which pairs are made of several answers."""

    format_name: str | None = None
    mapping: ColumnMap | None = None
    pair_policy: PairPolicy = PairPolicy.ALL
    pairs_per_prompt: int | None = None


AS_FOUND = Choices()


def format_for(source: Source, choices: Choices) -> Format:
    """The format by which a source is read. ImportFileError."""
    if choices.mapping is not None:
        return MappedFormat(choices.mapping)
    if choices.format_name is not None:
        return format_named(choices.format_name)
    return detect_format(source.rows(), str(source.path or source.name))


@transaction.atomic
def launch_import(
    *,
    project: Project,
    upload: Upload | None = None,
    dataset: HubDataset | None = None,
    choices: Choices = AS_FOUND,
    user: User | None = None,
) -> Import:
    """Queue the import of an upload that is here whole, or of a hub's dataset, pinned to a commit.

    ImportFileError where neither can be had.
    """
    if upload is not None:
        # So that it is not thrown away meanwhile.
        held = Upload.objects.select_for_update().filter(pk=upload.pk, project=project).first()
        if held is None or not complete(held):
            raise ImportFileError(f"{upload.name} is not here as a whole; upload the rest of it.")
    if upload is None and dataset is None:
        raise ImportFileError("Choose a file, or name a dataset.")
    job = _new_import(project, choices, user)
    if upload is not None:
        job.name, job.upload = upload.name, upload
    elif dataset is not None:
        job.name, job.hub = dataset.name, dataset.model_dump()
    job.save()
    enqueue(job)
    return job


def pin(dataset: HubDataset) -> HubDataset:
    """The dataset at one commit, so that its import can be repeated. ImportFileError."""
    return pinned(dataset)


def _new_import(project: Project, choices: Choices, user: User | None) -> Import:
    return Import(
        project=project,
        format=choices.format_name or (MappedFormat.NAME if choices.mapping else ""),
        mapping=choices.mapping.model_dump() if choices.mapping else None,
        pair_policy=choices.pair_policy,
        pairs_per_prompt=choices.pairs_per_prompt,
        created_by=user,
    )


def import_file(
    *,
    slug: str,
    path: Path,
    format_name: str | None = None,
    choices: Choices | None = None,
    user: User | None = None,
) -> ImportReport:
    """Import a file into the project `slug`, which is made when missing, in this process.

    Every batch is one transaction of its own: an import that is cut off has stored whole batches,
    and importing again adds the rest. A file without one good line leaves nothing.

    Raises:
        ImportFileError: the file cannot be imported at all; nothing was stored.
    """
    chosen = choices or Choices(format_name=format_name)
    return import_source(slug=slug, source=file_source(path), choices=chosen, user=user)


def import_source(
    *, slug: str, source: Source, choices: Choices, user: User | None = None
) -> ImportReport:
    """Import what a source holds, likewise."""
    facts = source.facts()
    one = format_for(source, choices)
    useless = _without_one_good_line(source, one)
    if useless is not None:
        return useless
    with transaction.atomic():
        project, _ = Project.objects.get_or_create(slug=slug, defaults={"name": slug})
        job = _new_import(project, choices, user)
        job.name = source.name
        job.path = str(source.path.absolute())[:1000] if source.path else ""
        job.hub = source.hub.model_dump() if source.hub else None
        job.max_attempts = 1
        if facts:
            job.file_sha256, job.file_size = facts.sha256, facts.size
        job.save()
        claimed = claim_job(Import, job.pk, worker=worker_name())
    if claimed is None:
        raise RuntimeError(f"import {job.pk} was taken by another worker before it was visible")
    done = do_claimed(claimed, run_import)
    if done.state != Import.State.SUCCEEDED:
        raise ImportFileError(done.error or f"The import of {source.name} was {done.state}.")
    report = read_report(done.report)
    report.rejected = [
        Rejected(line, reason) for line, reason in done.rejections.values_list("line", "reason")
    ]
    return report


def _without_one_good_line(source: Source, one: Format) -> ImportReport | None:
    """The report of a source without one line that can be used; None where there is one."""
    report = ImportReport(format=one.NAME)
    for line in parse_rows(source.rows(), one, source.name):
        if line.records:
            return None
        report.rejected += note_lines(report, [line])
    return report


SHOWN_REASONS = 3


def nothing_usable(
    path: Path | str, rows: int, rejected_rows: int, rejected: Sequence[Rejected]
) -> str:
    """What to say of a file of which every line was rejected; "" where one was good."""
    if not rows or rejected_rows < rows:
        return ""
    reasons = "; ".join(f"line {one.line}: {one.reason}" for one in rejected[:SHOWN_REASONS])
    more = rejected_rows - SHOWN_REASONS
    return f"Nothing was imported: no line of {path} can be used: {reasons}" + (
        f"; and {more} more." if more > 0 else "."
    )


def save_mapping(
    *, project: Project, name: str, mapping: ColumnMap, user: User | None = None
) -> ColumnMapping:
    """Keep a mapping under a name; one that has the name already is replaced."""
    stored, _ = ColumnMapping.objects.update_or_create(
        project=project,
        name=name,
        defaults={
            "columns": dict(mapping.columns),
            "values": dict(mapping.values),
            "created_by": user,
        },
    )
    return stored


def saved_mapping(slug: str, name: str) -> ColumnMap:
    """The project's mapping of that name. ImportFileError, which lists those that there are."""
    mappings = ColumnMapping.objects.filter(project__slug=slug)
    # No name has what cannot be stored, and PostgreSQL refuses to look for it.
    stored = None if unstorable(name) else mappings.filter(name=name).first()
    if stored is None:
        names = ", ".join(mappings.values_list("name", flat=True)) or "none"
        raise ImportFileError(f"There is no saved mapping {name!r} in {slug} (saved: {names}).")
    columns: Mapping[str, str] = stored.columns
    return read_mapping(columns, stored.values)
