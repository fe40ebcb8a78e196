"""The manner of every Concord command: a human summary, or one JSON object; exit 0, 1 or 2."""

from __future__ import annotations

import json
import sys
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


@dataclass(frozen=True)
class Outcome:
    """What a command says: `data` with --json, `summary` without; `failed` exits with 1.

    `bad_input` is a BadInputError's line where `data` still says more: it exits with 2.
    """

    data: dict[str, Any]
    summary: str
    failed: bool = False
    bad_input: str = ""


class BadInputError(Exception):
    """The user gave something wrong: exit status 2 and this one line on stderr."""


def database_problem(error: DatabaseError) -> str | None:
    """What to say instead of the error of a database that cannot be used at all.

    None when the database is there and migrated: then the error is a fault of ours.
    """
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        about = " ".join(str(error).split())
        return f"The database cannot be used: {about}. Check DATABASE_URL."
    if waiting:
        return (
            "The database has not been migrated. "
            "Run `manage.py migrate` (or `manage.py quickstart` for a sample project too)."
        )
    return None


class ConcordCommand(BaseCommand):
    """Subclasses give `add_inputs` and `run`; output and exit status are the same everywhere."""

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_inputs(parser)
        parser.add_argument(
            "--json", action="store_true", help="Print only a JSON object on stdout."
        )

    def add_inputs(self, parser: CommandParser) -> None:
        """The command's own arguments."""

    @abstractmethod
    def run(self, **options: Any) -> Outcome:
        """Do the work. Raise BadInputError for what the user can put right."""

    def note(self, text: str) -> None:
        """A line on the way, on stderr so that stdout stays one object with --json."""
        self.stderr.write(text, self.style.NOTICE)

    def handle(self, *args: Any, **options: Any) -> None:
        as_json = options.pop("json")
        for common in BASE_OPTIONS:
            options.pop(common, None)
        try:
            outcome = self.run(**options)
        except BadInputError as error:
            self.stderr.write(" ".join(str(error).split()))
            sys.exit(2)
        except DatabaseError as error:
            problem = database_problem(error)
            if problem is None:
                raise
            self.stderr.write(problem)
            sys.exit(2)
        if as_json:
            self.stdout.write(json.dumps(outcome.data, ensure_ascii=False, allow_nan=False))
        elif not outcome.bad_input:
            self.stdout.write(outcome.summary)
        if outcome.bad_input:
            self.stderr.write(" ".join(outcome.bad_input.split()))
            sys.exit(2)
        if outcome.failed:
            sys.exit(1)


BASE_OPTIONS = (
    "verbosity",
    "settings",
    "pythonpath",
    "traceback",
    "no_color",
    "force_color",
    "skip_checks",
)
