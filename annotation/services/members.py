"""Members and the raters they are."""

from __future__ import annotations

from itertools import chain, count

from django.contrib.auth.models import User
from django.db import transaction

from annotation.errors import MembershipError, NotARaterError
from annotation.models import Membership, Rater, Role
from annotation.permissions import LABELLERS
from annotation.services.calibration import first_status
from annotation.services.policy import policy_of
from annotation.services.slots import refuse_suspended, release_held
from corpus.models import Project


@transaction.atomic
def add_member(*, user: User, project: Project, role: Role) -> Membership:
    """Give `user` a role; one who labels becomes a rater too. Changes the role of a member.

    A rater begins with calibration where the project has gold enough for it; seniors and admins,
    who author the gold, do not. MembershipError when the project would lose its only admin.
    """
    member = Membership.objects.filter(user=user, project=project).first()
    if member is not None and role != Role.ADMIN:
        _refuse_last_admin(member)
    membership, _ = Membership.objects.update_or_create(
        user=user, project=project, defaults={"role": role}
    )
    if role in LABELLERS:
        rater_seat(membership)
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
    """The project does not exist for them any more; what they held goes back, labels stay.

    MembershipError for the only admin.
    """
    _refuse_last_admin(membership)
    rater = Rater.objects.filter(user=membership.user_id, project=membership.project_id).first()
    if rater is not None:
        Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)
        release_held(rater=rater)
    membership.delete()


def rater_seat(membership: Membership) -> Rater:
    """The rater that this member is, suspended or not, made where there is none yet.

    NotARaterError when their role does not label.
    """
    if membership.role not in LABELLERS:
        raise NotARaterError("Your role in this project does not include labelling.")
    user, project = membership.user, membership.project
    rater = Rater.objects.filter(user=user, project=project).first()
    if rater is not None:
        return rater
    status = Rater.Status.ACTIVE
    if membership.role == Role.RATER:
        status = first_status(policy_of(project.pk))
    rater, _ = Rater.objects.get_or_create(
        user=user,
        project=project,
        defaults={
            "kind": Rater.Kind.HUMAN,
            "name": _free_name(user.get_username(), project),
            "status": status,
        },
    )
    return rater


def _free_name(wanted: str, project: Project) -> str:
    """`wanted`, with a number where an imported rater has that name: whose labels those are is not
    for a user's name to decide."""
    taken = set(
        Rater.objects.filter(
            project=project, kind=Rater.Kind.HUMAN, name__startswith=wanted
        ).values_list("name", flat=True)
    )
    numbered = (f"{wanted} ({number})" for number in count(2))
    return next(name for name in chain([wanted], numbered) if name not in taken)


def rater_of(membership: Membership) -> Rater:
    """The rater that this member is. NotARaterError when they do not label, or may not now."""
    rater = rater_seat(membership)
    refuse_suspended(rater)
    return rater
