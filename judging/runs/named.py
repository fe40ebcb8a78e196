"""A project's judge by the name that a command was given."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from corpus.models import Project
from jobs.commands import BadInputError
from judging.models import JudgeConfig
from judging.selectors import judges_of


def add_judge(parser: CommandParser) -> None:
    """The project and the judge, by place or by option."""
    parser.add_argument("project", help="The project's slug.")
    parser.add_argument(
        "judge",
        nargs="?",
        help="The judge's name, one that ran here or came with imported pairs; may be left out "
        "where there is only one.",
    )
    parser.add_argument("--judge", dest="judge_option", help="The same as an option.")


def asked_judge(options: dict[str, Any]) -> JudgeConfig:
    """The judge that was named either way. BadInputError where two differ, or as `judge_named`."""
    place, option = options["judge"], options["judge_option"]
    if place and option and place != option:
        raise BadInputError(f"Two judges are named, {place!r} and {option!r}; name only one.")
    return judge_named(options["project"], option or place)


def judge_named(slug: str, name: str | None) -> JudgeConfig:
    """The judge of that name, or the only one; own and foreign judges alike.

    BadInputError, which lists the judges that there are.
    """
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise BadInputError(f"There is no project {slug!r}.")
    judges = judges_of(project)
    named = JudgeConfig.objects.filter(project=project).select_related("rater", "project")
    wanted = judges if name is None else named.filter(rater__name=name)
    found = list(wanted[:2])
    if len(found) == 1:
        return found[0]
    names = judges.order_by("rater__name").values_list("rater__name", flat=True)
    there = ", ".join(map(repr, names)) or "none"
    if name:
        raise BadInputError(f"{project.slug} has no judge {name!r}; it has: {there}.")
    raise BadInputError(f"{project.slug} does not have exactly one judge; name one of: {there}.")
