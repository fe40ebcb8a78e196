"""The OpenAPI document: whole, valid, and with every operation of the API in it."""

from __future__ import annotations

import json
from pathlib import Path

from django.core.management import call_command
from django.urls import get_resolver

from tests.web.places import walk


def test_the_document_is_valid_and_leaves_no_operation_out(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    call_command(
        "spectacular", fail_on_warn=True, validate=True, format="openapi-json", file=str(file)
    )
    document = json.loads(file.read_text())
    routes = {
        route for name, route in walk(get_resolver().url_patterns) if route.startswith("api/")
    } - {"api/schema"}
    assert len(routes) >= 24
    assert len(document["paths"]) == len(routes)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation.get("description"), f"{path} says nothing of itself"
