"""Whatever is asked of the API, it answers as its document says: no 500, no status unnamed.

Schemathesis makes requests from the OpenAPI document, right ones and wrong ones, with a fixed seed,
as three roles, in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.db.models import Model
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from rest_framework.authtoken.models import Token
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import status_code_conformance

from annotation.models import Adjudication, Rater, Slot
from annotation.queue.task_names import task_name
from constitution.models import Chain, Constitution, Principle, RevisionRun
from corpus.models import ModelRegistration, Pair, SamplingRun
from judging.models import JudgeConfig, JudgeRun
from tests.builders import Cast, make_cast
from tests.web.worlds import live

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

EXAMPLES = 4
"""Requests to one operation as one role."""

HERE = "harbour"


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    live(cast, pairs=24, raters=2, judges=1)
    return cast


def there(cast: Cast, path: str) -> dict[str, str | int]:
    """What the parts of an address name in the cast's project, as far as there is one of it."""
    run: type[Model] = JudgeRun
    if "critique" in path:
        run = RevisionRun
    elif "sampling" in path:
        run = SamplingRun
    rows: dict[str, type[Model]] = {
        "run_id": run,
        "rater_id": Rater,
        "judge_id": JudgeConfig,
        "pair_id": Pair,
        "registration_id": ModelRegistration,
        "row_id": Adjudication,
        "chain_id": Chain,
        "principle_id": Principle,
    }
    first = {name: model._default_manager.order_by("pk").first() for name, model in rows.items()}
    slot = Slot.objects.filter(project=cast.project).first()
    constitution = Constitution.objects.filter(project=cast.project).first()
    assert slot is not None
    assert constitution is not None
    named: dict[str, str | int] = {name: row.pk for name, row in first.items() if row}
    named |= {"project_slug": HERE, "slug": constitution.slug, "number": 1, "username": "bob"}
    return named | {"task_id": str(task_name(slot.pk))}


@pytest.fixture
def one_connection() -> Iterator[None]:
    """As Django's own test client has it: a request does not close the test's connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("role", ["alice", "carol", "dan"])
def test_every_operation_answers_as_the_document_says(cast: Cast, role: str) -> None:
    token = Token.objects.create(user=getattr(cast, role))
    headers = {"Authorization": f"Token {token.key}"}
    schema = schemathesis.openapi.from_wsgi(
        "/api/schema?format=json", get_wsgi_application(), headers=headers
    )
    statuses: set[int] = set()
    operations = 0
    turn = count()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        operations += 1

        @seed(1)
        @hypothesis_settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            # Every other request is about things that exist: a guessed id finds nothing.
            known = there(cast, case.path) if next(turn) % 2 else {"project_slug": HERE}
            for name in set(known) & set(case.path_parameters):
                case.path_parameters[name] = known[name]
            answer = case.call(headers=headers)
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=[not_a_server_error, status_code_conformance])

        ask()
    assert operations >= 60
    assert {200, 404} <= statuses
