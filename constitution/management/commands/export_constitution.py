"""`manage.py export_constitution`: a version as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from constitution.errors import ConstitutionError
from constitution.selectors import any_version
from constitution.services import texts_of
from constitution.texts.formats import FORMATS, lost_by, write_constitution
from corpus.models import Project
from jobs.commands import BadInputError, ConcordCommand, Outcome


class Command(ConcordCommand):
    help = "Write a version of a constitution, draft or published, to a file or stdout."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        parser.add_argument("constitution", help="SLUG (the newest version) or SLUG@NUMBER.")
        parser.add_argument("--format", default="concord", choices=FORMATS)
        parser.add_argument(
            "--as-json", action="store_true", help="Write Concord's own format as JSON."
        )
        parser.add_argument("--output", help="File to write. Default: stdout.")

    def run(self, **options: Any) -> Outcome:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise BadInputError(f"There is no project {options['project']!r}.")
        try:
            version = any_version(project, options["constitution"])
            principles = texts_of(version)
            text = write_constitution(
                options["format"],
                name=version.constitution.name,
                principles=principles,
                few_shots=version.few_shots,
                as_json=options["as_json"],
            )
        except ConstitutionError as error:
            raise BadInputError(str(error)) from error
        lost = lost_by(options["format"], principles)
        for sentence in lost:
            self.note(sentence)
        data: dict[str, Any] = {"version": str(version), "format": options["format"], "lost": lost}
        if options["output"] is None:
            is_json = options["as_json"] or options["format"] != "concord"
            return Outcome(
                data={**data, "text": json.loads(text) if is_json else text}, summary=text.rstrip()
            )
        try:
            Path(options["output"]).write_text(text, encoding="utf-8")
        except OSError as error:
            raise BadInputError(f"{options['output']} cannot be written: {error}") from error
        return Outcome(
            data={**data, "output": options["output"]},
            summary=f"{version} was written to {options['output']}",
        )
