"""The admin shows facts and changes none."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from annotation.models import GoldAnswer, Guideline, Label, Rater, Skip, Slot
from corpus.models import Completion, Pair, Project, Prompt
from tests.builders import make_label, make_pair, make_project, make_rater

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

FACTS = (Label, Slot, Skip, Guideline, GoldAnswer, Prompt, Completion, Pair)


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    project = make_project()
    pair = make_pair(project, 1, slots=1)
    rater = make_rater(project, "ann")
    make_label(pair, rater)
    Skip.objects.create(pair=pair, rater=rater, reason=Skip.Reason.PII)
    GoldAnswer.objects.create(pair=pair, choice="first")
    Guideline.objects.create(project=project, number=1, text="Be fair.", sha256="0" * 64)
    return client


@pytest.mark.parametrize("model", FACTS, ids=lambda model: model.__name__)
def test_facts_are_shown_and_never_added_changed_or_deleted(
    root: Client, model: type[Label]
) -> None:
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    row = model._default_manager.get(pk=model._default_manager.order_by("pk")[0].pk)
    before = list(model._default_manager.values())
    assert root.get(address).status_code == 200
    assert root.get(f"{address}{row.pk}/change/").status_code == 200
    assert root.get(f"{address}add/").status_code == 403
    assert root.post(f"{address}{row.pk}/change/", {"choice": "second"}).status_code == 403
    assert root.post(f"{address}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    root.post(address, chosen)
    assert list(model._default_manager.values()) == before


def test_a_lease_is_not_shown(root: Client) -> None:
    slot = Slot.objects.get()
    page = root.get(f"/admin/annotation/slot/{slot.pk}/change/").content.decode()
    assert "Lease expires at" in page
    assert "Lease:" not in page


def test_a_raters_status_changes_through_its_pages_alone(root: Client) -> None:
    rater = Rater.objects.get()
    address = f"/admin/annotation/rater/{rater.pk}/change/"
    assert root.post(address, {"status": "suspended", "name": "eve"}).status_code == 403
    rater.refresh_from_db()
    assert (rater.status, rater.name) == (Rater.Status.ACTIVE, "ann")


def test_a_project_keeps_its_slug_and_cannot_be_deleted(root: Client) -> None:
    project = Project.objects.get()
    address = f"/admin/corpus/project/{project.pk}"
    assert root.post(f"{address}/change/", {"name": "Port", "slug": "port"}).status_code == 302
    project.refresh_from_db()
    assert (project.name, project.slug) == ("Port", "harbour")
    assert root.post(f"{address}/delete/", {"post": "yes"}).status_code == 403


def test_a_rater_sees_no_admin(root: Client) -> None:
    client = Client()
    client.force_login(User.objects.create_user("alice"))
    assert client.get("/admin/annotation/label/").status_code == 302


def test_every_model_of_annotation_and_corpus_is_registered() -> None:
    registered = {model.__name__ for model in admin.site._registry}
    assert {"Label", "Slot", "Skip", "Rater", "Membership", "Guideline", "GoldAnswer"} <= registered
    assert {"Project", "Prompt", "Completion", "Pair", "ModelVersion"} <= registered
