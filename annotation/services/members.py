"""The raters that members are."""

from __future__ import annotations

from itertools import chain, count
from typing import Any

from accounts.errors import NotARaterError
from accounts.models import Membership, Role
from accounts.permissions import LABELLERS
from annotation.models import Rater
from annotation.services.calibration import first_status
from annotation.services.policy import policy_of
from annotation.services.slots import refuse_suspended, release_held
from corpus.models import Project


def seat_member(sender: Any, membership: Membership, **_others: Any) -> None:
    """Who labels becomes a rater. A rater begins with calibration where the project has gold enough
    for it; seniors and admins, who author the gold, do not."""
    if membership.role in LABELLERS:
        rater_seat(membership)


def release_leaving(sender: Any, membership: Membership, **_others: Any) -> None:
    """What a leaving member holds goes back into the queue; their labels stay."""
    rater = Rater.objects.filter(user=membership.user_id, project=membership.project_id).first()
    if rater is not None:
        Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)
        release_held(rater=rater)


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
