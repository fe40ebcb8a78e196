"""Whatever is asked of the API, it answers as its document says: no 500, no status unnamed.

Schemathesis makes requests from the OpenAPI document, right ones and wrong ones, with a fixed seed,
as three roles, in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from rest_framework.authtoken.models import Token
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import status_code_conformance

from tests.builders import Cast, make_cast
from tests.web.worlds import live

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

EXAMPLES = 3
"""Requests to one operation as one role."""


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    live(cast, pairs=24, raters=2, judges=1)
    return cast


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
            if "project_slug" in case.path_parameters:
                case.path_parameters["project_slug"] = cast.project.slug
            answer = case.call(headers=headers)
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=[not_a_server_error, status_code_conformance])

        ask()
    assert operations >= 60
    assert {200, 404} <= statuses
