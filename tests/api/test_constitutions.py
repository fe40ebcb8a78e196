"""Constitutions and critique runs over REST: the whole way, roles, and clear refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from constitution.models import Chain, ConstitutionVersion, RevisionRun
from judging.models import ImpactRun
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater
from tests.judging.workshop import make_model, make_revision_run, make_version

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

HERE = "/api/projects/harbour/"
TEXT = """name: Mine
principles:
- name: polite
  comparison: Choose the polite.
  critique_request: Say what is rude.
  revision_request: Make it polite.
"""


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def ask(
    user: User, path: str, body: Any = None, method: str | None = None
) -> tuple[int, dict[str, Any]]:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    method = method or ("GET" if body is None else "POST")
    data = "" if body is None else json.dumps(body)
    answer = client.generic(method, HERE + path, data, content_type="application/json")
    return answer.status_code, json.loads(answer.content) if answer.content else {}


def make(cast: Cast, slug: str = "mine") -> tuple[int, dict[str, Any]]:
    return ask(cast.carol, "constitutions", {"slug": slug, "text": TEXT, "reason": "First"})


def test_a_constitution_goes_the_whole_way(cast: Cast) -> None:
    status, made = make(cast)
    assert (status, made["status"], made["number"]) == (201, "draft", 1)
    version, principle = "constitutions/mine/1", made["principles"][0]["id"]

    status, added = ask(
        cast.carol,
        f"{version}/principles",
        {"name": "short", "comparison": "Choose the short.", "weight": 2, "tags": ["style"]},
    )
    assert (status, added["weight"]) == (201, 2.0)
    status, edited = ask(
        cast.carol,
        f"{version}/principles/{principle}",
        {"seen": 1, "comparison": "Choose the politer.", "reason": "Sharper"},
        "PATCH",
    )
    assert (status, edited["comparison"]) == (200, "Choose the politer.")
    status, stale = ask(
        cast.carol,
        f"{version}/principles/{principle}",
        {"seen": 1, "comparison": "Other."},
        "PATCH",
    )
    assert (status, stale["code"]) == (409, "stale_draft")

    _, whole = ask(cast.dan, version)
    assert [one["name"] for one in whole["principles"]] == ["polite", "short"]
    status, told = ask(
        cast.carol, f"{version}/publish", {"reason": "Ready", "revision": whole["revision"] - 1}
    )
    assert (status, told["code"]) == (409, "stale_draft")
    status, published = ask(
        cast.carol, f"{version}/publish", {"reason": "Ready", "revision": whole["revision"]}
    )
    assert (status, published["status"], len(published["sha256"])) == (200, "published", 64)
    status, told = ask(cast.carol, f"{version}/principles", {"name": "late"})
    assert (status, told["code"]) == (409, "not_a_draft")

    status, second = ask(cast.carol, f"{version}/draft", {})
    assert (status, second["number"]) == (201, 2)
    status, _ = ask(
        cast.carol, "constitutions/mine/2", {"text": TEXT.replace("polite", "kind")}, "PUT"
    )
    assert status == 200
    _, compared = ask(cast.dan, "constitutions/mine/2/compare?other=1")
    assert {one["status"] for one in compared["principles"]} == {"added", "removed"}
    status, retired = ask(cast.carol, f"{version}/retire", {"reason": "Old"})
    assert (status, retired["status"]) == (200, "retired")

    _, changes = ask(cast.bob, f"{version}/changes")
    assert [one["action"] for one in changes["results"]] == [
        *("retired", "published", "edited", "added", "created"),
    ]
    assert changes["results"][2]["reason"] == "Sharper"
    _, listed = ask(cast.bob, "constitutions?status=retired")
    assert listed["count"] == 1


def test_a_principle_is_taken_out_as_it_was_seen(cast: Cast) -> None:
    _, made = make(cast)
    path = f"constitutions/mine/1/principles/{made['principles'][0]['id']}"
    assert ask(cast.carol, path, {}, "DELETE")[0] == 400
    assert ask(cast.carol, path, {"seen": 1}, "DELETE")[0] == 204
    assert ask(cast.carol, "constitutions/mine/1")[1]["principles"] == []


def test_a_version_is_exported_and_says_what_a_format_loses(cast: Cast) -> None:
    make(cast)
    status, ours = ask(cast.bob, "constitutions/mine/1/export")
    assert (status, ours["lost"]) == (200, [])
    assert ours["text"].startswith("name: Mine")
    _, public = ask(cast.bob, "constitutions/mine/1/export?form=critiques")
    assert json.loads(public["text"])["polite"]["edit_request"] == "Make it polite."
    assert "comparison" in public["lost"][0]


def test_comments_are_read_and_written_by_all_who_read(cast: Cast) -> None:
    make(cast)
    path = "constitutions/mine/1/comments"
    status, made = ask(cast.bob, path, {"text": "Good.", "principle_name": "polite"})
    assert (status, made["author"]) == (201, "bob")
    assert ask(cast.bob, path, {"text": "x", "principle_name": "none"})[0] == 404
    assert ask(cast.dan, path)[1]["count"] == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"slug": "mine", "text": "a: 1"}, 400, "bad_constitution_file"),
        ({"slug": "mine"}, 400, "invalid"),
        ({"slug": "no slug", "text": TEXT}, 400, "invalid"),
    ],
)
def test_a_text_that_is_no_constitution_is_refused(
    cast: Cast, body: dict[str, Any], status: int, code: str
) -> None:
    answered, told = ask(cast.carol, "constitutions", body)
    assert (answered, told["code"]) == (status, code)
    assert not ConstitutionVersion.objects.exists()


def test_roles_are_kept(cast: Cast) -> None:
    make(cast)
    for user in (cast.alice, cast.bob, cast.dan):
        assert make_by(user) == 403
        assert ask(user, "constitutions/mine/1/publish", {"reason": "x", "revision": 1})[0] == 403
    assert ask(cast.alice, "constitutions")[0] == 403
    assert ask(cast.bob, "critique-runs", {"constitution": "mine", "model": "m"})[0] == 403


def make_by(user: User) -> int:
    return ask(user, "constitutions", {"slug": "x", "text": TEXT})[0]


def test_impact_is_launched_and_read(cast: Cast) -> None:
    make(cast)
    make_label(make_pair(cast.project), make_rater(cast.project, "ann"))
    path = "constitutions/mine/1/impact"
    status, told = ask(cast.dan, path, {"model": "none"})
    assert (status, told["code"]) == (409, "unknown_model")
    make_model(cast.project)
    status, run = ask(cast.dan, path, {"model": "m", "engine": "server"})
    assert (status, run["state"]) == (202, "queued")
    assert ask(cast.bob, path)[1]["results"][0]["id"] == ImpactRun.objects.get().pk


@pytest.mark.django_db(transaction=True)
def test_a_critique_run_is_launched_watched_and_read_chain_by_chain(cast: Cast) -> None:
    done = make_revision_run(cast.project, 3)
    status, run = ask(
        cast.dan,
        "critique-runs",
        {"constitution": "c", "model": "m", "engine": "server", "limit": 2, "rounds": 1},
    )
    assert (status, run["state"], run["selection"]) == (202, "queued", {"limit": 2})
    assert ask(cast.dan, f"critique-runs/{run['id']}/cancel", {})[1]["state"] == "cancelled"

    _, listed = ask(cast.bob, "critique-runs")
    assert listed["count"] == RevisionRun.objects.count() == 2
    _, whole = ask(cast.bob, f"critique-runs/{done.pk}")
    assert whole["counts"]["findings"]["revised"] == 3
    _, chains = ask(cast.bob, f"critique-runs/{done.pk}/chains?finding=revised&limit=2")
    assert (chains["count"], len(chains["results"])) == (3, 2)
    assert [step["round"] for step in chains["results"][0]["steps"]] == [1, 2, 3]

    mark = f"critique-runs/{done.pk}/chains/{chains['results'][0]['id']}/mark"
    status, told = ask(cast.bob, mark, {"bad": True})
    assert (status, told["code"]) == (400, "reason_missing")
    assert ask(cast.bob, mark, {"bad": True, "reason": "It rambles."})[1]["bad"] is True
    assert ask(cast.bob, f"critique-runs/{done.pk}/chains?bad=true")[1]["count"] == 1
    assert Chain.objects.filter(bad=True).count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"constitution": "none", "model": "m"}, 404, "unknown_constitution"),
        ({"constitution": "c", "model": "none"}, 409, "unknown_model"),
        ({"constitution": "c", "model": "m"}, 409, "nothing_to_revise"),
        ({"constitution": "c", "model": "m", "rounds": 0}, 400, "invalid"),
    ],
)
def test_a_critique_run_that_cannot_be_is_refused(
    cast: Cast, body: dict[str, Any], status: int, code: str
) -> None:
    make_version(cast.project)
    make_model(cast.project)
    answered, told = ask(cast.dan, "critique-runs", body)
    assert (answered, told["code"]) == (status, code)
    assert not RevisionRun.objects.exists()
