"""Pages that poll: the database counts for them, and the end of a session is said."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from constitution.models import RevisionRun
from jobs.models import Job
from judging.models import AttackRun, JudgeRun
from tests.builders import Cast, make_cast
from tests.web.test_walk import crawl
from tests.web.worlds import used

pytestmark = pytest.mark.django_db

POLLED = re.compile(r'hx-get="([^"]+)" hx-trigger="every')
LISTS = {"judge_runs", "revision_runs", "training_runs", "intake", "inference", "judge"}
"""Pages that list jobs and follow them."""

BIG = re.compile(
    r'FROM "(judging_verdict|judging_impactverdict|annotation_label|annotation_slot'
    r'|constitution_chain|constitution_revision|serving_usage|training_trainingmetric)"'
)
COUNTED = re.compile(r"(COUNT|SUM|MIN|MAX|AVG)\(| LIMIT |1 AS .a.")


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def polled(cast: Cast, client: Client) -> set[str]:
    """What the pages of a project poll, with every job in it under way."""
    used(cast)
    for model in job_models():
        model._default_manager.update(state="running", finished_at=None)
    client.force_login(cast.carol)
    texts: dict[str, str] = {}
    crawl(client, texts=texts)
    return {
        urljoin(path, unescape(address))
        for path, html in texts.items()
        for address in POLLED.findall(html)
    }


def job_models() -> list[type[Job]]:
    return [model for model in apps.get_models() if issubclass(model, Job)]


def test_figures_that_a_page_polls_are_counted_by_the_database(
    client: Client, polled: set[str]
) -> None:
    kinds = {resolve(urlsplit(path).path).view_name for path in polled}
    assert {
        "judge_run",
        "revision_run",
        "training_run",
        "inference",
        "constitution_impact",
    } <= kinds
    for path in sorted(polled):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(path, headers={"HX-Request": "true"}).status_code == 200, path
        for query in queries:
            sql = query["sql"]
            assert not BIG.search(sql) or COUNTED.search(sql), (path, sql)


@pytest.mark.parametrize("form", ["inference/try", "critique/launch", "critique/prompts"])
def test_a_page_shown_by_the_address_of_its_form_polls_where_it_can_be_read(
    cast: Cast, client: Client, form: str
) -> None:
    used(cast)
    for model in job_models():
        model._default_manager.update(state="running", finished_at=None)
    client.force_login(cast.carol)
    path = f"/projects/{cast.project.slug}/{form}"
    refused = client.post(path, {})
    assert refused.status_code == 400
    found = POLLED.findall(refused.content.decode())
    assert found
    for address in found:
        asked = urljoin(path, unescape(address))
        assert client.get(asked, headers={"HX-Request": "true"}).status_code == 200, asked


def test_what_is_polled_after_the_session_is_a_line_that_leads_to_sign_in(
    client: Client, polled: set[str]
) -> None:
    client.logout()
    for path in sorted(polled):
        asked = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{path}"}
        answer = client.get(path, headers=asked)
        assert answer.status_code == 200, path
        page = answer.content.decode()
        assert "<html" not in page
        assert f"/login/?next={urlsplit(path).path}" in page
        assert "Sign in" in page
        assert client.get(path).status_code == 302, "a page that is opened leads to sign in"


def test_the_poll_that_finds_a_run_finished_has_the_whole_page_loaded_afresh(
    cast: Cast, client: Client
) -> None:
    """What is beside the polled part lists nothing yet when the page was opened."""
    used(cast)
    client.force_login(cast.carol)
    home = f"/projects/{cast.project.slug}/"
    judged, revised = JudgeRun.objects.all()[0], RevisionRun.objects.all()[0]
    attacked = AttackRun.objects.all()[0]
    for run, path in (
        (judged, f"{home}judge/{judged.pk}/"),
        (revised, f"{home}critique/{revised.pk}/"),
        (attacked, f"{home}judge/judges/{attacked.config_id}/"),
    ):
        there = type(run)._default_manager.filter(pk=run.pk)
        there.update(state="running", finished_at=None)
        assert path in POLLED.findall(client.get(path).content.decode())
        assert "HX-Refresh" not in client.get(path, headers={"HX-Request": "true"}), path
        there.update(state="succeeded")
        assert client.get(path, headers={"HX-Request": "true"})["HX-Refresh"] == "true", path
        whole = client.get(path)
        assert "HX-Refresh" not in whole, path
        assert path not in POLLED.findall(whole.content.decode()), "it would load itself for ever"
