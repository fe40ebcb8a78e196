"""In a real browser: a form offers the engines that can open the chosen model, and no others."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect
from pytest_django import Settings

from corpus.models import ModelVersion
from corpus.registry import sandbox_model
from tests.builders import make_cast
from tests.web.browser import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_the_engines_follow_the_model(
    context: BrowserContext, complaints: list[str], settings: Settings
) -> None:
    settings.INFERENCE_SERVERS = ["http://127.0.0.1:9"]
    cast = make_cast()
    sandbox_model(cast.project)
    ModelVersion.objects.create(project=cast.project, name="remote", kind="api", location="remote")
    page = sign_in(context, "dan")
    page.goto("/projects/harbour/inference/")
    engine = page.locator("#id_engine")
    expect(engine).to_have_value("transformers")

    page.select_option("#id_model", label="remote")
    expect(engine).to_have_value("server")
    expect(engine.locator("option:not([disabled])")).to_have_count(1)

    page.select_option("#id_model", label="sandbox")
    engine.select_option("transformers")
    expect(engine).to_have_value("transformers")
    assert complaints == []
