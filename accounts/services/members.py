"""Members of a project, and the projects that they make."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from accounts.errors import MembershipError
from accounts.models import Membership, Role
from accounts.signals import member_joined, member_leaving
from corpus.models import Project


@transaction.atomic
def add_member(*, user: User, project: Project, role: Role) -> Membership:
    """Give `user` a role, and tell the rest (`member_joined`). Changes the role of a member.

    MembershipError when the project would lose its only admin.
    """
    member = Membership.objects.filter(user=user, project=project).first()
    if member is not None and role != Role.ADMIN:
        _refuse_last_admin(member)
    membership, _ = Membership.objects.update_or_create(
        user=user, project=project, defaults={"role": role}
    )
    member_joined.send(sender=Membership, membership=membership)
    return membership


@transaction.atomic
def create_project(*, slug: str, name: str, admin: User) -> Project:
    """A new project, whose maker is its admin. MembershipError when the slug is taken."""
    if Project.objects.filter(slug=slug).exists():
        raise MembershipError(f"Project {slug!r} already exists.")
    project = Project.objects.create(slug=slug, name=name)
    add_member(user=admin, project=project, role=Role.ADMIN)
    return project


@transaction.atomic
def adopt(*, project: Project, admin: User | None = None) -> User | None:
    """Let somebody into a project that nobody is in: `admin`, else the one superuser there is.

    Who is its admin now; None when it has members, or there is nobody to choose.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if Membership.objects.filter(project=project).exists():
        return None
    if admin is None:
        superusers = User.objects.filter(is_superuser=True, is_active=True)[:2]
        admin = superusers[0] if len(superusers) == 1 else None
    if admin is not None:
        add_member(user=admin, project=project, role=Role.ADMIN)
    return admin


def _refuse_last_admin(membership: Membership) -> None:
    """A project that nobody governs could not be reached again."""
    Project.objects.select_for_update(no_key=True).get(pk=membership.project_id)
    admins = Membership.objects.filter(project=membership.project_id, role=Role.ADMIN)
    if membership.role == Role.ADMIN and not admins.exclude(pk=membership.pk).exists():
        raise MembershipError(
            f"{membership.user} is the only admin of {membership.project}. "
            "Make another member an admin first."
        )


@transaction.atomic
def remove_member(*, membership: Membership) -> None:
    """The project does not exist for them any more; the rest is told first (`member_leaving`).

    MembershipError for the only admin.
    """
    _refuse_last_admin(membership)
    member_leaving.send(sender=Membership, membership=membership)
    membership.delete()
