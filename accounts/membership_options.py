"""Options of commands that make projects: whom a new one belongs to."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from accounts.services import adopt
from corpus.models import Project
from jobs.commands import BadInputError


def add_admin_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--admin",
        metavar="USERNAME",
        help="Admin of a new project. Default: the superuser, if there is only one.",
    )


def user_named(username: str) -> User:
    """The account. BadInputError when there is none."""
    user = User.objects.filter(username=username).first()
    if user is None:
        raise BadInputError(
            f"There is no account {username!r}. Create one with `manage.py createsuperuser`, or "
            "invite the person from a project's Invitations page."
        )
    return user


def let_admin_in(slug: str, admin: User | None) -> str:
    """Give a project that nobody is in an admin; what to say of it, nothing when it had one."""
    project = Project.objects.filter(slug=slug).first()
    if project is None or project.memberships.exists():
        return ""
    chosen = adopt(project=project, admin=admin)
    if chosen is not None:
        return f"{chosen} is the admin of {slug}."
    return f"Nobody can open {slug} yet. Run: manage.py project members {slug} --add USERNAME admin"
