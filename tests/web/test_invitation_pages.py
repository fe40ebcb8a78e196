"""Invitations: the only way to an account, once, and never to more than was meant."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.errors import InvitationError
from accounts.models import Invitation, Membership, Role
from accounts.services.invitations import accept_invitation, invite, revoke_invitation
from annotation.models import Rater
from tests.builders import PASSWORD, Cast, make_cast, make_user

pytestmark = pytest.mark.django_db

LIST = "/projects/harbour/invitations/"
ACCEPT = "/invitations/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def new_link(client: Client, cast: Cast, **fields: str) -> str:
    client.force_login(cast.carol)
    page = client.post(LIST, {"role": "rater", **fields})
    assert page.status_code == 200
    assert page["Cache-Control"] == "no-store"
    found = re.search(r'value="http://testserver(/invitations/[^"]+)"', page.content.decode())
    assert found
    assert found[1] not in client.get(LIST).content.decode(), "the link is shown this once"
    client.logout()
    return found[1]


def sign_up(client: Client, name: str) -> str:
    fields = {"username": name, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/signup/", fields, follow=True).content.decode()


def test_a_stranger_comes_in_by_the_link_and_not_without(client: Client, cast: Cast) -> None:
    assert "by invitation only" in sign_up(client, "zoe")
    assert not User.objects.filter(username="zoe").exists()

    link = new_link(client, cast)
    opened = client.get(link)
    assert (opened.status_code, opened["Location"]) == (302, ACCEPT), "no page has the secret"
    assert opened["Referrer-Policy"] == "no-referrer"
    page = client.get(ACCEPT)
    assert "Harbour" in page.content.decode()
    assert link.strip("/").split("/")[-1] not in page.content.decode()
    assert "Accept as zoe" in sign_up(client, "zoe")
    assert client.post(ACCEPT).status_code == 302

    zoe = Membership.objects.get(user__username="zoe")
    assert (zoe.role, zoe.project) == (Role.RATER, cast.project)
    assert Rater.objects.filter(user__username="zoe").exists()
    assert "by invitation only" in sign_up(Client(), "eve")
    used = client.get(link, follow=True)
    assert used.status_code == 409
    assert "has already been used" in used.content.decode()


def test_the_secret_is_not_stored(client: Client, cast: Cast) -> None:
    token = new_link(client, cast).strip("/").split("/")[-1]
    row = Invitation.objects.get()
    assert token not in str(row.__dict__)
    assert len(token) >= 43


def test_a_mail_goes_out_when_there_is_an_address(client: Client, cast: Cast) -> None:
    link = new_link(client, cast, email="zoe@example.org")
    assert [one.to for one in mail.outbox] == [["zoe@example.org"]]
    assert link in mail.outbox[0].body


@pytest.mark.parametrize("backend", ["console", "dummy"])
def test_nothing_is_called_sent_where_no_mail_leaves(
    client: Client, cast: Cast, settings: Settings, backend: str
) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    client.force_login(cast.carol)
    page = client.post(LIST, {"role": "rater", "email": "zoe@example.org"}).content.decode()
    assert "No e-mail was sent to zoe@example.org" in page
    assert "The invitation was sent" not in page


def test_the_page_behind_a_link_needs_the_link(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    for answer in (client.get(ACCEPT), client.post(ACCEPT)):
        assert answer.status_code == 409
        assert "Please open your invitation link again" in answer.content.decode()


def test_an_invitation_works_once_and_not_when_old_or_revoked(cast: Cast) -> None:
    now = timezone.now()
    zoe, eve = make_user("zoe"), make_user("eve")
    _, used = invite(project=cast.project, role=Role.RATER, by=cast.carol, now=now)
    accept_invitation(token=used, user=zoe, now=now)
    old, late = invite(project=cast.project, role=Role.RATER, by=cast.carol, now=now)
    gone, revoked = invite(project=cast.project, role=Role.RATER, by=cast.carol, now=now)
    revoke_invitation(invitation=gone, now=now)
    for token, when, words in (
        (used, now, "has already been used"),
        (late, old.expires_at + dt.timedelta(seconds=1), "expired"),
        (revoked, now, "revoked"),
        ("no such link", now, "does not exist"),
    ):
        with pytest.raises(InvitationError, match=words):
            accept_invitation(token=token, user=eve, now=when)
    assert not Membership.objects.filter(user=eve).exists()
    with pytest.raises(InvitationError, match="used or revoked"):
        revoke_invitation(invitation=gone, now=now)


def test_an_invitation_changes_nobodys_role(cast: Cast) -> None:
    now = timezone.now()
    _, token = invite(project=cast.project, role=Role.ADMIN, by=cast.carol, now=now)
    with pytest.raises(InvitationError, match="belong to Harbour, with the role Rater"):
        accept_invitation(token=token, user=cast.alice, now=now)
    assert Membership.objects.get(user=cast.alice).role == Role.RATER
    assert Invitation.objects.get().accepted_at is None, "somebody else can use it"


@pytest.mark.parametrize("fields", [{"role": "owner"}, {"role": "rater", "email": "no mail"}, {}])
def test_a_wrong_invitation_is_not_made(client: Client, cast: Cast, fields: dict[str, str]) -> None:
    client.force_login(cast.carol)
    assert client.post(LIST, fields).status_code == 400
    assert not Invitation.objects.exists()


def test_only_admins_invite_and_revoke(client: Client, cast: Cast) -> None:
    row, _ = invite(project=cast.project, role=Role.RATER, by=cast.carol, now=timezone.now())
    for user, status in ((cast.bob, 403), (cast.alice, 403), (cast.charlie, 404)):
        client.force_login(user)
        assert client.get(LIST).status_code == status
        assert client.post(LIST, {"role": "admin"}).status_code == status
        assert client.post(f"{LIST}{row.pk}/revoke").status_code == status
    row.refresh_from_db()
    assert row.revoked_at is None
    client.force_login(cast.carol)
    assert client.post(f"{LIST}{row.pk}/revoke").status_code == 302
    row.refresh_from_db()
    assert row.revoked_at is not None
