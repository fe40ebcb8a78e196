"""`manage.py register_model`: look a base model over and register it in a project."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from corpus.models import Project
from corpus.registry import register_base_model
from inference.errors import ModelLoadError
from jobs.commands import BadInputError, ConcordCommand, Outcome


class Command(ConcordCommand):
    help = "Register a base model by hub name or folder: safetensors only, with a chat template."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        parser.add_argument("location", help="A hub name or a folder.")
        parser.add_argument("--name", default="", help="Name for the model in this project.")
        parser.add_argument("--revision", default="", help="A branch, tag or commit on the hub.")
        parser.add_argument(
            "--consent-by",
            metavar="USERNAME",
            help="The superuser who consents to running code from the model's repository.",
        )

    def run(self, **options: Any) -> Outcome:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise BadInputError(f"There is no project {options['project']!r}.")
        consent_by = None
        if options["consent_by"]:
            consent_by = User.objects.filter(
                username=options["consent_by"], is_superuser=True
            ).first()
            if consent_by is None:
                raise BadInputError(f"{options['consent_by']!r} is not a superuser.")
        try:
            model = register_base_model(
                project,
                options["location"],
                name=options["name"],
                revision=options["revision"],
                consent_by=consent_by,
            )
        except ModelLoadError as error:
            raise BadInputError(str(error)) from error
        data = {
            "model": model.name,
            "weights_sha256": model.weights_sha256,
            "revision": model.revision,
            "context_tokens": model.context_tokens,
            "trust_remote_code": model.trust_remote_code,
            **model.facts,
        }
        parameters = model.facts.get("parameters")
        size = f", {parameters:,} parameters" if parameters else ""
        return Outcome(
            data=data,
            summary=f"{model.name}: {model.facts.get('architecture', 'registered')}{size}, "
            f"context {model.context_tokens or 'unknown'}",
        )
