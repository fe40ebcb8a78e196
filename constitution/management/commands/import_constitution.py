"""`manage.py import_constitution`: a draft from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.core.validators import validate_slug
from django.forms import ValidationError

from constitution.errors import ConstitutionError
from constitution.services import create_draft, publish_version
from constitution.texts.formats import read_constitution
from corpus.models import Project
from figures.words import counted
from jobs.commands import BadInputError, ConcordCommand, Outcome


class Command(ConcordCommand):
    help = "Create a draft of a constitution from a file in Concord's own or a public format."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        parser.add_argument("file", help="YAML or JSON; the format is detected.")
        parser.add_argument(
            "--slug", required=True, help="The constitution's slug; created if it does not exist."
        )
        parser.add_argument(
            "--name", default="", help="Default: the name in the file, or else the slug."
        )
        parser.add_argument("--publish", action="store_true", help="Publish the draft immediately.")

    def run(self, **options: Any) -> Outcome:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise BadInputError(f"There is no project {options['project']!r}.")
        slug = options["slug"]
        try:
            validate_slug(slug)
        except ValidationError as error:
            raise BadInputError(
                f"{slug!r} is not a valid slug: use letters, digits, - and _."
            ) from error
        try:
            found = read_constitution(Path(options["file"]).read_text(encoding="utf-8"))
            version = create_draft(
                project=project,
                slug=slug,
                name=options["name"] or found.name or slug,
                principles=found.principles,
                few_shots=found.few_shots,
            )
            if options["publish"]:
                version = publish_version(version=version)
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"{options['file']} cannot be read: {error}") from error
        except ConstitutionError as error:
            raise BadInputError(f"{options['file']}: {error}") from error
        data = {
            "version": str(version),
            "status": version.status,
            "format": found.format,
            "principles": len(found.principles),
            "few_shots": len(found.few_shots),
            "sha256": version.sha256 or None,
        }
        return Outcome(
            data=data,
            summary=f"{version} ({version.status}): {counted(len(found.principles), 'principles')} "
            f"from a file in the format {found.format!r}",
        )
