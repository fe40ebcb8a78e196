"""Invitations: given by admins, shown once, accepted once."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction

from accounts.errors import InvitationError
from accounts.models import Invitation, Membership, Role
from accounts.services.members import add_member, lock_members
from corpus.models import Project

VALID_FOR = dt.timedelta(days=14)
TOKEN_BYTES = 32


def invite(
    *, project: Project, role: Role, by: User, now: dt.datetime, email: str = ""
) -> tuple[Invitation, str]:
    """A new invitation, and the secret of its link, which is known here and now alone."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        email=email,
        token_sha256=token_hash(token),
        invited_by=by,
        created_at=now,
        expires_at=now + VALID_FOR,
    )
    return invitation, token


def mail_leaves_here() -> bool:
    """Whether mail is sent by a server, and not written to the console or dropped."""
    return settings.EMAIL_BACKEND not in {
        f"django.core.mail.backends.{name}.EmailBackend" for name in ("console", "dummy")
    }


def send_invitation(*, invitation: Invitation, link: str) -> None:
    """Send the link to the address of the invitation. OSError when the mail server refuses."""
    send_mail(
        subject=f"You have been invited to {invitation.project.name} on Concord",
        message=(
            f"{invitation.invited_by.get_username()} has invited you to the project "
            f"{invitation.project.name}. Your role: "
            f"{invitation.get_role_display()}.\n\n{link}\n\nThe link can be used once and expires "
            f"on {invitation.expires_at:%d %B %Y}."
        ),
        from_email=None,
        recipient_list=[invitation.email],
    )


def find_invitation(*, token: str, now: dt.datetime) -> Invitation:
    """The invitation of a link that works. InvitationError says why one does not."""
    found = (
        Invitation.objects.select_related("project", "invited_by")
        .filter(token_sha256=token_hash(token))
        .first()
    )
    if found is None:
        raise InvitationError("This invitation does not exist. Is the link complete?")
    state = found.state(now)
    if state == "accepted":
        raise InvitationError(
            "This invitation has already been used. Sign in, or ask for a new one."
        )
    if state == "revoked":
        raise InvitationError("This invitation has been revoked. Ask a project admin.")
    if state == "expired":
        raise InvitationError(
            f"This invitation expired on {found.expires_at:%d %B %Y}. Ask for a new one."
        )
    return found


@transaction.atomic
def accept_invitation(*, token: str, user: User, now: dt.datetime) -> Membership:
    """Let the user in with the role of the invitation; the link works no more.

    InvitationError when it does not work, or the user is a member with another role already: an
    invitation never changes what somebody may do.
    """
    invitation = find_invitation(token=token, now=now)
    # Two invitations that are accepted at once must not overwrite each other's role.
    lock_members(invitation.project_id)
    member = Membership.objects.filter(user=user, project=invitation.project).first()
    if member is not None and member.role != invitation.role:
        raise InvitationError(
            f"You already belong to {invitation.project}, with the role "
            f"{member.get_role_display()}. Only an admin can change your role; an invitation "
            "cannot."
        )
    taken = Invitation.objects.filter(
        pk=invitation.pk, accepted_at__isnull=True, revoked_at__isnull=True
    ).update(accepted_at=now, accepted_by=user)
    if not taken:
        raise InvitationError("This invitation has just been used.")
    return member or add_member(user=user, project=invitation.project, role=Role(invitation.role))


def revoke_invitation(*, invitation: Invitation, now: dt.datetime) -> None:
    """The link works no more. InvitationError when it has been used."""
    changed = Invitation.objects.filter(
        pk=invitation.pk, accepted_at__isnull=True, revoked_at__isnull=True
    ).update(revoked_at=now)
    if not changed:
        raise InvitationError("This invitation has already been used or revoked.")


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
