"""`manage.py take_back`: delete what an import added, while nothing stands on it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from corpus.errors import DependedOnError
from corpus.imports.taking_back import plan_taking_back, take_back
from corpus.models import Import, Project
from figures.words import counted
from jobs.commands import BadInputError, ConcordCommand, Outcome


class Command(ConcordCommand):
    help = "Take an import back: delete all that it added, while nothing stands on it."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        parser.add_argument("import_id", type=int, help="The import's number, as on its page.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would be deleted; delete nothing."
        )

    def run(self, **options: Any) -> Outcome:
        slug, number = options["project"], options["import_id"]
        project = Project.objects.filter(slug=slug).first()
        job = Import.objects.filter(project=project, pk=number).first() if project else None
        if project is None:
            raise BadInputError(f"There is no project {slug!r}.")
        if job is None:
            raise BadInputError(f"There is no import {number} in {slug}.")
        try:
            plan = plan_taking_back(job) if options["dry_run"] else take_back(job=job)
        except DependedOnError as error:
            raise BadInputError(str(error)) from error
        if plan.in_the_way:
            raise BadInputError(plan.refusal(job))
        said = ", ".join(counted(count, name) for name, count in plan.deleted) or "nothing"
        done = "would be deleted" if options["dry_run"] else "deleted"
        return Outcome(
            data={"import": job.pk, "deleted": dict(plan.deleted)},
            summary=f"{slug}: import {job.pk} ({job.name}): {said} {done}",
        )
