"""Prompts without answers go in: what models are asked, red-team sets among them.

JSONL with the fields of `PromptRecord`, red-team transcripts (the dialogue's turns up to the first
answer), or plain text with one prompt a line. Plain or gzipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from pydantic import ValidationError

from corpus.bulk import lock_project
from corpus.conversations import changed
from corpus.hashing import prompt_sha256
from corpus.importers.files.json_rows import read_object
from corpus.importers.files.opening import check_whole, numbered_lines, source_name
from corpus.importers.formats.hh_rlhf import split_turns
from corpus.importers.records import PromptRecord, describe
from corpus.imports.report import Rejected
from corpus.intake.policy import intake_policy, launch_scan
from corpus.intake.redaction import Redactor
from corpus.models import IntakePolicy, IntakeScan, Project, Prompt, PromptOriginal
from corpus.writing import add_references

# What a red-team set has beside its transcript says nothing of the prompt.
TRANSCRIPT = "transcript"


@dataclass(slots=True)
class PromptReport:
    """What an import of prompts did. `rows` counts lines that are not blank."""

    rows: int = 0
    added: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def import_prompts(
    *, slug: str, path: Path, source: str = "", red_team: bool = False
) -> PromptReport:
    """Import a file of prompts into the project `slug`, which is made when missing.

    Args:
        source: the name under which runs select them; the file's name when empty.
        red_team: all of them are sensitive: a refusal of one is no fault.

    Raises:
        ImportFileError: the file cannot be imported at all; nothing was stored.
    """
    check_whole(path)
    named = source or source_name(path)
    report = PromptReport()
    project = Project.objects.filter(slug=slug).first()
    policy = intake_policy(project.pk) if project else IntakePolicy()
    records = iter(_records(path, named, report, red_team=red_team))
    while batch := list(islice(records, settings.IMPORT_BATCH_PAIRS)):
        with transaction.atomic():
            if project is None:
                project, _ = Project.objects.get_or_create(slug=slug, defaults={"name": slug})
            added = _store(project, batch, policy)
        report.added += added
        report.duplicates += len(batch) - added
    if project is not None and policy.duplicates == IntakePolicy.Duplicates.ONE:
        launch_scan(project=project, kind=IntakeScan.Kind.DUPLICATES)
    return report


def _records(
    path: Path, source: str, report: PromptReport, *, red_team: bool
) -> Iterator[PromptRecord]:
    for line, raw in numbered_lines(path):
        report.rows += 1
        parsed = _parse(raw, as_text=path.name.removesuffix(".gz").endswith(".txt"))
        if isinstance(parsed, str):
            report.rejected.append(Rejected(line, parsed))
            continue
        changes: dict[str, Any] = {} if parsed.source else {"source": source}
        if red_team:
            changes["sensitive"] = True
        yield parsed.model_copy(update=changes)


def _parse(raw: bytes, *, as_text: bool) -> PromptRecord | str:
    """The record of a line, or the reason why there is none."""
    try:
        if as_text:
            return PromptRecord.model_validate({"prompt": raw.decode("utf-8-sig").strip()})
        fields = read_object(raw)
        if isinstance(fields, str):
            return fields
        if isinstance(fields.get(TRANSCRIPT), str):
            turns = split_turns(fields[TRANSCRIPT])
            if isinstance(turns, str):
                return f"{TRANSCRIPT}: {turns}"
            return PromptRecord(prompt=(turns[0],))
        return PromptRecord.model_validate(fields)
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start}"
    except ValidationError as error:
        return describe(error)


def _store(project: Project, records: Iterable[PromptRecord], policy: IntakePolicy) -> int:
    """Store the prompts that are not there; how many. One that is there may become sensitive."""
    rows: dict[str, Prompt] = {}
    originals: dict[str, PromptOriginal] = {}
    for record in records:
        before = [turn.as_message() for turn in record.prompt]
        redactor = Redactor()
        messages, reference = before, record.reference
        if policy.redact_pii:
            reference = redactor.text(reference)
            messages = [changed(turn, redactor.text) for turn in before]
        sha256 = prompt_sha256(messages)
        if redactor.counts:
            originals[sha256] = PromptOriginal(messages=before, counts=dict(redactor.counts))
        rows.setdefault(
            sha256,
            Prompt(
                project=project,
                messages=messages,
                sha256=sha256,
                source=record.source,
                domain=record.domain,
                difficulty=record.difficulty,
                language=record.language,
                sensitive=record.sensitive,
                reference=reference,
            ),
        )
    lock_project(project)
    there = Prompt.objects.filter(project=project, sha256__in=list(rows))
    known = dict(there.values_list("sha256", "pk"))
    marked = [pk for sha256, pk in known.items() if rows[sha256].sensitive]
    Prompt.objects.filter(pk__in=marked, sensitive=False).update(sensitive=True)
    add_references(
        {pk: rows[sha256].reference for sha256, pk in known.items() if rows[sha256].reference}
    )
    fresh = [row for sha256, row in rows.items() if sha256 not in known]
    Prompt.objects.bulk_create(fresh)
    kept = []
    for row in fresh:
        if row.sha256 in originals:
            original = originals[row.sha256]
            original.prompt = row
            kept.append(original)
    PromptOriginal.objects.bulk_create(kept)
    return len(fresh)
