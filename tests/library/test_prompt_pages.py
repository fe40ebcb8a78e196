"""The pages of prompts: all of them, filtered and page by page, and one with its answers."""

from __future__ import annotations

import pytest
from django.test import Client

from annotation.services import claim_next_slot
from corpus.models import Prompt
from library.prompts import views
from tests.builders import Cast, make_cast, make_completion, make_pair, make_prompt, rater_for
from tests.serving.sampling import do, launch, make_prompts

pytestmark = pytest.mark.django_db

PAGE = "/projects/harbour/prompts/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def dan(client: Client, cast: Cast) -> Client:
    client.force_login(cast.dan)
    return client


def shown(client: Client, query: str = "") -> list[str]:
    rows = client.get(f"{PAGE}{query}").context["rows"]
    return [str(row.prompt) for row in rows]


def test_prompts_are_listed_newest_first_with_their_completions_and_pairs(
    dan: Client, cast: Cast
) -> None:
    make_pair(cast.project, 1)
    alone = make_prompt(cast.project, "Alone?")
    make_completion(alone, "One answer.")
    make_prompt(cast.elsewhere, "Of others?")
    rows = dan.get(PAGE).context["rows"]
    assert [(str(row.prompt), row.completions, row.pairs) for row in rows] == [
        ("Alone?", 1, 0),
        ("Question 1?", 2, 1),
    ]


def test_prompts_are_filtered_by_source_domain_and_lack_of_pairs(dan: Client, cast: Cast) -> None:
    make_pair(cast.project, 0)
    make_prompts(cast.project, 0)
    for number in (1, 2, 3):
        prompt = make_prompt(cast.project, f"Question {number}?")
        Prompt.objects.filter(pk=prompt.pk).update(
            source="a" if number < 3 else "", domain="x" if number == 1 else "y"
        )
    assert shown(dan, "?source=%3Da") == ["Question 2?", "Question 1?"]
    assert shown(dan, "?source=%3D") == ["Question 3?", "Question 0?"]
    assert shown(dan, "?source=%3Da&domain=%3Dy") == ["Question 2?"]
    assert shown(dan, "?source=%3D&without_pairs=on") == ["Question 3?"]
    refused = dan.get(f"{PAGE}?source=nowhere")
    assert refused.status_code == 400
    assert "Select a valid choice" in refused.content.decode()


def test_pages_go_on_by_the_last_prompt_and_back_again(
    dan: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PROMPTS_A_PAGE", 3)
    make_prompts(cast.project, 8)
    page = dan.get(PAGE)
    seen = [str(row.prompt) for row in page.context["rows"]]
    assert page.context["newer"] == ""
    while page.context["older"]:
        page = dan.get(f"{PAGE}?{page.context['older']}")
        seen += [str(row.prompt) for row in page.context["rows"]]
    assert seen == [f"Question {number}?" for number in reversed(range(8))]
    back = dan.get(f"{PAGE}?{page.context['newer']}")
    assert [str(row.prompt) for row in back.context["rows"]] == seen[3:6]
    first = dan.get(f"{PAGE}?{back.context['newer']}")
    assert [str(row.prompt) for row in first.context["rows"]] == seen[:3]
    assert first.context["newer"] == ""
    assert dan.get(f"{PAGE}?before=1{'0' * 30}").status_code == 200


def test_a_prompt_shows_its_completions_with_their_models_and_its_pairs(
    dan: Client, cast: Cast
) -> None:
    make_prompts(cast.project, 1)
    run = do(launch(cast.project))
    prompt = Prompt.objects.get()
    text = dan.get(f"{PAGE}{prompt.pk}/").content.decode()
    pair = prompt.pairs.get()
    assert f"/projects/harbour/pairs/{pair.pk}/" in text
    assert f"/projects/harbour/sampling/{run.pk}/" in text
    assert pair.first.text in text
    assert "temperature 1.0" in text


def test_a_prompt_of_another_project_is_not_found(dan: Client, cast: Cast) -> None:
    prompt = make_prompt(cast.elsewhere)
    assert dan.get(f"{PAGE}{prompt.pk}/").status_code == 404


def test_who_labels_a_pair_of_a_prompt_cannot_open_it_meanwhile(client: Client, cast: Cast) -> None:
    pair = make_pair(cast.project, 1, slots=1)
    assert claim_next_slot(rater=rater_for(cast.bob, cast.project)) is not None
    client.force_login(cast.bob)
    text = client.get(f"{PAGE}{pair.prompt_id}/").content.decode()
    assert "You are labelling this pair" in text
    assert pair.first.text not in text
