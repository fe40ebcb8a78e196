"""`manage.py verify_dataset`: recompute a dataset version's hash from its Parquet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from exports.errors import UnknownDatasetError
from exports.verifying import verify
from jobs.commands import BadInputError, ConcordCommand, Outcome


class Command(ConcordCommand):
    help = "Check that the contents of a dataset version's folder match its sha256."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("sha256")

    def run(self, **options: Any) -> Outcome:
        sha256 = options["sha256"]
        try:
            found = verify(sha256)
        except UnknownDatasetError as error:
            raise BadInputError(str(error)) from error
        return Outcome(
            data={"sha256": sha256, "ok": found.ok, "reason": found.reason},
            summary=f"{sha256}: {'intact' if found.ok else found.reason}",
            failed=not found.ok,
        )
