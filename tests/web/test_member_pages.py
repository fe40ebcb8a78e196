"""Members in the browser: changed by admins, never by themselves, never the last of them."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Membership, Role
from accounts.services import add_member
from annotation.models import Rater
from tests.builders import Cast, make_cast, membership_of

pytestmark = pytest.mark.django_db

PAGE = "/projects/harbour/invitations/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def change(client: Client, member: Membership, act: str, role: str = "") -> str:
    """What the page says of it."""
    path = f"/projects/harbour/members/{member.pk}/{act}"
    answer = client.post(path, {"role": role}, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    return answer.content.decode()


def test_an_admin_changes_a_role_and_removes_a_member(client: Client, cast: Cast) -> None:
    client.force_login(cast.carol)
    dan, alice = (membership_of(one, cast.project) for one in (cast.dan, cast.alice))
    page = client.get(PAGE).content.decode()
    for name in ("alice", "bob", "dan"):
        assert f'aria-label="Role of {name}"' in page
    assert 'aria-label="Role of carol"' not in page

    assert "dan now has the role Senior rater." in change(client, dan, "role", "senior")
    assert "alice has been removed" in change(client, alice, "remove")

    dan.refresh_from_db()
    assert dan.role == Role.SENIOR
    assert Rater.objects.filter(user=cast.dan, project=cast.project).exists(), "seniors label"
    assert not Membership.objects.filter(user=cast.alice).exists()
    assert Rater.objects.filter(user=cast.alice).exists(), "their labels are kept"


def test_nobody_changes_themselves_or_gives_a_role_that_is_none(client: Client, cast: Cast) -> None:
    add_member(user=cast.bob, project=cast.project, role=Role.ADMIN)
    client.force_login(cast.carol)
    carol, dan = (membership_of(one, cast.project) for one in (cast.carol, cast.dan))

    for act in ("role", "remove"):
        assert "ask another admin" in change(client, carol, act, "rater")
    assert "&#x27;owner&#x27; is not a role." in change(client, dan, "role", "owner")

    assert membership_of(cast.carol, cast.project).role == Role.ADMIN
    assert membership_of(cast.dan, cast.project).role == Role.RESEARCHER


def test_only_the_admins_of_the_project_may(client: Client, cast: Cast) -> None:
    alice, charlie = (
        membership_of(cast.alice, cast.project),
        membership_of(cast.charlie, cast.elsewhere),
    )
    for act in ("role", "remove"):
        path = f"/projects/harbour/members/{alice.pk}/{act}"
        for user, status in ((cast.bob, 403), (cast.dan, 403), (cast.charlie, 404)):
            client.force_login(user)
            assert client.post(path, {"role": "admin"}).status_code == status
        client.force_login(cast.carol)
        assert client.get(path).status_code == 405
        elsewhere = f"/projects/harbour/members/{charlie.pk}/{act}"
        assert client.post(elsewhere, {"role": "rater"}).status_code == 404
    assert membership_of(cast.alice, cast.project).role == Role.RATER
    assert membership_of(cast.charlie, cast.elsewhere).role == Role.ADMIN
