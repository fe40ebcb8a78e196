"""Every address refuses the anonymous user and the member of another project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from annotation.models import Adjudication, Role, Slot
from annotation.services import answer_gold
from annotation.services.invitations import invite
from annotation.task_names import task_name
from constitution.models import Chain, RevisionRun
from constitution.services import PrincipleText, create_draft
from corpus.models import ModelVersion
from exports.models import DatasetVersion
from judging.impact import draw_audit_set, launch_impact
from judging.models import DraftTrial, JudgeConfig, JudgeRun, Trial
from tests.builders import PASSWORD, Cast, make_cast, make_label, make_pair, make_rater
from training.models import TrainingRun

pytestmark = pytest.mark.django_db

PUBLIC = {"account_login", "account_signup", "invitation", "invitation_accept"}
"""For everybody, signed in or not."""

PERSONAL = {"home", "account_logout", "account_change_password", "api_schema"}
"""For everybody who is signed in; they show nothing of a project that is not one's own."""

STAFF = "admin/"


@dataclass(frozen=True)
class Place:
    """An address with an object of the project behind it."""

    name: str
    path: str


def walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        else:
            yield pattern.name or route, route


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def places(cast: Cast) -> list[Place]:
    """Every project address, filled in with objects of the cast's project."""
    project = cast.project
    pair = make_pair(project, slots=1)
    model = ModelVersion.objects.create(project=project, name="m", kind="api")
    dataset = DatasetVersion.objects.create(
        project=project, name="d", number=1, sha256="a" * 64, manifest={"splits": {}}
    )
    run = TrainingRun.objects.create(
        project=project, name="r", method="dpo", spec={}, base_model=model, dataset=dataset
    )
    config = JudgeConfig.objects.create(
        project=project, rater=make_rater(project, "judge", kind="judge")
    )
    judge_run = JudgeRun.objects.create(project=project, config=config, selection={})
    trial = Trial.objects.create(project=project, model_version=model, engine="x", prompt="x")
    task = Slot.objects.get(pair=pair)
    adjudication = Adjudication.objects.create(project=project, pair=pair, reason="flag")
    invitation, _ = invite(project=project, role=Role.RATER, by=cast.carol, now=timezone.now())
    answer_gold(pair=pair, author=cast.bob, choice="first")
    version = create_draft(
        project=project, slug="c", name="C", principles=[PrincipleText("p", "Choose.")]
    )
    principle = version.principles.get()
    critique = RevisionRun.objects.create(
        project=project, constitution_version=version, model_version=model, selection={}
    )
    chain = Chain.objects.create(run=critique, prompt=pair.prompt)
    labelled = make_pair(project, 7)
    make_label(labelled, make_rater(project, "human"))
    impact = launch_impact(
        version=version, model=model, audit_set=draw_audit_set(project=project), start=False
    )
    tried = DraftTrial.objects.create(
        project=project,
        version=version,
        model_version=model,
        engine="x",
        prompt="x",
        principles=[{"name": "p"}],
    )
    runs = {
        "judge/": judge_run.pk,
        "judge-runs": judge_run.pk,
        "critique": critique.pk,
        "impact/": impact.pk,
    }
    trials = {"constitution/": tried.pk, "inference/": trial.pk}
    objects = {
        "<slug:project_slug>": project.slug,
        "<slug:sha256>": dataset.sha256,
        "<int:model_id>": model.pk,
        "<uuid:task_id>": task_name(task.pk),
        "<int:rater_id>": config.rater.pk,
        "<int:judge_id>": config.pk,
        "<int:pair_id>": pair.pk,
        "<int:row_id>": adjudication.pk,
        "<int:prompt_id>": pair.prompt_id,
        "<int:invitation_id>": invitation.pk,
        "<int:number>": 1,
        "<slug:slug>": version.constitution.slug,
        "<int:principle_id>": principle.pk,
        "<int:chain_id>": chain.pk,
    }
    found = []
    for name, route in walk(get_resolver().url_patterns):
        if name in PUBLIC | PERSONAL or route.startswith(STAFF):
            continue
        run_id = next((pk for part, pk in runs.items() if part in route), run.pk)
        trial_id = next((pk for part, pk in trials.items() if part in route), 0)
        path = "/" + route.replace("<int:run_id>", str(run_id))
        path = path.replace("<int:trial_id>", str(trial_id))
        for placeholder, value in objects.items():
            path = path.replace(placeholder, str(value))
        assert "<" not in path, f"{route} has a part this test does not know"
        found.append(Place(name, path))
    return found


def answers(client: Client, place: Place) -> set[int]:
    return {
        client.get(place.path).status_code,
        client.post(place.path, {}, content_type="application/json").status_code,
        client.patch(place.path, {}, content_type="application/json").status_code,
    }


def test_the_walk_finds_the_projects_addresses(places: list[Place]) -> None:
    assert len(places) >= 25
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
        }
    ]
    assert len(below_own) == 13
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
        assert "Accounts are made by invitation" in answer.content.decode()
    assert User.objects.count() == users


def test_pages_carry_a_strict_content_security_policy(client: Client) -> None:
    policy = client.get("/login/")["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
