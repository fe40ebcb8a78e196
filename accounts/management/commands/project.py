"""`manage.py project`: make a project, and say who is in it, without the browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts.errors import MembershipError
from accounts.membership_options import user_named
from accounts.models import Membership, Role
from accounts.services import add_member, create_project, remove_member
from corpus.models import Project
from corpus.models.projects import slug_fault
from jobs.commands import BadInputError, ConcordCommand, Outcome


class Command(ConcordCommand):
    help = "Create projects, list them, and list or change the members of one."

    def add_inputs(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="create|list|members")
        create = acts.add_parser("create", help="Create a project and its admin.")
        create.add_argument("slug", help="Short name used in URLs and commands.")
        create.add_argument("--name", default="", help="Name shown on pages. Default: the slug.")
        create.add_argument(
            "--admin",
            required=True,
            metavar="USERNAME",
            help="An existing account, which becomes the project's admin.",
        )
        show = acts.add_parser("list", help="List all projects with their members.")
        members = acts.add_parser("members", help="List, add, change or remove members.")
        members.add_argument("slug", help="The project's slug.")
        members.add_argument(
            "--add",
            nargs=2,
            action="append",
            default=[],
            metavar=("USERNAME", "ROLE"),
            help=f"Add a member, or change their role: one of {', '.join(Role.values)}.",
        )
        members.add_argument(
            "--remove", action="append", default=[], metavar="USERNAME", help="Remove a member."
        )
        # Before the name of the act it is taken by every command; after it people write it too.
        for one in (create, show, members):
            one.add_argument("--json", action="store_true", default=False, dest="json_after")

    def handle(self, *args: Any, **options: Any) -> None:
        options["json"] = options.pop("json_after") or options["json"]
        super().handle(*args, **options)

    def run(self, **options: Any) -> Outcome:
        given = SimpleNamespace(**options)
        try:
            if given.act == "create":
                return create(slug=given.slug, name=given.name, admin=given.admin)
            if given.act == "members":
                return members(slug=given.slug, add=given.add, remove=given.remove)
            return listing()
        except MembershipError as error:
            raise BadInputError(str(error)) from error


def create(*, slug: str, name: str, admin: str) -> Outcome:
    if fault := slug_fault(slug):
        raise BadInputError(fault)
    if len(name) > 200:
        raise BadInputError("--name has more than 200 characters.")
    project = create_project(slug=slug, name=name or slug, admin=user_named(admin))
    return Outcome(
        data=as_json(project), summary=f"Created {slug}; {admin} is its admin. /projects/{slug}/"
    )


def listing() -> Outcome:
    projects = Project.objects.order_by("slug")
    rows = [as_json(project) for project in projects]
    lines = [f"{row['project']}: {words_of(row['members'])}" for row in rows]
    return Outcome(
        data={"projects": rows}, summary="\n".join(lines) or "There are no projects yet."
    )


@transaction.atomic
def members(*, slug: str, add: list[list[str]], remove: list[str]) -> Outcome:
    """All changes or none."""
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise BadInputError(
            f"There is no project {slug!r}. Create it with `manage.py project create`."
        )
    for username, role in add:
        if role not in Role.values:
            raise BadInputError(f"{role!r} is not a role; use one of {', '.join(Role.values)}.")
        add_member(user=user_named(username), project=project, role=Role(role))
    for username in remove:
        member = Membership.objects.filter(project=project, user__username=username).first()
        if member is None:
            raise BadInputError(f"{username!r} is not a member of {slug}.")
        remove_member(membership=member)
    data = as_json(project)
    return Outcome(data=data, summary=f"{slug}: {words_of(data['members'])}")


def as_json(project: Project) -> dict[str, Any]:
    rows = project.memberships.select_related("user").order_by("user__username")
    return {
        "project": project.slug,
        "name": project.name,
        "members": [{"username": row.user.get_username(), "role": row.role} for row in rows],
    }


def words_of(rows: list[dict[str, str]]) -> str:
    return ", ".join(f"{row['username']} ({row['role']})" for row in rows) or "no members"
