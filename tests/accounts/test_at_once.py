"""Who is in a project, when several change it at once, on whichever database is set."""

from __future__ import annotations

from functools import partial

import pytest
from django.utils import timezone

from accounts.errors import InvitationError, MembershipError
from accounts.models import Membership, Role
from accounts.services import add_member, create_project, remove_member
from accounts.services.invitations import accept_invitation, invite
from corpus.models import Project
from tests.builders import make_cast, make_user, membership_of
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_invitations_that_one_person_accepts_at_once_one_gives_the_role() -> None:
    cast = make_cast()
    newcomer = make_user("zoe")

    def accept(token: str) -> str:
        try:
            return accept_invitation(token=token, user=newcomer, now=timezone.now()).role
        except InvitationError as error:
            return str(error)

    tokens = [
        invite(project=cast.project, role=role, by=cast.carol, now=timezone.now())[1]
        for role in (Role.RATER, Role.ADMIN)
    ]
    said = at_once(*(partial(accept, token) for token in tokens))

    role = membership_of(newcomer, cast.project).role
    assert sorted(one in Role.values for one in said) == [False, True]
    assert role in said
    assert any("Only an admin can change your role" in one for one in said)


def test_of_two_who_make_one_project_at_once_one_is_told_that_it_is_there() -> None:
    makers = [make_user("ada"), make_user("eve")]

    def make(number: int) -> str:
        try:
            create_project(slug="port", name="Port", admin=makers[number])
        except MembershipError as error:
            return str(error)
        return "made"

    assert sorted(at_once(partial(make, 0), partial(make, 1))) == [
        "Project 'port' already exists.",
        "made",
    ]
    assert Membership.objects.filter(project=Project.objects.get(slug="port")).count() == 1


def test_the_only_admin_stays_even_where_an_older_role_was_read() -> None:
    cast = make_cast()
    stale = membership_of(cast.bob, cast.project)
    add_member(user=cast.bob, project=cast.project, role=Role.ADMIN)
    remove_member(membership=membership_of(cast.carol, cast.project))

    assert stale.role != Role.ADMIN
    with pytest.raises(MembershipError, match="only admin"):
        remove_member(membership=stale)


def test_who_is_gone_cannot_be_removed_again() -> None:
    cast = make_cast()
    once, twice = (membership_of(cast.alice, cast.project) for _ in range(2))
    remove_member(membership=once)
    with pytest.raises(MembershipError, match="no longer a member"):
        remove_member(membership=twice)
