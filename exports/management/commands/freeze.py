"""`manage.py freeze`: labels as they are now become a dataset version."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as SlugError
from django.core.management.base import CommandParser
from django.core.validators import validate_slug
from pydantic import ValidationError

from corpus.models import Project
from exports.forecast import forecast_outcome, warning_line, warning_of
from exports.services import ExportError, FreezeFilters, forecast, freeze
from exports.words import reason_words
from jobs.commands import BadInputError, ConcordCommand, Outcome


class Command(ConcordCommand):
    help = "Freeze a project's labels into a dataset version, identified by the sha256 of its rows."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        parser.add_argument("name", help="The dataset's name (a slug).")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Only report what the split would be; freeze nothing.",
        )
        for name, field in FreezeFilters.model_fields.items():
            flag = "--" + name.replace("_", "-")
            if field.annotation is bool:
                parser.add_argument(flag, action="store_true", help=field.description)
            else:
                parser.add_argument(flag, help=f"{field.description} Default: {field.default}.")

    def run(self, **options: Any) -> Outcome:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise BadInputError(f"There is no project {options['project']!r}.")
        given = {
            name: options[name]
            for name in FreezeFilters.model_fields
            if options.get(name) is not None
        }
        try:
            validate_slug(options["name"])
            filters = FreezeFilters.model_validate(given)
            if options["dry_run"]:
                return forecast_outcome(forecast(project=project, filters=filters))
            dataset = freeze(project=project, name=options["name"], filters=filters)
        except SlugError as error:
            raise BadInputError(
                f"{options['name']!r} is not a valid dataset name: use letters, digits, - and _."
            ) from error
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in fault["loc"]) or "filters"
            raise BadInputError(f"{where}: got {fault['input']!r}: {fault['msg']}") from error
        except ExportError as error:
            raise BadInputError(str(error)) from error
        rows = {split: one["rows"] for split, one in dataset.manifest["splits"].items()}
        dropped = dataset.manifest["dropped"]
        left_out = ", ".join(f"{reason_words(why)} {n}" for why, n in dropped.items())
        return Outcome(
            data={
                "sha256": dataset.sha256,
                "rows": rows,
                "dropped": dropped,
                "name": dataset.name,
                "number": dataset.number,
                "folder": str(dataset.folder),
                "warning": warning_of(dataset.manifest),
            },
            summary=f"{dataset}: sha256 {dataset.sha256}\n"
            f"rows: {', '.join(f'{split} {count}' for split, count in rows.items())}\n"
            f"left out: {left_out or 'none'}" + warning_line(dataset.manifest),
        )
