"""Projects and their members, made by commands and in the administration: never an orphan."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from accounts.errors import MembershipError
from accounts.models import Membership, Role
from accounts.services import add_member, remove_member
from annotation.models import Rater
from corpus.models import Project
from tests.builders import make_cast, make_user, membership_of

pytestmark = pytest.mark.django_db

PAIR = json.dumps({"prompt": "Hi?", "response_a": "Yes.", "response_b": "No."}) + "\n"


def command(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    said: dict[str, Any] = json.loads(out.getvalue())
    return said


def refused(*arguments: str) -> str:
    errors = io.StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command(*arguments, stderr=errors)
    assert stopped.value.code == 2
    assert errors.getvalue().count("\n") == 1
    return errors.getvalue()


def test_whoever_makes_a_project_is_its_admin_and_can_open_it(client: Client) -> None:
    said = command(
        "project", "create", "port", "--name", "The Port", "--admin", make_user("ada").username
    )

    assert said["members"] == [{"username": "ada", "role": "admin"}]
    client.force_login(User.objects.get(username="ada"))
    assert client.get("/projects/port/").status_code == 200
    assert "The Port" in client.get("/").content.decode()
    assert client.get("/projects/port/mine/").status_code == 200


def test_members_are_added_changed_and_removed(client: Client) -> None:
    for name in ("ada", "ben"):
        make_user(name)
    command("project", "create", "port", "--admin", "ada")

    said = command("project", "members", "port", "--add", "ben", "rater")
    assert said["members"][1] == {"username": "ben", "role": "rater"}
    assert Rater.objects.filter(user__username="ben").exists()
    said = command("project", "members", "port", "--add", "ben", "admin", "--remove", "ada")
    assert said["members"] == [{"username": "ben", "role": "admin"}]
    assert command("project", "list")["projects"] == [said]
    out = io.StringIO()
    call_command("project", "list", stdout=out)
    assert out.getvalue() == "port: ben (admin)\n"


def test_a_wrong_change_is_refused_whole() -> None:
    make_user("ada")
    make_user("ben")
    command("project", "create", "port", "--admin", "ada")

    assert "no account 'eve'" in refused("project", "members", "port", "--add", "eve", "rater")
    assert "'owner' is not a role" in refused(
        *("project", "members", "port", "--add", "ben", "rater", "--add", "ben", "owner")
    )
    assert "'ben' is not a member" in refused("project", "members", "port", "--remove", "ben")
    assert "only admin" in refused("project", "members", "port", "--remove", "ada")
    assert "only admin" in refused("project", "members", "port", "--add", "ada", "rater")
    assert "already" in refused("project", "create", "port", "--admin", "ada")
    assert "'a port' is not a valid slug" in refused(
        "project", "create", "a port", "--admin", "ada"
    )
    assert "no account" in refused("project", "create", "quay", "--admin", "eve")
    assert "no project 'quay'" in refused("project", "members", "quay")
    assert [row.user.username for row in Membership.objects.all()] == ["ada"]


def test_the_only_admin_stays_whatever_way_they_would_go() -> None:
    cast = make_cast()
    with pytest.raises(MembershipError, match="only admin of Harbour"):
        remove_member(membership=membership_of(cast.carol, cast.project))
    with pytest.raises(MembershipError, match="only admin"):
        add_member(user=cast.carol, project=cast.project, role=Role.SENIOR)
    add_member(user=cast.bob, project=cast.project, role=Role.ADMIN)
    remove_member(membership=membership_of(cast.carol, cast.project))


@pytest.mark.parametrize(
    ("name", "line"), [("import_pairs", PAIR), ("import_prompts", '{"prompt": "Hi?"}\n')]
)
def test_an_import_into_a_new_project_lets_somebody_in(
    name: str, line: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line)
    errors = io.StringIO()
    call_command(name, "port", str(path), stderr=errors, stdout=io.StringIO())
    assert "Nobody can open port yet" in errors.getvalue()

    root = User.objects.create_superuser("root")
    errors = io.StringIO()
    call_command(name, "port", str(path), stderr=errors, stdout=io.StringIO())
    assert errors.getvalue().strip() == "root is the admin of port."
    assert membership_of(root, Project.objects.get(slug="port")).role == Role.ADMIN

    ada = make_user("ada")
    call_command(name, "quay", str(path), "--admin", "ada", stdout=io.StringIO())
    assert membership_of(ada, Project.objects.get(slug="quay")).role == Role.ADMIN
    call_command(name, "quay", str(path), "--admin", "root", stdout=io.StringIO())
    assert Membership.objects.filter(project__slug="quay").count() == 1, "a project keeps its admin"
    assert "no account" in refused(name, "dock", str(path), "--admin", "eve")
    assert not Project.objects.filter(slug="dock").exists()
    for slug in ("a port", "p" * 81, "new"):
        assert f"'{slug}' is" in refused(name, slug, str(path))


@pytest.mark.filterwarnings("ignore:No directory at:UserWarning")
def test_who_makes_a_project_in_the_administration_is_its_admin(client: Client) -> None:
    root = User.objects.create_superuser("root")
    client.force_login(root)
    fields = {"slug": "new", "name": "The Port", "description": ""}
    assert (
        "&#x27;new&#x27; is reserved"
        in client.post("/admin/corpus/project/add/", fields).content.decode()
    )
    fields["slug"] = "port"
    assert client.post("/admin/corpus/project/add/", fields).status_code == 302
    assert membership_of(root, Project.objects.get(slug="port")).role == Role.ADMIN
    assert client.get("/projects/port/").status_code == 200
