"""Imports over REST, from the first part of a file to taking it back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from corpus.imports.running import run_import
from corpus.models import Import, Pair, Upload
from jobs.runner import run_job
from tests.builders import Cast, make_cast

pytestmark = pytest.mark.django_db

API = "/api/projects/harbour"
LINES = (
    b'{"prompt": "Hi?", "response_a": "Yes.", "response_b": "No."}\n'
    b'{"prompt": "Ho?", "response_a": "Yes.", "response_b": "Yes."}\n'
)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def dan(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.dan)
    return client


def sent(client: Client, path: str, body: dict[str, Any]) -> Any:
    return client.post(f"{API}/{path}", json.dumps(body), content_type="application/json")


def part(client: Client, upload: int, offset: object, data: bytes) -> Any:
    path = f"{API}/uploads/{upload}/parts?offset={offset}"
    return client.put(path, data, content_type="application/octet-stream")


def uploaded(client: Client) -> int:
    pk: int = sent(client, "uploads", {"name": "pairs.jsonl", "size": len(LINES)}).json()["id"]
    assert part(client, pk, 0, LINES).json()["complete"] is True
    return pk


def test_a_file_goes_up_is_tried_imported_and_taken_back(dan: Client) -> None:
    begun = sent(dan, "uploads", {"name": "pairs.jsonl", "size": len(LINES)})
    assert begun.status_code == 201
    pk = begun.json()["id"]
    assert part(dan, pk, 0, LINES[:20]).json()["received"] == 20
    assert part(dan, pk, 0, LINES[:20]).json()["received"] == 20
    refused = part(dan, pk, 30, LINES[30:])
    assert (refused.status_code, refused.json()["code"]) == (409, "upload")
    assert dan.get(f"{API}/uploads/{pk}").json()["received"] == 20
    early = sent(dan, "imports", {"upload": pk})
    assert (early.status_code, early.json()["code"]) == (400, "import_file")
    part(dan, pk, 20, LINES[20:])

    tried = sent(dan, "imports/dry-run", {"upload": pk}).json()
    assert (tried["pairs_added"], tried["whole"]) == (1, True)
    assert tried["rejected"] == [{"line": 2, "reason": "response_a and response_b are identical"}]
    assert not Pair.objects.exists()

    made = sent(dan, "imports", {"upload": pk})
    assert (made.status_code, made.json()["state"]) == (202, "queued")
    number = made.json()["id"]
    run_job(Import, number, run_import)
    assert dan.get(f"{API}/imports/{number}").json()["report"]["pairs_added"] == 1
    assert dan.get(f"{API}/imports").json()["results"][0]["id"] == number
    assert dan.get(f"{API}/imports/{number}/rejected").json()["results"][0]["line"] == 2

    back = dan.post(f"{API}/imports/{number}/take-back")
    assert (back.status_code, Pair.objects.count()) == (200, 0)
    assert back.json()["taken_back_at"]
    again = dan.post(f"{API}/imports/{number}/take-back")
    assert (again.status_code, again.json()["code"]) == (409, "depended_on")


@pytest.mark.parametrize(
    ("offset", "data", "status"),
    [("x", b"x", 400), ("", b"x", 400), (-1, b"x", 400), (0, b"", 400), (10**17, b"x", 409)],
)
def test_a_part_that_is_none_is_refused(
    dan: Client, offset: object, data: bytes, status: int
) -> None:
    pk = sent(dan, "uploads", {"name": "f", "size": 10}).json()["id"]
    assert part(dan, pk, offset, data).status_code == status


def test_a_part_is_bounded_and_must_be_bytes(dan: Client, settings: Settings) -> None:
    settings.UPLOAD_PART_BYTES = 4
    pk = sent(dan, "uploads", {"name": "f", "size": 10}).json()["id"]
    assert part(dan, pk, 0, b"01234").status_code == 409
    path = f"{API}/uploads/{pk}/parts?offset=0"
    assert dan.put(path, "{}", content_type="application/json").status_code == 415
    assert dan.get(f"{API}/uploads/{pk}").json()["received"] == 0


def test_only_who_began_an_upload_adds_to_it_and_sees_it(cast: Cast, dan: Client) -> None:
    pk = sent(dan, "uploads", {"name": "f", "size": 10}).json()["id"]
    wanted = {"carol": 404, "bob": 403, "alice": 403, "charlie": 404}
    for name, status in wanted.items():
        client = Client()
        client.force_login(getattr(cast, name))
        assert part(client, pk, 0, b"0123456789").status_code == status
        assert client.get(f"{API}/uploads/{pk}").status_code == status
        assert client.delete(f"{API}/uploads/{pk}").status_code == status
    assert Client().put(f"{API}/uploads/{pk}/parts?offset=0").status_code == 401
    assert dan.get(f"{API}/uploads/{pk}").json()["received"] == 0


def test_a_session_without_its_token_adds_no_part(cast: Cast, dan: Client) -> None:
    pk = sent(dan, "uploads", {"name": "f", "size": 10}).json()["id"]
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.dan)
    assert part(strict, pk, 0, b"0123456789").status_code == 403


def test_readers_see_imports_and_start_none(cast: Cast, dan: Client) -> None:
    number = sent(dan, "imports", {"upload": uploaded(dan)}).json()["id"]
    bob = Client()
    bob.force_login(cast.bob)
    assert bob.get(f"{API}/imports/{number}").status_code == 200
    for path in ("imports", "imports/dry-run", f"imports/{number}/cancel", "uploads"):
        assert bob.post(f"{API}/{path}").status_code == 403
    assert bob.post(f"{API}/imports/{number}/take-back").status_code == 403


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "either an upload or a dataset"),
        ({"upload": 1, "dataset": {"name": "a/b"}}, "either an upload or a dataset"),
        ({"upload": 1, "format": "pairs", "saved_mapping": "x"}, "only one of"),
        ({"upload": 1, "pair_policy": "random"}, "Needed with policy random"),
        ({"upload": 1, "format": "nonsense"}, "Unknown format"),
        ({"upload": 1, "saved_mapping": "mine"}, "no saved mapping"),
        ({"upload": 1, "mapping": {"columns": {"x": "y"}}}, "Unknown field"),
        ({"dataset": {"name": "../../etc"}}, "names no dataset"),
    ],
)
def test_what_is_wrong_with_an_import_is_said(dan: Client, body: dict[str, Any], said: str) -> None:
    answer = sent(dan, "imports", body)
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_an_upload_is_thrown_away_unless_it_is_being_imported(dan: Client) -> None:
    pk = uploaded(dan)
    number = sent(dan, "imports", {"upload": pk}).json()["id"]
    assert dan.delete(f"{API}/uploads/{pk}").status_code == 409
    assert dan.post(f"{API}/imports/{number}/cancel").json()["state"] == "cancelled"
    assert dan.delete(f"{API}/uploads/{pk}").status_code == 204
    assert not Upload.objects.exists()
