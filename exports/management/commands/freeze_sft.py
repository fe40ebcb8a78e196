"""`manage.py freeze_sft`: revisions of critique runs become an SFT dataset version."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as SlugError
from django.core.management.base import CommandParser
from django.core.validators import validate_slug
from pydantic import ValidationError

from corpus.models import Project
from exports.forecast import forecast_outcome, warning_line, warning_of
from exports.services import ExportError, SftFilters, forecast, freeze_sft
from exports.words import reason_words
from jobs.commands import BadInputError, ConcordCommand, Outcome


class Command(ConcordCommand):
    help = "Freeze revisions into a dataset of prompts and completions, identified by its sha256."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        parser.add_argument("name", help="The dataset's name (a slug).")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Only report what the split would be; freeze nothing.",
        )
        parser.add_argument("runs", nargs="+", type=int, help="Numbers of critique runs.")
        parser.add_argument("--revisions", choices=("last", "all"), default="last")
        parser.add_argument(
            "--untouched",
            action="store_true",
            help="Include initial answers in which the critique found nothing.",
        )
        parser.add_argument(
            "--not-judged",
            action="store_true",
            help="Keep chains whose initial answer a judge or rater prefers.",
        )
        parser.add_argument(
            "--helpful", help="sha256 of a preference dataset whose helpful responses are mixed in."
        )
        parser.add_argument("--helpful-share", type=float, default=0.5)
        parser.add_argument("--validation", type=float, default=0.05)
        parser.add_argument("--test", type=float, default=0.05)
        parser.add_argument("--seed", type=int, default=0)

    def run(self, **options: Any) -> Outcome:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise BadInputError(f"There is no project {options['project']!r}.")
        given = {name: options[name] for name in SftFilters.model_fields if name != "judged"}
        try:
            validate_slug(options["name"])
            filters = SftFilters.model_validate({**given, "judged": not options["not_judged"]})
            if options["dry_run"]:
                return forecast_outcome(forecast(project=project, filters=filters))
            dataset = freeze_sft(project=project, name=options["name"], filters=filters)
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
        manifest = dataset.manifest
        rows = {split: one["rows"] for split, one in manifest["splits"].items()}
        roles = manifest["strata"].get("role", {})
        named = {reason_words(why): count for why, count in manifest["dropped"].items()}
        return Outcome(
            data={
                "sha256": dataset.sha256,
                "rows": rows,
                "roles": roles,
                "dropped": manifest["dropped"],
                "name": dataset.name,
                "number": dataset.number,
                "folder": str(dataset.folder),
                "warning": warning_of(manifest),
            },
            summary=f"{dataset}: sha256 {dataset.sha256}\n"
            f"rows: {_listed(rows)} ({_listed(roles)})\n"
            f"left out: {_listed(named) or 'none'}" + warning_line(manifest),
        )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
