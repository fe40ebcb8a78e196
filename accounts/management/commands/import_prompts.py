"""`manage.py import_prompts`: bring prompts without answers in, red-team sets among them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.membership_options import add_admin_option, let_admin_in, user_named
from corpus.errors import ImportFileError
from corpus.imports.prompt_files import PromptReport, import_prompts
from corpus.imports.services import nothing_usable
from corpus.models.projects import slug_fault
from figures.words import counted
from jobs.commands import BadInputError, ConcordCommand, Outcome

SHOWN_LINES = 20


class Command(ConcordCommand):
    help = (
        "Import prompts from JSONL or text files, plain or gzipped. Importing a file again adds "
        "nothing."
    )

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument(
            "project", help="The project's slug; the project is created if it does not exist."
        )
        parser.add_argument("file", type=Path)
        add_admin_option(parser)
        parser.add_argument(
            "--source", default="", help="Name of the prompt set. Default: the file name."
        )
        parser.add_argument(
            "--red-team",
            action="store_true",
            help="Mark all prompts as sensitive: refusing one is not counted as a fault.",
        )

    def run(self, **options: Any) -> Outcome:
        slug = options["project"]
        admin = user_named(options["admin"]) if options["admin"] else None
        if len(options["source"]) > 200:
            raise BadInputError("--source is longer than 200 characters.")
        if fault := slug_fault(slug):
            raise BadInputError(fault)
        try:
            report = import_prompts(
                slug=slug,
                path=options["file"],
                source=options["source"],
                red_team=options["red_team"],
            )
        except ImportFileError as error:
            raise BadInputError(str(error)) from error
        refused = nothing_usable(
            options["file"], report.rows, len(report.rejected), report.rejected
        )
        if not refused and (said := let_admin_in(slug, admin)):
            self.note(said)
        return Outcome(data=asdict(report), summary=summary_of(slug, report), bad_input=refused)


def summary_of(slug: str, report: PromptReport) -> str:
    lines = [
        f"{slug}: {counted(report.rows, 'lines')}, {counted(report.added, 'prompts')} added, "
        f"{report.duplicates} already there, {counted(len(report.rejected), 'lines')} rejected"
    ]
    lines += [f"  line {one.line}: {one.reason}" for one in report.rejected[:SHOWN_LINES]]
    if len(report.rejected) > SHOWN_LINES:
        lines.append(f"  … and {len(report.rejected) - SHOWN_LINES} more (all with --json)")
    return "\n".join(lines)
