"""Members and the raters they are."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from annotation.errors import NotARaterError
from annotation.models import Membership, Rater, Role
from annotation.permissions import LABELLERS
from corpus.models import Project


@transaction.atomic
def add_member(*, user: User, project: Project, role: Role) -> Membership:
    """Give `user` a role; one who labels becomes a rater too. Changes the role of a member."""
    membership, _ = Membership.objects.update_or_create(
        user=user, project=project, defaults={"role": role}
    )
    if role in LABELLERS:
        Rater.objects.get_or_create(
            user=user,
            project=project,
            defaults={"kind": Rater.Kind.HUMAN, "name": user.get_username()},
        )
    return membership


def rater_of(membership: Membership) -> Rater:
    """The rater that this member is. NotARaterError when they do not label, or may not now."""
    rater = Rater.objects.filter(user=membership.user_id, project=membership.project_id).first()
    if membership.role not in LABELLERS or rater is None:
        raise NotARaterError(f"A {membership.role} does not label in this project.")
    if rater.status == Rater.Status.SUSPENDED:
        raise NotARaterError("You are suspended from labelling in this project.")
    return rater
