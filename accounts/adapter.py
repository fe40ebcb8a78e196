"""Accounts are made by invitation only."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

INVITATION_SESSION_KEY = "invitation"
"""Holds the secret of the link by which a visitor came, until they have an account."""


class InvitationOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Open to who came by an invitation that works."""
        # Here and not above: settings name this module before the apps are loaded.
        from accounts.errors import InvitationError
        from accounts.services.invitations import find_invitation

        token = request.session.get(INVITATION_SESSION_KEY)
        if not isinstance(token, str):
            return False
        try:
            find_invitation(token=token, now=timezone.now())
        except InvitationError:
            return False
        return True

    def clean_username(self, username: str, shallow: bool = False) -> Any:
        """A name that is free; the refusal of one that is not names it."""
        try:
            return super().clean_username(username, shallow=shallow)
        except ValidationError as error:
            if error.code != "username_taken":
                raise
            raise ValidationError(
                "The name %(name)r is taken. Choose another.",
                code=error.code,
                params={"name": username},
            ) from error

    def get_signup_redirect_url(self, request: HttpRequest) -> Any:
        """Back to the invitation, to be accepted with the new account."""
        from django.urls import reverse

        token = request.session.get(INVITATION_SESSION_KEY)
        if not isinstance(token, str):
            return super().get_signup_redirect_url(request)
        return reverse("invitation_accept")
