"""The page of engines and servers, the playground, and the models' registration and prices."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import Settings

from corpus.models import ModelRegistration, ModelVersion
from inference.launcher import free_port
from inference.scripted_server import ScriptedServer
from jobs.models import JobState
from jobs.runner import run_job
from serving.models import ModelServer, Trial, Usage
from serving.playground import launch_trial, try_prompt
from serving.servers import register_server
from tests.builders import Cast, make_cast
from tests.hub import unreachable_hub

pytestmark = pytest.mark.django_db(transaction=True)

INFERENCE = "/projects/harbour/inference/"
MODELS = "/projects/harbour/models/"
HOSTILE = "<script>alert(1)</script> **bold** [x](javascript:alert(1))"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def carol(client: Client, cast: Cast) -> Client:
    client.force_login(cast.carol)
    return client


def model_of(cast: Cast, name: str = "scripted") -> ModelVersion:
    return ModelVersion.objects.create(project=cast.project, name=name, kind="api", location=name)


def form(model: ModelVersion, **changes: object) -> dict[str, object]:
    return {
        "model": model.pk,
        "engine": "server",
        "system": "",
        "prompt": "A or B?",
        "options": "A, B",
        "max_tokens": 8,
        "temperature": 0,
        "seed": "",
        **changes,
    }


def test_the_empty_page_says_how_to_begin(carol: Client) -> None:
    page = carol.get(INFERENCE).content.decode()
    assert "No server" in page
    assert "manage.py serve_model" in page
    assert "register one" in page
    assert "No usage yet" in page


def test_servers_are_shown_with_their_health(carol: Client, cast: Cast, settings: Settings) -> None:
    with ScriptedServer(model="served-model") as server:
        settings.INFERENCE_SERVERS = [server.url, f"http://127.0.0.1:{free_port()}"]
        page = carol.get(INFERENCE).content.decode()
        part = carol.get(INFERENCE, headers={"HX-Request": "true"}).content.decode()
    for text in (page, part):
        assert "served-model" in text
        assert "healthy" in text
        assert "not responding" in text
    assert "<html" not in part


def test_a_prompt_is_tried_and_its_answer_shown_as_harmless_text(
    carol: Client, cast: Cast, settings: Settings
) -> None:
    model = model_of(cast)
    with ScriptedServer() as server:
        settings.INFERENCE_SERVERS = [server.url]
        answer = carol.post(f"{INFERENCE}try", form(model, prompt=HOSTILE))
        trial = Trial.objects.get()
        assert answer["Location"] == f"{INFERENCE}trials/{trial.pk}/"
        waiting = carol.get(answer["Location"]).content.decode()
        assert "every 1s" in waiting
        done = run_job(Trial, trial.pk, try_prompt)
    assert done is not None
    assert (done.state, done.error) == (JobState.SUCCEEDED, "")
    assert sum(done.result["probabilities"]) == pytest.approx(1)
    page = carol.get(answer["Location"]).content.decode()
    assert "P(A)" in page
    assert "P(B)" in page
    assert "every 1s" not in page
    assert "<script>alert" not in page
    took = Usage.objects.get()
    assert (took.purpose, took.requests, took.failed) == ("playground", 2, 0)
    assert took.completion_tokens > 0


def test_an_answer_is_shown_as_markdown_without_anything_that_runs(
    carol: Client, cast: Cast
) -> None:
    trial = Trial.objects.create(
        project=cast.project,
        model_version=model_of(cast),
        engine="server",
        prompt="x",
        state=JobState.SUCCEEDED,
        result={
            "text": HOSTILE,
            "prompt_tokens": 1,
            "completion_tokens": 2,
            "finish_reason": "length",
            "logprob_sum": -1.0,
            "seconds": 0.1,
        },
    )
    page = carol.get(f"{INFERENCE}trials/{trial.pk}/").content.decode()
    assert "<strong>bold</strong>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page


def test_a_trial_without_a_server_says_so(carol: Client, cast: Cast) -> None:
    answer = carol.post(f"{INFERENCE}try", form(model_of(cast)))
    assert answer.status_code == 400
    assert "No inference server is running: start one" in answer.content.decode()
    assert not Trial.objects.exists()
    # A server that went away after it was asked for.
    trial = launch_trial(
        project=cast.project,
        model=model_of(cast, "gone"),
        engine="server",
        prompt="Hi",
        created_by=cast.carol,
    )
    done = run_job(Trial, trial.pk, try_prompt)
    assert done is not None
    assert done.state == JobState.FAILED
    page = carol.get(f"{INFERENCE}trials/{done.pk}/").content.decode()
    assert "no inference server is running: start one" in page


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"engine": "transformers"}, "only a server can run it"),
        ({"engine": "vllm"}, "only a server can run it"),
        ({"prompt": ""}, "This field is required"),
        ({"options": "A"}, "two are needed"),
        ({"options": "A, A"}, "given twice"),
        ({"temperature": 0.001}, "use 0 for greedy or at least 0.01"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"engine": "scripted"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_the_form(
    carol: Client, cast: Cast, changes: dict[str, object], complaint: str
) -> None:
    answer = carol.post(f"{INFERENCE}try", form(model_of(cast), **changes))
    assert answer.status_code == 400
    assert complaint in answer.content.decode()
    assert not Trial.objects.exists()


def test_a_model_of_another_project_cannot_be_tried(carol: Client, cast: Cast) -> None:
    strange = ModelVersion.objects.create(
        project=cast.elsewhere, name="theirs", kind="api", location="theirs"
    )
    assert carol.post(f"{INFERENCE}try", form(strange)).status_code == 400
    trial = Trial.objects.create(
        project=cast.elsewhere, model_version=strange, engine="server", prompt="secret"
    )
    assert carol.get(f"{INFERENCE}trials/{trial.pk}/").status_code == 404


def test_only_an_admin_stops_a_server(client: Client, cast: Cast) -> None:
    register_server(name="judge", location="m", url="http://127.0.0.1:9", model_version=None)
    client.force_login(cast.dan)
    assert "Stop judge" not in client.get(INFERENCE).content.decode()
    assert client.post(f"{INFERENCE}stop", {"name": "judge"}).status_code == 403
    assert not ModelServer.objects.get().stop_requested

    client.force_login(cast.carol)
    assert "Stop judge" in client.get(INFERENCE).content.decode()
    answer = client.post(f"{INFERENCE}stop", {"name": "judge"}, follow=True)
    assert "judge was asked to stop" in answer.content.decode()
    assert ModelServer.objects.get().stop_requested
    answer = client.post(f"{INFERENCE}stop", {"name": "nothing"}, follow=True)
    assert "No server named" in answer.content.decode()


def test_raters_and_seniors_do_not_see_the_page(client: Client, cast: Cast) -> None:
    for user in (cast.alice, cast.bob):
        client.force_login(user)
        assert client.get(INFERENCE).status_code == 403
        assert (
            'href="/projects/harbour/inference/"'
            not in client.get("/", follow=True).content.decode()
        )


def test_a_hub_that_is_not_asked_is_said_in_the_form_at_once(carol: Client) -> None:
    answer = carol.post(f"{MODELS}register", {"location": "org/model"})
    assert answer.status_code == 400
    said = answer.content.decode()
    assert "HF_HUB_OFFLINE is set" in said
    assert "give its path" in said
    assert not ModelRegistration.objects.exists()


def test_a_model_is_registered_from_its_page(
    carol: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable_hub(monkeypatch)
    answer = carol.post(f"{MODELS}register", {"location": " org/model ", "revision": "main"})
    assert answer["Location"] == MODELS
    job = ModelRegistration.objects.get()
    assert (job.location, job.revision, job.created_by) == ("org/model", "main", cast.carol)
    assert "Waiting for a worker" in carol.get(MODELS).content.decode()
    part = carol.get(MODELS, headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in part
    assert "<html" not in part


def test_consent_to_a_models_code_is_an_admins_to_give(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable_hub(monkeypatch)
    asked = {"location": "org/model", "consent": "on"}
    client.force_login(cast.dan)
    answer = client.post(f"{MODELS}register", asked)
    assert answer.status_code == 403
    assert "Only a project admin can allow" in answer.content.decode()
    assert not ModelRegistration.objects.exists()
    client.force_login(cast.carol)
    assert client.post(f"{MODELS}register", asked).status_code == 302
    assert ModelRegistration.objects.get().consent
    client.force_login(cast.bob)
    assert client.post(f"{MODELS}register", asked).status_code == 403


def test_a_folder_outside_the_models_folders_is_refused_in_the_form(carol: Client) -> None:
    answer = carol.post(f"{MODELS}register", {"location": "/etc"})
    assert answer.status_code == 400
    assert "is not inside a model folder" in answer.content.decode()


def test_an_admin_prices_a_model_and_usage_shows_the_cost(
    client: Client, cast: Cast, settings: Settings
) -> None:
    model = model_of(cast)
    page = f"{MODELS}{model.pk}/"
    prices = {"price_prompt": "999999", "price_completion": "0"}
    client.force_login(cast.dan)
    assert client.post(f"{page}prices", prices).status_code == 403
    assert "Per million input tokens" not in client.get(page).content.decode()
    client.force_login(cast.carol)
    assert client.post(f"{page}prices", {"price_prompt": "-1"}).status_code == 400
    assert client.post(f"{page}prices", prices).status_code == 302
    model.refresh_from_db()
    assert model.price_prompt == Decimal(999_999)
    with ScriptedServer() as server:
        settings.INFERENCE_SERVERS = [server.url]
        client.post(f"{INFERENCE}try", form(model))
        run_job(Trial, Trial.objects.get().pk, try_prompt)
    cost = Usage.objects.get().cost
    assert cost is not None
    assert cost > 0
    shown = client.get(INFERENCE).content.decode()
    assert re.search(rf"{cost:.4f}", shown)
