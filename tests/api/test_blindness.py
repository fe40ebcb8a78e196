"""Nothing that a rater gets tells gold from production, or who wrote what."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.test import Client

from annotation.models import Rater, Slot
from annotation.queue.task_names import slot_id_of
from annotation.services import set_policy
from corpus.intake.identity import MASK
from corpus.models import Completion, ModelVersion
from tests.annotation.workshop import make_gold
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]


@pytest.fixture
def cast(client: Client) -> Cast:
    cast = make_cast()
    set_policy(
        project=cast.project,
        changes={"gold_share": 0.5, "repeat_share": 0, "recalibration_per_week": 0},
    )
    make_gold(cast.project, 30)
    for number in range(30):
        pair = make_pair(cast.project, number, slots=1)
        make_label(pair, make_rater(cast.project, f"secret rater {number}"), "both_bad")
    secret = ModelVersion.objects.create(project=cast.project, name="secret-model", kind="api")
    Completion.objects.update(model_version=secret)
    Rater.objects.filter(user=cast.alice).update(status=Rater.Status.ACTIVE)
    client.force_login(cast.alice)
    return cast


def test_tasks_of_every_purpose_look_alike(client: Client, cast: Cast) -> None:
    shapes: dict[str, set[str]] = {}
    for _ in range(40):
        answer = client.post("/api/projects/harbour/tasks/next", content_type="application/json")
        task = json.loads(answer.content)
        slot = Slot.objects.get(pk=slot_id_of(UUID(task["id"])) or 0)
        headers = {name: len(value) for name, value in answer.headers.items()}
        headers.pop("Content-Length", None)
        shapes.setdefault(slot.purpose, set()).add(json.dumps([sorted(task), headers]))
        text = answer.content.decode().lower()
        for word in ("gold", "purpose", "secret", "production", "both_bad", "because"):
            assert word not in text
        assert str(slot.pk) not in {task["id"], task["lease"]}
        sent = {"lease": task["lease"], "choice": "left", "seconds": 5}
        stored = client.post(
            f"/api/tasks/{task['id']}/label", json.dumps(sent), content_type="application/json"
        )
        assert set(json.loads(stored.content)) == {"id", "choice"}
    assert {Slot.Purpose.GOLD, Slot.Purpose.PRODUCTION} <= set(shapes)
    assert len(set.union(*shapes.values())) == 1, "one shape for all purposes"


def test_the_page_shows_no_difference_either(client: Client, cast: Cast) -> None:
    for _ in range(12):
        page = client.get("/projects/harbour/label/").content.decode().lower()
        card = page[page.index('id="task"') :]
        for word in ("gold", "secret", "production", "overlap"):
            assert word not in card
        slot = Slot.objects.get(rater__user=cast.alice, state="leased")
        fields = {"lease": str(slot.lease), "choice": "equal"}
        name = card.split('data-task="')[1].split('"')[0]
        client.post("/projects/harbour/label/submit", {"task": name, **fields})


def test_names_of_models_are_masked_before_they_are_shown(client: Client, cast: Cast) -> None:
    Completion.objects.update(text="I am ChatGPT, a model trained by OpenAI.")
    page = client.get("/projects/harbour/label/").content.decode()
    assert "ChatGPT" not in page
    assert "OpenAI" not in page
    assert page.count(MASK) >= 4
