"""The pages of sampling runs: the form, what it refuses, what became of a run."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from corpus.models import ModelVersion, Pair, PairPolicy, Project, Prompt, SamplingRun
from corpus.registry import sandbox_model
from inference.engine import Request
from inference.errors import PromptTooLongError
from jobs.models import JobState
from tests.builders import Cast, make_cast, make_pair, make_prompt
from tests.serving.sampling import answer, do, launch, make_model, make_prompts

pytestmark = pytest.mark.django_db

PAGES = "/projects/harbour/sampling/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project


@pytest.fixture
def dan(client: Client, cast: Cast) -> Client:
    client.force_login(cast.dan)
    return client


def fields(project: Project, **changes: Any) -> dict[str, Any]:
    return {
        "models": [sandbox_model(project).pk],
        "engine": "transformers",
        "which": "without",
        "source": "",
        "domain": "",
        "limit": "",
        "completions_each": 2,
        "temperature": 1.0,
        "top_p": 1.0,
        "max_tokens": "",
        "seed": 0,
        "pair_policy": "all",
        "pairs_per_prompt": "",
        **changes,
    }


def test_a_project_without_prompts_is_led_to_where_they_are_added(dan: Client) -> None:
    for page in (PAGES, f"{PAGES}new", "/projects/harbour/prompts/"):
        text = dan.get(page).content.decode()
        assert "/projects/harbour/critique/#add-prompts" in text, page
    assert 'id="add-prompts"' in dan.get("/projects/harbour/critique/").content.decode()


def test_a_project_without_models_is_offered_the_one_that_is_shipped(
    dan: Client, project: Project
) -> None:
    make_prompts(project, 2)
    form = dan.get(f"{PAGES}new").context["form"]
    assert form.initial["models"] == ["shipped"]
    assert not ModelVersion.objects.exists()
    posted = fields(project, models=["shipped"])
    ModelVersion.objects.all().delete()
    page = dan.post(f"{PAGES}launch", posted)
    run = SamplingRun.objects.get()
    assert page.headers["Location"] == f"{PAGES}{run.pk}/"
    [model] = run.model_versions.all()
    assert model.sandbox
    # Room is left for the prompt in the small context of the sandbox model.
    assert (run.state, run.max_tokens, run.completions_each) == (JobState.QUEUED, 128, 2)


def test_the_form_begins_with_what_the_address_names(dan: Client, project: Project) -> None:
    prompt = make_prompt(project)
    Prompt.objects.filter(pk=prompt.pk).update(source="red team", domain="knots")
    model = make_model(project, "served")
    text = dan.get(f"{PAGES}new?source=red+team&domain=knots").content.decode()
    assert '<option value="=red team" selected>' in text
    assert '<option value="=knots" selected>' in text
    # A model that nothing here can open is not offered.
    form = dan.get(f"{PAGES}new?model={model.pk}").context["form"]
    assert str(model.pk) not in dict(form.fields["models"].choices)


def test_where_every_prompt_has_pairs_all_of_them_are_chosen_at_first(
    dan: Client, project: Project
) -> None:
    make_pair(project, 1)
    chosen = '<option value="all" selected>'
    assert chosen in dan.get(f"{PAGES}new").content.decode()
    make_prompt(project, "Alone?")
    assert chosen not in dan.get(f"{PAGES}new").content.decode()


def test_all_that_was_chosen_is_kept_with_the_run(dan: Client, project: Project) -> None:
    make_prompts(project, 3)
    Prompt.objects.update(source="", domain="knots")
    make_pair(project, 7)
    posted = fields(
        project,
        which="all",
        source="=",
        domain="=knots",
        limit=2,
        completions_each=3,
        temperature=0.5,
        top_p=0.9,
        max_tokens=40,
        seed=7,
        pair_policy="random",
        pairs_per_prompt=2,
    )
    dan.post(f"{PAGES}launch", posted)
    run = SamplingRun.objects.get()
    chosen = {key: run.selection[key] for key in ("source", "domain", "limit", "with_pairs")}
    assert chosen == {"source": "", "domain": "knots", "limit": 2, "with_pairs": True}
    assert (run.completions_each, run.temperature, run.top_p) == (3, 0.5, 0.9)
    assert (run.max_tokens, run.seed) == (40, 7)
    assert (run.pair_policy, run.pairs_per_prompt) == (PairPolicy.RANDOM, 2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": []}, "Choose at least one model."),
        ({"models": ["77"]}, "“77” is not a model of this project that can run here."),
        ({"temperature": 0}, "At temperature 0 all completions of a model are the same"),
        ({"temperature": 0.001}, "Enter 0 for greedy decoding, or at least 0.01."),
        ({"between_models": "on"}, "Choose at least two models for this."),
        ({"max_tokens": 512}, "leaves no room for a prompt in the 512 tokens of sandbox"),
        ({"engine": "server"}, "No inference server is running"),
        ({"source": "=nowhere"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    dan: Client, project: Project, changes: dict[str, Any], said: str
) -> None:
    make_prompts(project, 1)
    page = dan.post(f"{PAGES}launch", fields(project, **changes))
    assert page.status_code == 400
    assert said in page.content.decode()
    assert not SamplingRun.objects.exists()


def test_a_selection_without_prompts_is_refused(dan: Client, project: Project) -> None:
    make_pair(project, 1)
    page = dan.post(f"{PAGES}launch", fields(project))
    assert page.status_code == 400
    assert "harbour has no prompts without pairs that match." in page.content.decode()


def test_an_estimate_is_shown_above_the_form_and_launches_nothing(
    dan: Client, project: Project
) -> None:
    make_prompts(project, 3)
    ModelVersion.objects.filter(pk=sandbox_model(project).pk).update(price_completion=1)
    page = dan.post(f"{PAGES}launch", fields(project, estimate="1", max_tokens=100))
    text = page.content.decode()
    assert page.status_code == 200
    assert "6 completions for 3 prompts" in text
    assert "0.0006 " in text
    assert not SamplingRun.objects.exists()


def test_a_run_shows_what_came_of_it_and_why_requests_failed(dan: Client, project: Project) -> None:
    make_prompts(project, 4)

    def reply(request: Request, index: int) -> str:
        if "Question 1" in request.messages[-1].content:
            raise PromptTooLongError("request 0 has 900 prompt tokens")
        return answer(request, index)

    run = do(launch(project), reply)
    text = dan.get(f"{PAGES}{run.pk}/").content.decode()
    assert "The prompt is too long for the model&#x27;s context" in text
    assert f"batch=sampling-{run.pk}" in text
    assert "hx-trigger" not in text.split('id="run"')[1]
    listed = dan.get(PAGES).content.decode()
    assert f"{PAGES}{run.pk}/" in listed
    assert "succeeded" in listed


def test_a_run_is_cancelled_by_researchers_alone(
    client: Client, cast: Cast, project: Project
) -> None:
    make_prompts(project, 1)
    run = launch(project)
    client.force_login(cast.bob)
    assert "Cancel" not in client.get(f"{PAGES}{run.pk}/").content.decode()
    assert client.post(f"{PAGES}{run.pk}/cancel").status_code == 403
    client.force_login(cast.dan)
    assert "Cancel" in client.get(f"{PAGES}{run.pk}/").content.decode()
    assert client.post(f"{PAGES}{run.pk}/cancel").status_code == 302
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED


def test_a_page_that_watches_a_run_is_loaded_afresh_once_it_has_ended(
    dan: Client, project: Project
) -> None:
    make_prompts(project, 1)
    run = launch(project)
    polled = dan.get(f"{PAGES}{run.pk}/", headers={"HX-Request": "true"})
    assert "HX-Refresh" not in polled.headers
    do(run)
    polled = dan.get(f"{PAGES}{run.pk}/", headers={"HX-Request": "true"})
    assert polled.headers["HX-Refresh"] == "true"
    assert Pair.objects.filter(sampling_run=run).count() == 1
