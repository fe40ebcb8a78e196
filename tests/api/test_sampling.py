"""Sampling runs and models over REST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from corpus.models import ModelRegistration, SamplingRun
from corpus.registry import sandbox_model
from jobs.models import JobState
from tests.builders import Cast, make_cast
from tests.serving.sampling import do, launch, make_model, make_prompts

pytestmark = pytest.mark.django_db

HERE = "/api/projects/harbour"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def client_of(user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_a_run_is_launched_listed_read_and_cancelled(cast: Cast) -> None:
    make_prompts(cast.project, 3)
    sandbox_model(cast.project)
    dan = client_of(cast.dan)
    asked = {"models": ["sandbox"], "completions_each": 3, "pair_policy": "random", "limit": 2}
    made = dan.post(f"{HERE}/sampling-runs", {**asked, "pairs_per_prompt": 1}, format="json")
    assert made.status_code == 202
    assert (made.data["models"], made.data["max_tokens"]) == (["sandbox"], 128)
    assert made.data["selection"]["limit"] == 2
    listed = dan.get(f"{HERE}/sampling-runs").data
    assert [row["id"] for row in listed["results"]] == [made.data["id"]]
    one = f"{HERE}/sampling-runs/{made.data['id']}"
    assert dan.get(one).data["batch"] == f"sampling-{made.data['id']}"
    assert dan.post(f"{one}/cancel").data["state"] == JobState.CANCELLED


def test_a_finished_run_tells_its_report(cast: Cast) -> None:
    make_prompts(cast.project, 2)
    run = do(launch(cast.project))
    told = client_of(cast.bob).get(f"{HERE}/sampling-runs/{run.pk}").data
    assert (told["state"], told["completions_made"], told["pairs_made"]) == ("succeeded", 4, 2)
    assert told["report"]["failures"] == {}


def test_an_estimate_launches_nothing(cast: Cast) -> None:
    make_prompts(cast.project, 2)
    sandbox_model(cast.project)
    asked = {"models": ["sandbox"], "max_tokens": 10}
    told = client_of(cast.dan).post(f"{HERE}/sampling-runs/estimate", asked, format="json").data
    assert (told["prompts"], told["completions"]) == (2, 4)
    assert told["models"][0]["completion_tokens"] == 40
    assert not SamplingRun.objects.exists()


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"models": ["nobody"]}, 409, "harbour has no model 'nobody'; it has: m, sandbox."),
        ({"models": ["m"]}, 409, "m is known only by name, so only a server can run it"),
        ({"models": ["sandbox", "sandbox"]}, 400, "models: each can be chosen once"),
        ({"models": ["sandbox"], "domain": "x"}, 400, "no prompts without pairs that match"),
        ({"models": ["sandbox"], "pair_policy": "best"}, 400, "best"),
        ({"models": []}, 400, "at least 1"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    cast: Cast, asked: dict[str, Any], status: int, said: str
) -> None:
    make_prompts(cast.project, 1)
    sandbox_model(cast.project)
    make_model(cast.project)
    answer = client_of(cast.dan).post(f"{HERE}/sampling-runs", asked, format="json")
    assert answer.status_code == status
    assert said in str(answer.data)
    assert not SamplingRun.objects.exists()


def test_who_may_not_launch_is_refused(cast: Cast) -> None:
    asked = {"models": ["sandbox"]}
    for user, status in ((cast.alice, 403), (cast.bob, 403), (cast.charlie, 404)):
        answer = client_of(user).post(f"{HERE}/sampling-runs", asked, format="json")
        assert answer.status_code == status


def test_the_models_of_a_project_are_listed(cast: Cast) -> None:
    sandbox_model(cast.project)
    make_model(cast.project, "served")
    make_model(cast.elsewhere, "theirs")
    told = client_of(cast.bob).get(f"{HERE}/models").data
    assert [row["name"] for row in told["results"]] == ["served", "sandbox"]
    assert told["results"][1]["sandbox"] is True
    assert client_of(cast.alice).get(f"{HERE}/models").status_code == 403


def test_a_model_is_registered_by_a_worker_and_its_registration_read(
    cast: Cast, settings: Settings, tmp_path: Path
) -> None:
    settings.MODELS_FOLDERS = [str(tmp_path)]
    dan = client_of(cast.dan)
    made = dan.post(f"{HERE}/models", {"location": str(tmp_path), "name": "x"}, format="json")
    assert (made.status_code, made.data["state"]) == (202, JobState.QUEUED)
    registration = ModelRegistration.objects.get()
    assert registration.name == "x"
    ModelRegistration.objects.update(model_version=make_model(cast.project, "x"))
    told = dan.get(f"{HERE}/models/registrations/{registration.pk}").data
    assert (told["location"], told["model"]) == (str(tmp_path), "x")


def test_a_model_from_elsewhere_or_with_code_is_not_registered_by_everybody(
    cast: Cast, tmp_path: Path
) -> None:
    dan = client_of(cast.dan)
    answer = dan.post(f"{HERE}/models", {"location": str(tmp_path)}, format="json")
    assert (answer.status_code, answer.data["code"]) == (400, "model_not_allowed")
    coded = {"location": "a/b", "consent": True}
    assert dan.post(f"{HERE}/models", coded, format="json").status_code == 403
    assert not ModelRegistration.objects.exists()
