"""Members and the raters they are."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from annotation.errors import NotARaterError
from annotation.models import Membership, Rater, Role
from annotation.permissions import LABELLERS
from annotation.services.checks import first_status
from annotation.services.policy import policy_of
from annotation.services.slots import refuse_suspended, release_held
from corpus.models import Project


@transaction.atomic
def add_member(*, user: User, project: Project, role: Role) -> Membership:
    """Give `user` a role; one who labels becomes a rater too. Changes the role of a member.

    A rater begins with calibration where the project has gold enough for it; seniors and admins,
    who author the gold, do not.
    """
    membership, _ = Membership.objects.update_or_create(
        user=user, project=project, defaults={"role": role}
    )
    if role in LABELLERS:
        status = Rater.Status.ACTIVE
        if role == Role.RATER:
            status = first_status(policy_of(project.pk))
        Rater.objects.get_or_create(
            user=user,
            project=project,
            defaults={"kind": Rater.Kind.HUMAN, "name": user.get_username(), "status": status},
        )
    return membership


@transaction.atomic
def remove_member(*, membership: Membership) -> None:
    """The project does not exist for them any more; what they held goes back, labels stay."""
    rater = Rater.objects.filter(user=membership.user_id, project=membership.project_id).first()
    if rater is not None:
        Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)
        release_held(rater=rater)
    membership.delete()


def rater_of(membership: Membership) -> Rater:
    """The rater that this member is. NotARaterError when they do not label, or may not now."""
    rater = Rater.objects.filter(user=membership.user_id, project=membership.project_id).first()
    if membership.role not in LABELLERS or rater is None:
        raise NotARaterError(f"A {membership.role} does not label in this project.")
    refuse_suspended(rater)
    return rater
