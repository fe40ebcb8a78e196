"""Members of a project, and the projects that they make."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from accounts.errors import MembershipError
from accounts.models import Membership, Role
from accounts.signals import member_joined, member_leaving
from corpus.models import Project
from corpus.models.projects import slug_fault


@transaction.atomic
def add_member(*, user: User, project: Project, role: Role) -> Membership:
    """Give `user` a role, and tell the rest (`member_joined`). Changes the role of a member.

    MembershipError when the project would lose its only admin.
    """
    lock_members(project.pk)
    member = Membership.objects.filter(user=user, project=project).first()
    if member is not None and role != Role.ADMIN:
        _refuse_last_admin(member)
    membership, _ = Membership.objects.update_or_create(
        user=user, project=project, defaults={"role": role}
    )
    member_joined.send(sender=Membership, membership=membership)
    return membership


@transaction.atomic
def admit_member(*, user: User, project: Project, role: Role) -> Membership:
    """Give somebody who is no member yet a role. MembershipError when they are one."""
    lock_members(project.pk)
    if Membership.objects.filter(user=user, project=project).exists():
        raise MembershipError(f"{user} is already a member of {project}. Change their role.")
    return add_member(user=user, project=project, role=role)


@transaction.atomic
def change_role(*, membership: Membership, role: Role) -> Membership:
    """Another role for who is a member. MembershipError when they are none any more, or the project
    would lose its only admin."""
    lock_members(membership.project_id)
    if not Membership.objects.filter(pk=membership.pk).exists():
        raise MembershipError("They are no longer a member.")
    return add_member(user=membership.user, project=membership.project, role=role)


@transaction.atomic
def create_project(*, slug: str, name: str, admin: User, description: str = "") -> Project:
    """A new project, whose maker is its admin. MembershipError when the slug is taken, or can be
    none."""
    if fault := slug_fault(slug):
        raise MembershipError(fault)
    try:
        with transaction.atomic():
            project = Project.objects.create(slug=slug, name=name, description=description)
    except IntegrityError as error:
        raise MembershipError(f"Project {slug!r} already exists.") from error
    add_member(user=admin, project=project, role=Role.ADMIN)
    return project


@transaction.atomic
def describe_project(*, project: Project, changes: Mapping[str, str]) -> Project:
    """Another name or description, or both."""
    current = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    for field in changes.keys() & {"name", "description"}:
        setattr(current, field, changes[field])
    current.save(update_fields=["name", "description"])
    return current


@transaction.atomic
def adopt(*, project: Project, admin: User | None = None) -> User | None:
    """Let somebody into a project that nobody is in: `admin`, else the one superuser there is.

    Who is its admin now; None when it has members, or there is nobody to choose.
    """
    lock_members(project.pk)
    if Membership.objects.filter(project=project).exists():
        return None
    if admin is None:
        superusers = User.objects.filter(is_superuser=True, is_active=True)[:2]
        admin = superusers[0] if len(superusers) == 1 else None
    if admin is not None:
        add_member(user=admin, project=project, role=Role.ADMIN)
    return admin


def lock_members(project_id: int) -> None:
    """Until the transaction ends, nobody else changes who is in the project."""
    Project.objects.select_for_update(no_key=True).get(pk=project_id)


def _refuse_last_admin(membership: Membership) -> None:
    """A project that nobody governs could not be reached again."""
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
    lock_members(membership.project_id)
    # What was read before the lock may have changed since.
    try:
        membership.refresh_from_db(fields=["role"])
    except Membership.DoesNotExist as error:
        raise MembershipError("They are no longer a member.") from error
    _refuse_last_admin(membership)
    member_leaving.send(sender=Membership, membership=membership)
    membership.delete()
