#!/usr/bin/env python
"""Django's command line. See README.md for Concord's own commands."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import DatabaseError


def main() -> None:
    """Run a command, Django's own too, with one line for a database that cannot be used."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except DatabaseError as error:
        from jobs.commands import database_problem

        problem = database_problem(error)
        if problem is None:
            raise
        sys.stderr.write(f"{problem}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
