"""Pairs over REST: read by keyset, created in bulk and only once, withdrawn, asked for, picked."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from annotation.models import GoldPair, Label, Slot
from annotation.services import claim_next_slot
from corpus.models import IdempotentCall, IntakePolicy, ModelVersion, Pair, PairSet
from library.pairs.creating import KEPT_FOR, OtherBodyError, create_pairs
from tests.builders import (
    Cast,
    make_cast,
    make_gold,
    make_label,
    make_pair,
    make_rater,
    rater_for,
)

pytestmark = pytest.mark.django_db

API = "/api/projects/harbour/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def sent(number: int, **more: Any) -> dict[str, Any]:
    return {
        "prompt": f"Question {number}?",
        "response_a": f"First {number}.",
        "response_b": f"Second {number}.",
        **more,
    }


def create(client: APIClient, pairs: list[Any], key: str = "one") -> Any:
    return client.post(
        f"{API}pairs", {"pairs": pairs}, format="json", headers={"Idempotency-Key": key}
    )


def test_pairs_are_read_page_by_page_while_others_come_in(cast: Cast) -> None:
    for number in range(5):
        make_pair(cast.project, number)
    client = client_of(cast.dan)
    page = client.get(f"{API}pairs?limit=2").json()
    asked = [page]
    while asked[-1]["next"]:
        make_pair(cast.project, 100 + len(asked))
        asked.append(client.get(asked[-1]["next"]).json())
    texts = [row["prompt"]["messages"][0]["content"] for page in asked for row in page["results"]]
    assert texts == [f"Question {number}?" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "position",
    ["nonsense", "p=abc", "p=-1", "p=%00", "p=\\ud800", "p=" + "9" * 30, "r=1&p=2020-01-01"],
)
@pytest.mark.parametrize("page", ["pairs", "prompts", "completions", "pair-sets"])
def test_a_cursor_that_is_none_is_no_page(cast: Cast, page: str, position: str) -> None:
    cursor = b64encode(position.encode()).decode()
    answer = client_of(cast.dan).get(f"{API}{page}", {"cursor": cursor})
    assert answer.status_code == (200 if position == "nonsense" else 404), answer.content


def test_a_pair_is_told_with_its_texts_labels_and_settled_gold(cast: Cast) -> None:
    pair = make_pair(cast.project, 1, slots=1)
    make_label(pair, make_rater(cast.project, "ann"), "first")
    gold = make_gold(pair, "second", state=GoldPair.State.CONTESTED)
    client = client_of(cast.bob)
    told = client.get(f"{API}pairs/{pair.pk}").json()
    assert told["first"]["text"] == "First answer 1."
    assert told["state"] == "waiting"
    assert told["agreement"] == "one"
    assert told["labels"] == 1
    assert told["labels_in_force"][0]["rater"] == "ann"
    assert told["gold"] is None
    gold.state = GoldPair.State.SETTLED
    gold.save()
    told = client.get(f"{API}pairs/{pair.pk}").json()
    assert (told["gold"], told["state"]) == ("second", "gold")
    theirs = make_pair(cast.elsewhere, 1)
    assert client.get(f"{API}pairs/{theirs.pk}").status_code == 404


def test_whoever_is_labelling_a_pair_does_not_read_what_others_said(cast: Cast) -> None:
    pair = make_pair(cast.project, 1, slots=1)
    assert claim_next_slot(rater=rater_for(cast.bob, cast.project)) is not None
    answer = client_of(cast.bob).get(f"{API}pairs/{pair.pk}")
    assert answer.status_code == 403
    assert "You are labelling this pair" in answer.json()["message"]


def test_the_filters_are_those_of_the_page(cast: Cast) -> None:
    pairs = [make_pair(cast.project, number, slots=number % 2) for number in range(4)]
    client = client_of(cast.dan)

    def found(query: str) -> list[int]:
        return [row["id"] for row in client.get(f"{API}pairs?{query}").json()["results"]]

    assert found("state=waiting") == [pairs[3].pk, pairs[1].pk]
    assert found("q=answer+3") == [pairs[3].pk]
    assert found("state=waiting&q=question+1") == [pairs[1].pk]
    assert found("import=7") == []
    for query in ("state=nonsense", "import=x", "picked=1", "agreement=perhaps"):
        assert client.get(f"{API}pairs?{query}").status_code == 400, query


def test_prompts_and_completions_are_listed(cast: Cast) -> None:
    pair, other = make_pair(cast.project, 1), make_pair(cast.project, 2)
    make_pair(cast.elsewhere, 3)
    model = ModelVersion.objects.create(project=cast.project, name="m", kind="api")
    pair.first.model_version = model
    pair.first.save()
    other.prompt.domain = "law"
    other.prompt.save()
    client = client_of(cast.dan)
    prompts = client.get(f"{API}prompts").json()["results"]
    assert [row["id"] for row in prompts] == [other.prompt_id, pair.prompt_id]
    law = client.get(f"{API}prompts?domain=law").json()["results"]
    assert [row["id"] for row in law] == [other.prompt_id]
    assert len(client.get(f"{API}completions").json()["results"]) == 4
    of_one = client.get(f"{API}completions?prompt={pair.prompt_id}&model=m").json()["results"]
    assert [(row["id"], row["model"]) for row in of_one] == [(pair.first_id, "m")]
    assert client.get(f"{API}completions?prompt=x").status_code == 400


# --- Creating


def test_pairs_are_created_with_labels_and_gold_and_each_is_answered_alone(cast: Cast) -> None:
    there = make_pair(cast.project, 9, prompt="Question 9?", first="First 9.", second="Second 9.")
    client = client_of(cast.dan)
    answer = create(
        client,
        [
            sent(
                1,
                id="row-1",
                domain="law",
                thread=7,
                gold="a",
                labels=[{"rater": "ann", "choice": "b", "strength": 2}],
            ),
            sent(9),
            sent(2, response_b="First 2."),
            "no object",
            {"prompt": "Only this?"},
            sent(3),
            sent(3),
        ],
    )
    assert answer.status_code == 200
    told = answer.json()
    assert {name: told[name] for name in ("created", "duplicates", "refused", "labels_added")} == {
        "created": 2,
        "duplicates": 2,
        "refused": 3,
        "labels_added": 1,
    }
    results = told["results"]
    assert [row["status"] for row in results] == [
        *("created", "duplicate", "refused", "refused", "refused", "created", "duplicate"),
    ]
    assert [row["index"] for row in results] == list(range(7))
    assert results[1]["pair"] == there.pk
    assert results[5]["pair"] == results[6]["pair"]
    assert "identical" in results[2]["reason"]
    assert results[3]["reason"] == "is not an object"
    assert "response_a" in results[4]["reason"]

    pair = Pair.objects.get(pk=results[0]["pair"])
    assert (pair.external_id, pair.metadata, pair.prompt.domain) == ("row-1", {"thread": 7}, "law")
    assert pair.gold.choice == "first"
    assert Label.objects.get(pair=pair).choice == "second"
    assert Slot.objects.filter(pair=results[5]["pair"]).exists()


def test_a_call_that_is_sent_again_is_answered_as_before(cast: Cast) -> None:
    client = client_of(cast.dan)
    first = create(client, [sent(1), "wrong"]).json()
    assert create(client, [sent(1), "wrong"]).json() == first
    assert Pair.objects.count() == 1
    other = create(client, [sent(2)])
    assert other.status_code == 409
    assert other.json()["code"] == "idempotency_key_reused"
    assert Pair.objects.count() == 1
    # Another's key is another key, and a new key finds what is there.
    assert create(client_of(cast.carol), [sent(2)]).json()["created"] == 1
    assert create(client, [sent(1)], key="two").json()["duplicates"] == 1


def test_an_answer_is_kept_for_a_while(cast: Cast) -> None:
    client = client_of(cast.dan)
    create(client, [sent(1)])
    IdempotentCall.objects.update(created_at=timezone.now() - KEPT_FOR)
    again = create(client, [sent(1)]).json()
    assert (again["created"], again["duplicates"]) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_the_same_call_twice_at_once_creates_once(cast: Cast) -> None:
    answers: list[Any] = []
    faults: list[BaseException] = []
    together = threading.Barrier(4)

    def send(number: int) -> None:
        try:
            together.wait()
            pairs = [sent(n) for n in range(20 if number < 3 else 10)]
            answers.append(
                create_pairs(project=cast.project, user=cast.dan, key="same", pairs=pairs)
            )
        except BaseException as error:  # noqa: BLE001  # told below, in the test's own thread
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(fault, OtherBodyError) for fault in faults)
    assert len(faults) in (1, 3)
    assert len({answer["created"] for answer in answers}) == 1
    assert Pair.objects.count() == answers[0]["created"]


@pytest.mark.parametrize("key", ["", " ", "k" * 201, "a\u200bb"])
def test_a_key_that_is_none_is_refused(cast: Cast, key: str) -> None:
    answer = client_of(cast.dan).post(
        f"{API}pairs", {"pairs": [sent(1)]}, format="json",
        headers={"Idempotency-Key": key.encode().decode("latin-1")},
    )  # fmt: skip
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["message"]
    assert not Pair.objects.exists()


@pytest.mark.parametrize(
    "body", [[], {}, {"pairs": []}, {"pairs": {}}, {"pairs": None}, {"pairs": [1] * 1001}, "x", 7]
)
def test_a_body_that_is_none_is_refused(cast: Cast, body: Any) -> None:
    answer = client_of(cast.dan).post(
        f"{API}pairs", body, format="json", headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 400
    assert "a list of 1 to 1,000 objects" in answer.json()["message"]


def test_what_cannot_be_stored_is_refused_by_itself(cast: Cast) -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"deeper": deep}
    pairs = [
        sent(1, response_a="a\0b"),
        sent(2, prompt="\ud800"),
        sent(3, sampling_a=deep),
        sent(4, id="x" * 300),
        sent(5, labels=[{"rater": "ann", "choice": "c"}]),
        sent(6),
    ]
    body = json.dumps({"pairs": pairs})
    answer = client_of(cast.dan).post(
        f"{API}pairs", body, content_type="application/json", headers={"Idempotency-Key": "k"}
    )
    told = answer.json()
    assert [row["status"] for row in told["results"]] == ["refused"] * 5 + ["created"]
    assert all(row["reason"] for row in told["results"][:5])


def test_a_number_beyond_any_spoils_no_other_pair(cast: Cast) -> None:
    odd = json.dumps(sent(1))[:-1] + ', "margin": 1e999}'
    answer = client_of(cast.dan).post(
        f"{API}pairs",
        f'{{"pairs": [{odd}, {json.dumps(sent(2))}, 1e999]}}',
        content_type="application/json",
        headers={"Idempotency-Key": "one"},
    )
    assert answer.status_code == 200, answer.content
    assert [row["status"] for row in answer.json()["results"]] == ["created", "created", "refused"]


def test_a_body_that_is_too_long_is_refused_in_words(cast: Cast, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    answer = create(client_of(cast.dan), [sent(1, metadata={"note": "x" * 1_000})])
    assert (answer.status_code, answer.json()["code"]) == (413, "too_long")
    assert answer.json()["message"] == "The body is longer than 1,000 bytes; send less at once."


def test_what_comes_in_is_redacted_as_the_project_wants(cast: Cast) -> None:
    IntakePolicy.objects.create(project=cast.project, redact_pii=True)
    told = create(client_of(cast.dan), [sent(1, prompt="Write to kim@example.org?")]).json()
    pair = Pair.objects.get(pk=told["results"][0]["pair"])
    assert "kim@example.org" not in pair.prompt.messages[0]["content"]


# --- Roles, and what is done with some


@pytest.mark.parametrize(
    ("who", "read", "make", "withdraw", "ask"),
    [
        ("alice", 403, 403, 403, 403),
        ("bob", 200, 403, 200, 200),
        ("carol", 200, 200, 200, 200),
        ("dan", 200, 200, 403, 200),
        ("charlie", 404, 404, 404, 404),
    ],
)
def test_each_role_does_what_it_may(
    cast: Cast, who: str, read: int, make: int, withdraw: int, ask: int
) -> None:
    pair = make_pair(cast.project, 1)
    client = client_of(User.objects.get(username=who))
    for path in ("pairs", f"pairs/{pair.pk}", "prompts", "completions", "pair-sets"):
        assert client.get(API + path).status_code == read, path
    assert create(client, [sent(1)]).status_code == make
    body = {"pairs": [pair.pk]}
    picked = client.post(f"{API}pair-sets", body, format="json").status_code
    assert picked == (201 if make == 200 else make)
    for path in ("withdraw", "restore"):
        assert client.post(f"{API}pairs/{path}", body, format="json").status_code == withdraw
    asked = client.post(f"{API}pairs/ask", {**body, "more": 1}, format="json")
    assert asked.status_code == ask


def test_pairs_are_withdrawn_restored_and_asked_about_by_id_or_filter(cast: Cast) -> None:
    pairs = [make_pair(cast.project, number, slots=1) for number in range(3)]
    client = client_of(cast.carol)

    def post(path: str, body: dict[str, Any]) -> Any:
        return client.post(f"{API}pairs/{path}", body, format="json").json()

    assert post("withdraw", {"filter": {"q": "question 1"}}) == {"chosen": 1, "changed": 1}
    assert post("withdraw", {"pairs": [pairs[1].pk]}) == {"chosen": 1, "changed": 0}
    assert post("ask", {"filter": {}, "more": 2}) == {
        "pairs": 2, "labels": 2, "waiting": 0, "held_back": 1,
    }  # fmt: skip
    assert post("restore", {"filter": {"state": "held_back"}}) == {"chosen": 1, "changed": 1}
    theirs = make_pair(cast.elsewhere, 1)
    bodies: list[dict[str, Any]] = [{"pairs": [theirs.pk]}, {}, {"pairs": [1], "filter": {}}]
    for body in (*bodies, {"pairs": []}):
        assert client.post(f"{API}pairs/withdraw", body, format="json").status_code == 400, body
    assert client.post(f"{API}pairs/ask", {"filter": {}}, format="json").status_code == 400


def test_a_set_is_picked_and_named_to_a_judge_run(cast: Cast) -> None:
    pairs = [make_pair(cast.project, number) for number in range(3)]
    client = client_of(cast.dan)
    body = {"filter": {"q": "question 2"}}
    made = client.post(f"{API}pair-sets", body, format="json")
    assert made.status_code == 201
    assert made.json()["picked_by"] == {"all": True, "q": "question 2"}
    assert PairSet.objects.get().pairs.get() == pairs[2]
    nothing = client.post(f"{API}pair-sets", {"filter": {"q": "nowhere"}}, format="json")
    assert nothing.status_code == 400
    assert nothing.json()["message"] == "No pairs are selected."
    assert client.get(f"{API}pair-sets").json()["results"][0]["size"] == 1
    found = client.get(f"{API}pairs?picked={made.json()['sha256']}").json()["results"]
    assert [row["id"] for row in found] == [pairs[2].pk]
