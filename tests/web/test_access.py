"""Every address refuses the anonymous user and the member of another project."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import get_resolver

from tests.builders import PASSWORD, Cast, make_cast
from tests.web.places import PERSONAL, Place, places_of, walk

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def places(cast: Cast) -> list[Place]:
    """Every project address, filled in with objects of the cast's project."""
    return places_of(cast)


def answers(client: Client, place: Place) -> set[int]:
    return {
        client.get(place.path).status_code,
        client.post(place.path, {}, content_type="application/json").status_code,
        client.patch(place.path, {}, content_type="application/json").status_code,
        client.put(place.path, {}, content_type="application/json").status_code,
        client.delete(place.path).status_code,
    }


def test_the_walk_finds_the_projects_addresses(places: list[Place]) -> None:
    assert sum(place.path.startswith("/api/") for place in places) >= 50
    assert sum(not place.path.startswith("/api/") for place in places) >= 80
    assert {"label_submit", "api_label", "freeze", "train", "model"} <= {p.name for p in places}


def test_the_anonymous_user_is_sent_to_sign_in_or_refused(
    client: Client, places: list[Place]
) -> None:
    for place in places:
        wanted = {401} if place.path.startswith("/api/") else {302}
        allowed = wanted | {405}
        assert answers(client, place) <= allowed, place
        answer = client.post(place.path)
        if answer.status_code == 302:
            assert answer["Location"].startswith("/login/"), place


def test_the_member_of_another_project_learns_nothing(
    client: Client, cast: Cast, places: list[Place]
) -> None:
    client.force_login(cast.charlie)
    for place in places:
        assert answers(client, place) <= {404, 405}, place
        assert 404 in answers(client, place), place


def test_an_object_of_another_project_is_not_found_below_ones_own(
    client: Client, cast: Cast, places: list[Place]
) -> None:
    client.force_login(cast.charlie)
    below_own = [
        Place(place.name, place.path.replace(f"/{cast.project.slug}/", f"/{cast.elsewhere.slug}/"))
        for place in places
        if place.name
        in {
            *("dataset", "model", "training_run", "run_metrics", "judge_run", "revision_run"),
            *("chain", "constitution_version", "draft_trial", "constitution_history"),
            *("api_constitution", "api_critique_run", "api_chains"),
            *("dataset_charts", "dataset_compare", "dataset_file"),
        }
    ]
    assert len(below_own) == 16
    for place in below_own:
        assert client.get(place.path).status_code == 404, place


@pytest.mark.parametrize("name", sorted(PERSONAL))
def test_personal_pages_need_a_login(client: Client, name: str) -> None:
    routes = dict(walk(get_resolver().url_patterns))

    assert client.get("/" + routes[name]).status_code in {302, 401}


@pytest.mark.parametrize(
    ("who", "path", "method", "status"),
    [
        ("alice", "datasets/", "get", 403),
        ("alice", "datasets/freeze", "post", 403),
        ("alice", "runs/new", "post", 403),
        ("alice", "models/", "get", 403),
        ("alice", "judge/launch", "post", 403),
        ("alice", "label/", "get", 200),
        ("bob", "datasets/freeze", "post", 403),
        ("bob", "runs/new", "get", 403),
        ("bob", "datasets/", "get", 200),
        ("bob", "label/", "get", 200),
        ("dan", "label/", "get", 403),
        ("dan", "label/submit", "post", 403),
        ("dan", "runs/new", "get", 200),
        ("carol", "runs/new", "get", 200),
        ("carol", "label/", "get", 200),
        ("alice", "constitution/", "get", 403),
        ("alice", "critique/", "get", 403),
        ("bob", "constitution/", "get", 200),
        ("bob", "constitution/new", "post", 403),
        ("dan", "constitution/new", "post", 403),
        ("carol", "constitution/new", "post", 400),
        ("bob", "critique/launch", "post", 403),
        ("bob", "critique/prompts", "post", 403),
        ("dan", "critique/launch", "post", 400),
        ("alice", "prompts/", "get", 403),
        ("alice", "sampling/", "get", 403),
        ("bob", "prompts/", "get", 200),
        ("bob", "sampling/", "get", 200),
        ("bob", "sampling/new", "get", 403),
        ("bob", "sampling/launch", "post", 403),
        ("dan", "sampling/new", "get", 200),
        ("dan", "sampling/launch", "post", 400),
        ("bob", "datasets/sft", "get", 403),
        ("dan", "datasets/sft", "get", 200),
    ],
)
def test_a_role_may_do_what_it_is_for_and_nothing_else(
    client: Client, cast: Cast, who: str, path: str, method: str, status: int
) -> None:
    client.force_login(getattr(cast, who))

    answer = getattr(client, method)(f"/projects/{cast.project.slug}/{path}")

    assert answer.status_code == status


def test_nobody_can_sign_up_uninvited(client: Client) -> None:
    users = User.objects.count()
    fields = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD}
    for answer in (client.get("/signup/"), client.post("/signup/", fields)):
        assert "Accounts are by invitation only" in answer.content.decode()
    assert User.objects.count() == users


def test_pages_carry_a_strict_content_security_policy(client: Client) -> None:
    policy = client.get("/login/")["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


def test_browsers_find_the_icon_by_the_name_they_guess() -> None:
    answer = Client().get("/favicon.ico")
    assert answer.status_code == 302
    assert finders.find(answer["Location"].removeprefix("/static/")) is not None
