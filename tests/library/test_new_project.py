"""A project is made in the browser: by who may, with all that it begins with, or not at all."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django import Settings

from accounts.errors import MembershipError
from accounts.models import Invitation, Membership, Role
from accounts.services import add_member
from annotation.errors import AnnotationError
from annotation.models import Guideline, QualityPolicy, Rater, Slot
from annotation.quality.presets import PRESETS
from annotation.services import claim_next_slot, policy_of
from annotation.services.guidelines import MAX_GUIDELINE_CHARACTERS
from corpus.models import ModelVersion, Project
from library.projects.creating import Invitee, begin_project
from library.projects.starters import STARTERS, TITLES, Starter, guideline_text
from tests.builders import Cast, make_cast, make_gold, make_pair, make_user, rater_for

pytestmark = pytest.mark.django_db

HERE = "/projects/new/"
ASKED = {"name": "The Port", "slug": "port", "starter": "honest", "policy": "standard"}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_admins_and_researchers_may_and_others_may_not(cast: Cast) -> None:
    for user in (cast.carol, cast.dan, cast.charlie):
        client = signed_in(user)
        assert HERE in client.get("/").content.decode()
        assert client.get(HERE).status_code == 200
    for user in (cast.alice, cast.bob, make_user("zoe")):
        client = signed_in(user)
        assert HERE not in client.get("/").content.decode()
        assert client.get(HERE).status_code == 403
        assert client.post(HERE, ASKED).status_code == 403
    assert Client().get(HERE).status_code == 302
    assert not Project.objects.filter(slug="port").exists()


def test_a_fresh_installation_begins_with_its_superuser() -> None:
    root = User.objects.create_superuser("root")
    client = signed_in(root)
    first = client.get("/").content.decode()
    assert "Welcome to Concord" in first
    assert f'href="{HERE}">New project</a>' in first

    answer = client.post(HERE, ASKED | {"guideline": guideline_text("honest")})

    assert (answer.status_code, answer["Location"]) == (302, "/projects/port/")
    project = Project.objects.get()
    assert Membership.objects.get().role == Role.ADMIN
    assert rater_for(root, project).status == Rater.Status.ACTIVE
    assert Guideline.objects.get().text == guideline_text("honest").strip()
    page = client.get("/projects/port/").content.decode()
    assert "The Port is ready." in page


def test_staff_and_whom_the_administration_lets_may_too() -> None:
    staff, trusted, gone = make_user("sue"), make_user("tom"), make_user("uma")
    for user in (staff, trusted, gone):
        assert signed_in(user).get(HERE).status_code == 403
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    trusted.user_permissions.add(Permission.objects.get(codename="add_project"))

    assert signed_in(staff).get(HERE).status_code == 200
    assert signed_in(trusted).get(HERE).status_code == 200
    assert signed_in(gone).get(HERE).status_code == 403


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"slug": "harbour"}, "'harbour' is taken; 'harbour-2' is free."),
        ({"slug": "new"}, "'new' is reserved"),
        ({"slug": "a port"}, "'a port' is not a valid slug"),
        ({"slug": "p" * 81}, "at most 80 characters"),
        ({"name": "…", "slug": ""}, "enter one"),
        ({"name": "Harbour", "slug": ""}, "'harbour' is taken"),
        ({"email_1": "kim@example"}, "“kim@example” is not an e-mail address."),
        (
            {"email_0": "kim@example.org", "email_2": "KIM@example.org"},
            "KIM@example.org is already in the list.",
        ),
        ({"email_0": "kim@example.org", "role_0": "owner"}, "owner is not one of"),
        ({"policy": "lax"}, "lax is not one of"),
        ({"guideline": "x" * (MAX_GUIDELINE_CHARACTERS + 1)}, "at most 200000 characters"),
    ],
)
def test_what_is_wrong_is_said_by_field_and_nothing_typed_is_lost(
    cast: Cast, fields: dict[str, str], said: str
) -> None:
    people = {"email_3": "last@example.org", "role_3": "senior"}
    kept = {name: value for name, value in fields.items() if name not in ("role_0", "policy")}
    client = signed_in(cast.carol)
    before = Project.objects.count()

    answer = client.post(HERE, ASKED | people | fields)

    assert answer.status_code == 400
    html = answer.content.decode()
    assert "Please correct 1 field" in html
    assert escape(said) in html
    for value in (people | kept).values():
        assert escape(value) in html
    assert '<option value="senior" selected>' in html
    assert '<option value="honest" selected>' in html
    assert Project.objects.count() == before


def test_a_name_gives_the_slug_where_none_is_typed(cast: Cast) -> None:
    client = signed_in(cast.dan)
    answer = client.post(HERE, ASKED | {"name": "Hafen: Größe & Co.", "slug": ""})
    assert answer["Location"] == "/projects/hafen-groe-co/"


def test_nothing_stays_of_a_project_that_fails_half_way(cast: Cast) -> None:
    before = (Project.objects.count(), Membership.objects.count(), Rater.objects.count())
    text = "x" * (MAX_GUIDELINE_CHARACTERS + 1)

    with pytest.raises(AnnotationError):
        begin_project(
            slug="port", name="Port", admin=cast.carol, now=timezone.now(), guideline=text
        )
    with pytest.raises(MembershipError, match="reserved"):
        begin_project(slug="new", name="New", admin=cast.carol, now=timezone.now())
    nobody = Invitee(None, Role.RATER)  # type: ignore[arg-type]  # what the last table refuses
    with pytest.raises(IntegrityError):
        begin_project(
            slug="port",
            name="Port",
            admin=cast.carol,
            now=timezone.now(),
            guideline="Be fair.",
            invitees=[Invitee("a@example.org", Role.RATER), nobody],
        )

    assert before == (Project.objects.count(), Membership.objects.count(), Rater.objects.count())
    assert not Guideline.objects.exists()
    assert not QualityPolicy.objects.exists()
    assert not Invitation.objects.exists()


def test_invitations_are_shown_once_and_let_their_people_in(cast: Cast) -> None:
    people = {
        "email_0": "kim@example.org",
        "role_0": "rater",
        "email_4": "lee@example.org",
        "role_4": "senior",
    }
    client = signed_in(cast.carol)

    answer = client.post(HERE, ASKED | people)

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    page = answer.content.decode()
    links = re.findall(r'readonly value="http://testserver(/invitations/[^"]+)"', page)
    assert len(links) == 2
    assert "no mail server is configured" not in page, "the tests' own server took them"
    assert [letter.to for letter in mail.outbox] == [["kim@example.org"], ["lee@example.org"]]
    assert links[1] in mail.outbox[1].body
    assert links[0] not in client.get("/projects/port/invitations/").content.decode()
    lee = signed_in(make_user("lee"))
    lee.get(links[1])
    assert lee.post("/invitations/").status_code == 302
    assert Membership.objects.get(user__username="lee").role == Role.SENIOR
    assert Membership.objects.get(user=cast.carol, project__slug="port").role == Role.ADMIN


def test_who_has_no_mail_server_is_told_once(cast: Cast, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    people = {"email_0": "kim@example.org", "email_1": "lee@example.org"}

    page = signed_in(cast.carol).post(HERE, ASKED | people).content.decode()

    assert page.count("no mail server is configured") == 1
    assert page.count("data-copy") == 2


def test_the_sandbox_model_comes_where_it_is_asked_for(cast: Cast) -> None:
    client = signed_in(cast.carol)
    client.post(HERE, ASKED)
    assert not ModelVersion.objects.filter(project__slug="port").exists()
    client.post(HERE, ASKED | {"slug": "quay", "sandbox": "on"})
    assert ModelVersion.objects.get(project__slug="quay").sandbox


def test_without_a_guideline_there_is_none(cast: Cast) -> None:
    signed_in(cast.carol).post(HERE, ASKED | {"starter": "none", "guideline": " \r\n"})
    assert not Project.objects.get(slug="port").guidelines.exists()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_policy_that_its_words_describe(cast: Cast, name: str) -> None:
    signed_in(cast.carol).post(HERE, ASKED | {"policy": name})
    policy = QualityPolicy.objects.get(project__slug="port")
    policy.full_clean()
    words = PRESETS[name].words
    figures = {float(one.replace("κ", "")) for one in re.findall(r"\d+(?:\.\d+)?", words)}
    assert round(100 * policy.overlap_share) in figures
    assert policy.overlap_raters in figures
    if policy.calibration_pairs:
        wanted = {policy.calibration_pairs, policy.admission_kappa, policy.kappa_floor}
        assert wanted <= figures
        assert round(100 * policy.gold_share) in figures
    else:
        assert "No calibration" in words
        assert policy.gold_share == 0
        assert "no tasks are gold" in words


def test_presets_are_ordered_by_how_much_they_ask() -> None:
    trial, standard, strict = (QualityPolicy(**one.changes) for one in PRESETS.values())
    assert list(PRESETS) == ["trial", "standard", "strict"]
    for one in ("calibration_pairs", "gold_share", "recalibration_per_week", "repeat_share"):
        assert getattr(trial, one) == 0
        assert 0 < getattr(standard, one) < getattr(strict, one)
    for one in ("admission_kappa", "kappa_floor", "overlap_share", "overlap_raters"):
        assert getattr(standard, one) < getattr(strict, one)


def test_under_a_trial_everybody_labels_at_once_though_there_is_gold(cast: Cast) -> None:
    client = signed_in(cast.carol)
    for name in ("trial", "standard"):
        client.post(HERE, ASKED | {"policy": name, "slug": name})
        project = Project.objects.get(slug=name)
        for number in range(110):
            pair = make_pair(project, number, slots=1)
            make_gold(pair, "first")
        add_member(user=cast.alice, project=project, role=Role.RATER)
    trial = Project.objects.get(slug="trial")

    rater = rater_for(cast.alice, trial)
    assert rater.status == Rater.Status.ACTIVE
    slot = claim_next_slot(rater=rater)
    assert slot is not None
    assert slot.purpose == Slot.Purpose.PRODUCTION
    assert policy_of(trial.pk).gold_share == 0
    there = rater_for(cast.alice, Project.objects.get(slug="standard"))
    assert there.status == Rater.Status.ONBOARDING


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_is_a_page_in_the_words_of_the_labelling_page(name: Starter) -> None:
    text = guideline_text(name)
    assert text.startswith("# ")
    assert 350 <= len(text.split()) <= 600
    for needed in ("*Equal*", "*Both bad*", "## Skip the pair", "## How to decide"):
        assert needed in text or needed.replace("*", "**") in text, needed
    assert TITLES[name]


def test_every_starter_is_on_the_page_and_the_first_in_its_field(cast: Cast) -> None:
    page = signed_in(cast.carol).get(HERE).content.decode()
    for name in STARTERS:
        assert f'<template data-starter="{name}">{escape(guideline_text(name))}</template>' in page
    assert page.count(escape(guideline_text("helpful"))) == 2
