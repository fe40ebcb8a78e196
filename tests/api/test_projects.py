"""Projects and their members over REST: by whom they may be, under the rules of the pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import Membership, Role
from annotation.models import Rater
from corpus.models import ModelVersion, Project
from library.projects.starters import guideline_text
from tests.builders import Cast, make_cast, make_user, membership_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

ALL = "/api/projects"
HERE = "/api/projects/harbour"
NEW = {"name": "The Port", "slug": "port"}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def ask(user: User, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    data = "" if body is None else json.dumps(body)
    answer = client.generic(method, path, data, content_type="application/json")
    return answer.status_code, json.loads(answer.content) if answer.content else {}


def test_everybody_lists_their_own_projects_with_their_role(cast: Cast) -> None:
    status, page = ask(cast.alice, "GET", ALL)
    assert (status, page["count"]) == (200, 1)
    assert page["results"][0] | {"created_at": ""} == {
        "slug": "harbour",
        "name": "Harbour",
        "description": "",
        "role": "rater",
        "created_at": "",
    }
    assert ask(cast.alice, "GET", HERE)[1]["role"] == "rater"
    assert ask(make_user("zoe"), "GET", ALL)[1]["results"] == []
    assert ask(cast.charlie, "GET", HERE)[0] == 404
    assert Client().get(ALL).status_code == 401


def test_who_may_creates_a_project_with_all_that_it_begins_with(cast: Cast) -> None:
    asked = NEW | {
        "description": "Pilots.",
        "starter": "code",
        "policy": "trial",
        "sandbox_model": True,
    }

    status, made = ask(cast.dan, "POST", ALL, asked)

    assert (status, made["slug"], made["role"]) == (201, "port", "admin")
    project = Project.objects.get(slug="port")
    assert project.description == made["description"] == "Pilots."
    assert project.guidelines.get().text == guideline_text("code").strip()
    assert project.quality_policy.calibration_pairs == 0
    assert ModelVersion.objects.get(project=project).sandbox
    assert ask(cast.dan, "POST", ALL, NEW)[0] == 409
    for user in (cast.alice, cast.bob, make_user("zoe")):
        assert ask(user, "POST", ALL, NEW | {"slug": "quay"})[0] == 403
    assert ask(cast.charlie, "POST", ALL, NEW | {"slug": "quay"})[0] == 201
    assert Client().post(ALL, NEW).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"slug": "a port"}, "slug", "not a valid slug"),
        ({"slug": "new"}, "slug", "reserved"),
        ({"slug": "p" * 81}, "slug", "80 characters"),
        ({"name": " "}, "name", "blank"),
        ({"policy": "lax"}, "policy", "not a valid choice"),
        ({"starter": "poetry"}, "starter", "not a valid choice"),
        ({"starter": "code", "guideline": "Be fair."}, "starter", "not both"),
        ({"description": "x" * 5_001}, "description", "5000 characters"),
    ],
)
def test_what_is_wrong_with_a_new_project_is_said_by_field(
    cast: Cast, wrong: dict[str, str], field: str, said: str
) -> None:
    status, error = ask(cast.carol, "POST", ALL, NEW | wrong)
    assert status == 400
    assert said in error["fields"][field][0]
    assert not Project.objects.filter(memberships__user=cast.carol).exclude(slug="harbour").exists()


def test_an_admin_names_and_describes_a_project(cast: Cast) -> None:
    status, now = ask(cast.carol, "PATCH", HERE, {"name": "The Old Harbour"})
    assert (status, now["name"], now["description"]) == (200, "The Old Harbour", "")
    assert ask(cast.carol, "PATCH", HERE, {"description": "Tugs.", "slug": "quay"})[0] == 200
    project = Project.objects.get(pk=cast.project.pk)
    assert (project.slug, project.name, project.description) == (
        "harbour",
        "The Old Harbour",
        "Tugs.",
    )
    assert ask(cast.carol, "PATCH", HERE, {"name": ""})[0] == 400
    for user in (cast.alice, cast.bob, cast.dan):
        assert ask(user, "PATCH", HERE, {"name": "Mine"})[0] == 403
    assert ask(cast.charlie, "PATCH", HERE, {"name": "Mine"})[0] == 404
    project.refresh_from_db()
    assert project.name == "The Old Harbour"


def test_members_are_listed_added_changed_and_removed(cast: Cast) -> None:
    members = f"{HERE}/members"
    make_user("zoe")
    for user in (cast.bob, cast.carol):
        status, page = ask(user, "GET", members)
        names = [row["username"] for row in page["results"]]
        assert (status, names) == (200, ["alice", "bob", "carol", "dan"])
    status, row = ask(cast.carol, "POST", members, {"username": "zoe", "role": "rater"})
    assert (status, row["role"]) == (201, "rater")
    assert Rater.objects.filter(user__username="zoe", project=cast.project).exists()
    status, error = ask(cast.carol, "POST", members, {"username": "zoe", "role": "admin"})
    assert status == 409
    assert "already a member" in error["message"]
    assert ask(cast.bob, "GET", f"{members}/zoe")[1]["role"] == "rater"
    status, row = ask(cast.carol, "PATCH", f"{members}/zoe", {"role": "senior"})
    assert (status, row["role"]) == (200, "senior")
    assert ask(cast.carol, "DELETE", f"{members}/zoe") == (204, {})
    assert ask(cast.carol, "GET", f"{members}/zoe")[0] == 404
    assert ask(cast.carol, "PATCH", f"{members}/zoe", {"role": "rater"})[0] == 404
    assert Rater.objects.filter(user__username="zoe").exists(), "their labels are kept"


def test_members_are_changed_by_admins_alone_and_seen_by_seniors_too(cast: Cast) -> None:
    make_user("zoe")
    members, alice = f"{HERE}/members", f"{HERE}/members/alice"
    asked = {"username": "zoe", "role": "rater"}
    for user, seen, changed in (
        (cast.alice, 403, 403),
        (cast.dan, 403, 403),
        (cast.bob, 200, 403),
        (cast.charlie, 404, 404),
    ):
        assert ask(user, "GET", members)[0] == seen
        assert ask(user, "GET", alice)[0] == seen
        assert ask(user, "POST", members, asked)[0] == changed
        assert ask(user, "PATCH", alice, {"role": "admin"})[0] == changed
        assert ask(user, "DELETE", alice)[0] == changed
    assert membership_of(cast.alice, cast.project).role == Role.RATER
    assert Membership.objects.filter(project=cast.project).count() == 4


def test_a_member_that_cannot_be_is_refused(cast: Cast) -> None:
    members = f"{HERE}/members"
    User.objects.filter(pk=make_user("gone").pk).update(is_active=False)
    for name in ("nobody", "gone"):
        status, error = ask(cast.carol, "POST", members, {"username": name, "role": "rater"})
        assert status == 400
        assert f"There is no account '{name}'" in error["fields"]["username"][0]
    status, error = ask(cast.carol, "POST", members, {"username": "charlie", "role": "owner"})
    assert "role" in error["fields"]
    for method, body in (("PATCH", {"role": "rater"}), ("DELETE", None)):
        status, error = ask(cast.carol, method, f"{members}/carol", body)
        assert status == 409
        assert "only admin" in error["message"]
    assert ask(cast.carol, "GET", f"{members}/al%00ice")[0] == 404
    assert ask(cast.carol, "DELETE", f"{members}/charlie")[0] == 404
    assert membership_of(cast.charlie, cast.elsewhere).role == Role.ADMIN
