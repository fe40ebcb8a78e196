"""The labelling page without a browser: what it shows, hides and answers."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from annotation.models import Label, Skip, Slot
from annotation.queue.task_names import task_name
from corpus.models import ModelVersion
from tests.builders import Cast, make_cast, make_completion, make_pair
from tests.web.hostile import HOSTILE

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(client: Client) -> Cast:
    cast = make_cast()
    client.force_login(cast.alice)
    return cast


def post(client: Client, action: str, slot: Slot, **fields: object) -> tuple[int, str]:
    answer = client.post(
        f"/projects/harbour/label/{action}",
        {"task": str(task_name(slot.pk)), "lease": str(slot.lease), **fields},
        headers={"HX-Request": "true"},
    )
    return answer.status_code, answer.content.decode()


def open_page(client: Client) -> str:
    return client.get("/projects/harbour/label/").content.decode()


def held(cast: Cast) -> Slot:
    return Slot.objects.get(rater__user=cast.alice, state=Slot.State.LEASED)


def test_the_page_betrays_neither_model_nor_purpose_nor_order(client: Client, cast: Cast) -> None:
    pair = make_pair(cast.project, slots=1)
    secret = ModelVersion.objects.create(project=cast.project, name="secret-model", kind="api")
    make_completion(pair.prompt, "By a secret model.", secret)
    Slot.objects.update(purpose=Slot.Purpose.GOLD)

    page = open_page(client)

    assert "First answer 0." in page
    for word in ("secret-model", "gold", "first_is_left", "first-", "production"):
        assert word not in page.replace("First answer", "")


def test_the_stored_order_decides_the_sides(client: Client, cast: Cast) -> None:
    make_pair(cast.project, slots=1)
    for first_is_left in (True, False):
        Slot.objects.update(first_is_left=first_is_left)
        page = open_page(client)
        assert (page.index("First answer") < page.index("Second answer")) == first_is_left


def test_a_label_is_stored_and_the_next_card_comes_back(client: Client, cast: Cast) -> None:
    make_pair(cast.project, 1, slots=1)
    make_pair(cast.project, 2, slots=1)
    open_page(client)
    slot = held(cast)
    Slot.objects.filter(pk=slot.pk).update(first_is_left=False)

    status, card = post(client, "submit", slot, choice="left", seconds="3.5", comment=" clear ")

    label = Label.objects.get()
    assert (label.choice, label.seconds, label.comment) == ("second", 3.5, "clear")
    assert status == 200
    assert "<html" not in card
    assert f'data-task="{task_name(held(cast).pk)}"' in card
    assert held(cast).pk != slot.pk


def test_a_form_sent_without_scripts_is_answered_by_the_whole_page(
    client: Client, cast: Cast
) -> None:
    make_pair(cast.project, slots=1)
    open_page(client)
    slot = held(cast)
    sent = {"task": str(task_name(slot.pk)), "lease": str(slot.lease), "choice": "left"}

    page = client.post("/projects/harbour/label/submit", sent).content.decode()
    paused = client.post("/projects/harbour/label/pause").content.decode()

    assert Label.objects.count() == 1
    assert "<html" in page
    assert "Nothing left to label" in page
    assert "<html" in paused
    assert "data-paused" in paused


def test_a_second_tab_is_told_and_changes_nothing(client: Client, cast: Cast) -> None:
    make_pair(cast.project, slots=1)
    open_page(client)
    slot = held(cast)
    post(client, "submit", slot, choice="left")

    status, card = post(client, "submit", slot, choice="right")

    assert status == 409
    assert 'data-code="already_labelled"' in card
    assert Label.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"choice": "middle"}, 400, "invalid_label"),
        ({"choice": "left", "seconds": "-1"}, 400, "invalid_label"),
        ({"choice": "left", "seconds": "soon"}, 400, "invalid_label"),
        ({"choice": "left", "comment": "x" * 5001}, 400, "invalid_label"),
        ({"choice": "left", "lease": "not-a-uuid"}, 409, "not_your_task"),
        ({"choice": "left", "task": "9" * 30}, 409, "not_your_task"),
    ],
)
def test_bad_input_is_told_and_changes_nothing(
    client: Client, cast: Cast, fields: dict[str, str], status: int, code: str
) -> None:
    make_pair(cast.project, slots=1)
    open_page(client)
    slot = held(cast)

    answered, card = post(client, "submit", slot, **fields)

    assert answered == status
    assert f'data-code="{code}"' in card
    assert Label.objects.count() == 0
    assert held(cast) == slot


def test_skip_needs_a_reason_and_brings_the_next(client: Client, cast: Cast) -> None:
    make_pair(cast.project, slots=1)
    open_page(client)
    slot = held(cast)
    assert post(client, "skip", slot, reason="bored")[0] == 409
    assert Skip.objects.count() == 0

    status, card = post(client, "skip", slot, reason="unclear")

    assert status == 200
    assert "data-empty" in card
    assert Skip.objects.get().reason == "unclear"
    slot.refresh_from_db()
    assert slot.state == Slot.State.OPEN


def test_undo_shows_what_was_pressed_and_the_correction_supersedes(
    client: Client, cast: Cast
) -> None:
    make_pair(cast.project, slots=1)
    open_page(client)
    post(client, "submit", held(cast), choice="left", comment="first thought")

    card = client.post("/projects/harbour/label/undo").content.decode()

    assert "A is better”" in card
    assert 'value="first thought"' in card
    assert Label.objects.effective().count() == 0
    post(client, "submit", held(cast), choice="right")
    assert Label.objects.effective().count() == 1
    assert Label.objects.count() == 3
    assert client.post("/projects/harbour/label/undo").status_code == 200


def test_undo_without_a_label_is_told(client: Client, cast: Cast) -> None:
    answer = client.post("/projects/harbour/label/undo")

    assert answer.status_code == 409
    assert 'data-code="nothing_to_undo"' in answer.content.decode()


def test_hostile_texts_reach_the_page_harmless(client: Client, cast: Cast) -> None:
    for number, text in enumerate(HOSTILE):
        make_pair(cast.project, number, first=text, second=f"plain {number}", slots=1)
    for _ in HOSTILE:
        page = open_page(client)
        body = page[page.index('id="task"') :]
        assert not re.search(r"<(script|img|iframe|svg on|style|object|form[^>]*evil)", body)
        assert not re.search(r'(href|src)="\s*(javascript|data|vbscript):', body, re.IGNORECASE)
        assert not re.search(r"<[a-z][^>]*\son\w+=", body)
        post(client, "submit", held(cast), choice="equal")
    assert Label.objects.count() == len(HOSTILE)
