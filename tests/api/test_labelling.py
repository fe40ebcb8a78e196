"""The labelling operations as a program sees them: statuses, codes, and nothing given away."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.authtoken.models import Token

from annotation.models import Label, Rater, Skip, Slot
from annotation.queue.task_names import task_name
from tests.builders import Cast, make_cast, make_pair, rater_for

pytestmark = [
    pytest.mark.django_db,
    # Static files are collected at installation, not for tests of the API.
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

NEXT = "/api/projects/harbour/tasks/next"
UNDO = "/api/projects/harbour/tasks/undo"


class Program:
    """A client that carries one user's token and speaks JSON."""

    def __init__(self, user: User | None) -> None:
        headers = (
            {"Authorization": f"Token {Token.objects.create(user=user).key}"} if user else None
        )
        self.client = Client(headers=headers, raise_request_exception=False)

    def post(self, address: str, body: Any = None) -> tuple[int, Any]:
        return self.send(address, json.dumps(body) if body is not None else "")

    def send(
        self, address: str, raw: str, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        reply = self.client.post(address, raw, content_type=content_type)
        return reply.status_code, json.loads(reply.content) if reply.content else None

    def task(self) -> dict[str, Any]:
        status, task = self.post(NEXT)
        assert status == 200
        assert isinstance(task, dict)
        return task

    def label(self, task: dict[str, Any], **body: Any) -> tuple[int, Any]:
        sent = {"lease": task["lease"], "choice": "left"} | body
        return self.post(f"/api/tasks/{task['id']}/label", sent)


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    for number in range(3):
        make_pair(cast.project, number, slots=2)
    return cast


@pytest.fixture
def alice(cast: Cast) -> Program:
    return Program(cast.alice)


def test_a_task_shows_texts_and_lease_and_nothing_that_could_sway(alice: Program) -> None:
    task = alice.task()
    assert set(task) == {"id", "lease", "lease_expires_at", "prompt", "left", "right"}
    assert task["prompt"] == [{"role": "user", "content": "Question 0?"}]
    assert {task["left"], task["right"]} == {"First answer 0.", "Second answer 0."}


@pytest.mark.parametrize("first_is_left", [True, False])
def test_the_sides_are_those_of_the_slot_and_the_choice_follows(
    alice: Program, first_is_left: bool
) -> None:
    Slot.objects.update(first_is_left=first_is_left)
    task = alice.task()
    assert task["left"] == ("First answer 0." if first_is_left else "Second answer 0.")
    status, body = alice.label(task, choice="left", seconds=4.5, comment="clear", strength=3)
    assert status == 201
    assert body["choice"] == "left"
    label = Label.objects.get(pk=body["id"])
    assert label.choice == ("first" if first_is_left else "second")
    assert (label.seconds, label.comment, label.strength) == (4.5, "clear", 3)


def test_labelling_goes_on_until_nothing_is_left(alice: Program) -> None:
    for _ in range(3):
        assert alice.label(alice.task())[0] == 201
    assert alice.post(NEXT) == (204, None)


def test_the_same_task_comes_until_it_is_labelled(alice: Program) -> None:
    one, again = alice.task(), alice.task()
    assert (one["id"], one["lease"]) == (again["id"], again["lease"])


def test_a_second_submit_is_a_conflict_and_changes_nothing(alice: Program) -> None:
    task = alice.task()
    assert alice.label(task)[0] == 201
    before = list(Label.objects.values())
    status, error = alice.label(task, choice="both_bad")
    assert (status, error["code"]) == (409, "already_labelled")
    assert list(Label.objects.values()) == before


def test_anothers_task_and_a_strange_lease_are_conflicts(alice: Program, cast: Cast) -> None:
    task = alice.task()
    for status, error in (
        Program(cast.bob).label(task),
        alice.label(task, lease=str(uuid.uuid4())),
    ):
        assert (status, error["code"]) == (409, "not_your_task")
        assert error["message"]
    assert not Label.objects.exists()


def test_a_lease_that_ran_out_is_a_conflict(alice: Program) -> None:
    task = alice.task()
    Slot.objects.filter(state="leased").update(lease_expires_at="2020-01-01T00:00:00Z")
    status, error = alice.label(task)
    assert (status, error["code"]) == (409, "lease_expired")


def test_skip_extend_and_undo(alice: Program) -> None:
    task = alice.task()
    address = f"/api/tasks/{task['id']}"
    status, extended = alice.post(f"{address}/extend", {"lease": task["lease"]})
    assert status == 200
    assert extended["lease_expires_at"] > task["lease_expires_at"]
    skip = {"lease": task["lease"], "reason": "pii"}
    assert alice.post(f"{address}/skip", skip) == (204, None)
    assert Skip.objects.get().reason == "pii"
    assert alice.post(f"{address}/skip", skip)[1]["code"] == "not_your_task"
    other = alice.task()
    assert other["id"] != task["id"]
    assert alice.label(other)[0] == 201
    status, held = alice.post(UNDO)
    assert (status, held["id"]) == (200, other["id"])
    assert not Label.objects.effective().exists()
    assert alice.label(held, choice="equal")[0] == 201
    assert Label.objects.effective().get().choice == "equal"


def test_undo_without_a_label_is_a_conflict(alice: Program) -> None:
    status, error = alice.post(UNDO)
    assert (status, error["code"]) == (409, "nothing_to_undo")


def addresses(task_id: int) -> list[str]:
    return [NEXT, UNDO, *(f"/api/tasks/{task_id}/{verb}" for verb in ("label", "skip", "extend"))]


def test_the_anonymous_are_asked_who_they_are(alice: Program) -> None:
    for address in addresses(alice.task()["id"]):
        status, error = Program(None).post(address, {})
        assert (status, error["code"]) == (401, "not_authenticated"), address


def test_a_wrong_token_is_refused(alice: Program) -> None:
    stranger = Program(None)
    stranger.client = Client(headers={"Authorization": "Token " + "0" * 40})
    status, error = stranger.post(NEXT)
    assert (status, error["code"]) == (401, "authentication_failed")


def test_a_project_of_others_does_not_exist(alice: Program, cast: Cast) -> None:
    charlie = Program(cast.charlie)
    for address in addresses(alice.task()["id"]):
        status, error = charlie.post(address, {})
        assert (status, error["code"]) == (404, "not_found"), address
    unknown = charlie.post("/api/projects/nowhere/tasks/next")
    assert unknown == charlie.post(NEXT), "the answer does not tell whether there is one"


def test_a_task_that_does_not_exist_is_not_found(alice: Program) -> None:
    for name in (task_name(10**6), task_name(2**63 - 1), uuid.uuid4(), uuid.UUID(int=0)):
        status, error = alice.post(f"/api/tasks/{name}/label", {})
        assert (status, error["code"]) == (404, "not_found"), name


def test_a_researcher_is_told_that_the_role_may_not(alice: Program, cast: Cast) -> None:
    dan = Program(cast.dan)
    for address in addresses(alice.task()["id"]):
        status, error = dan.post(address, {})
        assert (status, error["code"]) == (403, "permission_denied"), address
        assert "researcher" in error["message"]


def test_a_suspended_rater_is_refused(alice: Program, cast: Cast) -> None:
    rater = rater_for(cast.alice, cast.project)
    rater.status = Rater.Status.SUSPENDED
    rater.save()
    status, error = alice.post(NEXT)
    assert (status, error["code"]) == (403, "not_a_rater")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("{", "parse_error"),
        ("", "invalid"),
        ("[]", "invalid"),
        ('"left"', "invalid"),
        ("null", "invalid"),
        ('{"lease": NaN}', "parse_error"),
        ("\x00", "parse_error"),
        ("[" * 100_000, "parse_error"),
    ],
)
def test_garbage_is_a_bad_request(alice: Program, raw: str, code: str) -> None:
    status, error = alice.send(f"/api/tasks/{alice.task()['id']}/label", raw)
    assert (status, error["code"]) == (400, code)
    assert error["message"]


def test_another_content_type_is_refused(alice: Program) -> None:
    address = f"/api/tasks/{alice.task()['id']}/label"
    status, error = alice.send(address, "choice=left", "application/x-www-form-urlencoded")
    assert (status, error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "wrong",
    [
        {"lease": "no uuid"},
        {"lease": None},
        {"lease": 7.5},
        {"choice": "first"},
        {"choice": None},
        {"choice": ["left"]},
        {"seconds": -1},
        {"seconds": "nan"},
        {"seconds": "inf"},
        {"seconds": 1e300},
        {"seconds": 10**400},
        {"seconds": {}},
        {"comment": "x" * 5_001},
        {"comment": "\x00"},
        {"comment": "\ud800"},
        {"comment": ["list"]},
        {"strength": 0},
        {"strength": 4},
        {"strength": 10**30},
        {"strength": "strong"},
    ],
    ids=lambda wrong: repr(wrong)[:40],
)
def test_a_wrong_value_is_a_bad_request_that_keeps_the_task(
    alice: Program, wrong: dict[str, Any]
) -> None:
    task = alice.task()
    status, error = alice.label(task, **wrong)
    assert status == 400
    assert error["code"] in {"invalid", "invalid_label"}
    assert error["message"]
    assert not Label.objects.exists()
    assert alice.label(task)[0] == 201


def test_a_missing_field_is_named(alice: Program) -> None:
    status, error = alice.post(f"/api/tasks/{alice.task()['id']}/label", {})
    assert (status, error["code"]) == (400, "invalid")
    assert set(error["fields"]) == {"lease", "choice"}


def test_a_session_needs_the_csrf_token(cast: Cast) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.alice)
    reply = browser.post(NEXT)
    assert reply.status_code == 403
    assert "CSRF" in reply.json()["message"]


def test_reading_does_not_claim(alice: Program) -> None:
    assert alice.client.get(NEXT).status_code == 405
    assert not Slot.objects.filter(state=Slot.State.LEASED).exists()
