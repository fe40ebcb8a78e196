"""Invitations in a real Chromium, which alone sends the headers that a form is judged by."""

from __future__ import annotations

import shutil

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import Membership, Role
from accounts.services.invitations import invite
from tests.builders import PASSWORD, Cast, make_cast, make_user
from tests.web.browser import CHROMIUM, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def link_for(cast: Cast) -> str:
    _, token = invite(project=cast.project, role=Role.RATER, by=cast.carol, now=timezone.now())
    return f"/invitations/{token}/"


def accept(page: Page, name: str) -> None:
    page.click(f"text=Accept as {name}")
    page.wait_for_url("**/projects/harbour/**")
    assert Membership.objects.get(user__username=name).role == Role.RATER


def test_a_stranger_opens_a_link_creates_an_account_and_is_in(
    context: BrowserContext, cast: Cast, live_server: LiveServer, complaints: list[str]
) -> None:
    link = link_for(cast)
    referrers: list[str] = []
    context.on("request", lambda one: referrers.append(one.headers.get("referer", "")))
    page = context.new_page()
    page.goto(link)
    assert page.url == f"{live_server.url}/invitations/", "the secret is in no address"
    page.click("text=Create an account")
    page.fill("#id_username", "zoe")
    page.fill("#id_password1", PASSWORD)
    page.fill("#id_password2", PASSWORD)
    page.click("main button[type=submit]")
    accept(page, "zoe")
    assert complaints == []
    assert len(referrers) > 5
    assert not [one for one in referrers if link.strip("/").split("/")[-1] in one]


def test_a_member_of_another_project_signs_in_and_accepts(
    context: BrowserContext, cast: Cast
) -> None:
    make_user("yves")
    page = context.new_page()
    page.goto(link_for(cast))
    page.click("text=I already have an account")
    page.fill("#id_login", "yves")
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    accept(page, "yves")


def test_who_is_signed_in_accepts_at_once(context: BrowserContext, cast: Cast) -> None:
    make_user("xena")
    page = sign_in(context, "xena")
    page.goto(link_for(cast))
    accept(page, "xena")
