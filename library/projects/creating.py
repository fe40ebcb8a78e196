"""A project is made with all that it begins with, or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction

from accounts.models import Invitation, Role
from accounts.services import create_project
from accounts.services.invitations import invite
from annotation.quality.presets import PRESETS
from annotation.services import publish_guideline, set_policy
from corpus.models import Project
from corpus.registry import sandbox_model


class Invitee(NamedTuple):
    email: str
    role: Role


class Invited(NamedTuple):
    """An invitation with the secret of its link, which is known here and now alone."""

    invitation: Invitation
    token: str


class NewProject(NamedTuple):
    project: Project
    invited: list[Invited]


@transaction.atomic
def begin_project(
    *,
    slug: str,
    name: str,
    admin: User,
    now: dt.datetime,
    description: str = "",
    guideline: str = "",
    preset: str = "standard",
    invitees: Sequence[Invitee] = (),
    with_sandbox_model: bool = False,
) -> NewProject:
    """A project whose maker is its admin, with its policy and, where given, its first guideline,
    invitations and the sandbox model. Nothing is sent: mails go out when all of it is stored.

    Raises:
        MembershipError: the slug cannot be one, or is taken.
        AnnotationError: the guideline cannot be published.
    """
    project = create_project(slug=slug, name=name, description=description, admin=admin)
    set_policy(project=project, changes=dict(PRESETS[preset].changes))
    if guideline.strip():
        publish_guideline(project=project, text=guideline)
    if with_sandbox_model:
        sandbox_model(project)
    invited = [
        Invited(*invite(project=project, role=one.role, email=one.email, by=admin, now=now))
        for one in invitees
    ]
    return NewProject(project, invited)
