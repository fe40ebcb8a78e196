"""`manage.py import_pairs`: bring pairs, rankings, single answers, labels and gold answers in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from pydantic import ValidationError as InvalidRecord

from accounts.membership_options import add_admin_option, let_admin_in, user_named
from corpus.errors import ImportFileError
from corpus.importers.files.hub import HubDataset
from corpus.importers.mapping import TITLES, ColumnMap, read_mapping
from corpus.importers.registry import FORMATS
from corpus.imports.dry_run import dry_run
from corpus.imports.opening import Source, file_source, hub_source
from corpus.imports.report import ImportReport
from corpus.imports.services import (
    Choices,
    import_source,
    nothing_usable,
    pin,
    save_mapping,
    saved_mapping,
)
from corpus.models import PairPolicy, Project
from corpus.models.projects import slug_fault
from figures.words import counted
from jobs.commands import BadInputError, ConcordCommand, Outcome

SHOWN_LINES = 20
HUB = "hub:"


class Command(ConcordCommand):
    help = (
        "Import a file (JSON lines, a JSON array, CSV, TSV, Parquet or Arrow; plain, gzipped, "
        "Zstandard or in a zip), or a dataset of a hub. Importing the same again adds nothing."
    )

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument(
            "project", help="The project's slug; the project is created if it does not exist."
        )
        parser.add_argument(
            "file", help=f"A file, or {HUB}OWNER/NAME[@REVISION] for a dataset of a hub."
        )
        add_admin_option(parser)
        parser.add_argument(
            "--format", help=f"One of {', '.join(FORMATS)}. Default: detected from the file."
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help=f"Which column holds a field, for any table. Fields: {', '.join(TITLES)}.",
        )
        parser.add_argument(
            "--value",
            action="append",
            default=[],
            metavar="VALUE=MEANING",
            help="What a value of a choice column means: a, b, equal or both_bad; of a thumb "
            "column: up or down.",
        )
        parser.add_argument("--mapping", metavar="NAME", help="Use a saved column mapping.")
        parser.add_argument("--save-mapping", metavar="NAME", help="Save the column mapping.")
        parser.add_argument(
            "--pairs",
            choices=[one.value for one in PairPolicy],
            default=PairPolicy.ALL.value,
            help="Which pairs are made where a record has several answers. Default: all.",
        )
        parser.add_argument(
            "--pairs-per-prompt", type=int, help="At most so many, with --pairs random."
        )
        parser.add_argument("--split", default="train", help="Of a hub's dataset. Default: train.")
        parser.add_argument("--config", default="", help="Of a hub's dataset.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would be imported; store nothing."
        )

    def run(self, **options: Any) -> Outcome:
        slug, name = options["project"], options["file"]
        admin = user_named(options["admin"]) if options["admin"] else None
        if fault := slug_fault(slug):
            raise BadInputError(fault)
        try:
            source = _source(name, options)
            choices = _choices(slug, options)
            if options["dry_run"]:
                found = dry_run(source, choices)
                report = found.report
            else:
                report = import_source(slug=slug, source=source, choices=choices, user=admin)
        except ImportFileError as error:
            raise BadInputError(str(error)) from error
        refused = nothing_usable(name, report.rows, report.rejected_rows, report.rejected)
        if not refused and not options["dry_run"]:
            if said := let_admin_in(slug, admin):
                self.note(said)
            if options["save_mapping"] and choices.mapping:
                project = Project.objects.get(slug=slug)
                save_mapping(project=project, name=options["save_mapping"], mapping=choices.mapping)
        return Outcome(
            data=report.with_rejected(),
            summary=summary_of(slug, report, dry=options["dry_run"]),
            bad_input=refused,
        )


def _source(name: str, options: dict[str, Any]) -> Source:
    if not name.startswith(HUB):
        return file_source(Path(name))
    dataset, _, revision = name.removeprefix(HUB).partition("@")
    try:
        named = HubDataset(
            name=dataset, revision=revision, config=options["config"], split=options["split"]
        )
    except InvalidRecord as error:
        raise BadInputError(
            f"{name!r} names no dataset; write {HUB}OWNER/NAME or {HUB}OWNER/NAME@REVISION."
        ) from error
    return hub_source(pin(named))


def _choices(slug: str, options: dict[str, Any]) -> Choices:
    columns, values = _pairs(options["map"], "--map"), _pairs(options["value"], "--value")
    mapping: ColumnMap | None = None
    if options["mapping"]:
        if columns:
            raise BadInputError("Give either --mapping or --map, not both.")
        mapping = saved_mapping(slug, options["mapping"])
    elif columns:
        mapping = read_mapping(columns, values)
    elif values or options["save_mapping"]:
        raise BadInputError("--value and --save-mapping need --map FIELD=COLUMN.")
    if mapping is not None and options["format"]:
        raise BadInputError("Give either --format or a column mapping, not both.")
    most = options["pairs_per_prompt"]
    if most is not None and most < 1:
        raise BadInputError(f"--pairs-per-prompt is {most}; it must be at least 1.")
    return Choices(options["format"], mapping, PairPolicy(options["pairs"]), most)


def _pairs(given: list[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name or not value:
            raise BadInputError(f"{option} {one!r}: write it as NAME=VALUE.")
        found[name] = value
    return found


def summary_of(slug: str, report: ImportReport, *, dry: bool = False) -> str:
    added = "in it" if dry else "added"
    what = [
        (report.pairs_added, "pairs"),
        (report.completions_added, "single answers"),
        (report.demonstrations_added, "demonstrations"),
        (report.steps_added, "labels of steps"),
    ]
    parts = [counted(count, name) for count, name in what if count or name == "pairs"]
    lines = [
        f"{slug}: {counted(report.rows, 'lines')} of {report.format}, {', '.join(parts)} and "
        f"{counted(report.labels_added, 'labels')} {added}, "
        f"{counted(report.duplicates, 'pairs')} already there, "
        f"{counted(report.rejected_rows, 'lines')} rejected"
    ]
    if report.empty_responses:
        lines.append(f"  {counted(report.empty_responses, 'responses')} empty (kept as data)")
    if report.identical:
        lines.append(f"  {counted(report.identical, 'pairs')} not made: identical answers")
    for title, fields in (("kept", report.kept_fields), ("dropped", report.dropped_fields)):
        if fields:
            named = ", ".join(f"{name} ({count})" for name, count in fields.most_common(10))
            lines.append(f"  {title} fields: {named}")
    lines += [f"  line {one.line}: {one.reason}" for one in report.rejected[:SHOWN_LINES]]
    if report.rejected_rows > SHOWN_LINES:
        lines.append(f"  … and {report.rejected_rows - SHOWN_LINES} more (all with --json)")
    return "\n".join(lines)
