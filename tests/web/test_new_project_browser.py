"""In a real browser: a project from the first page to its own, with an invitation on the way."""

from __future__ import annotations

import shutil

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, expect

from accounts.models import Membership, Role
from annotation.models import Guideline
from corpus.models import Project
from library.projects.starters import guideline_text
from tests.builders import PASSWORD, make_user
from tests.web.browser import CHROMIUM, serious, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]


def test_a_superuser_makes_the_first_project_and_the_invited_join_it(
    context: BrowserContext, complaints: list[str]
) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    page = sign_in(context, "root")
    assert serious(page) == []
    page.click("text=New project")

    page.fill("#id_name", "The Port: Pilots & Tugs")
    expect(page.locator("#id_slug")).to_have_value("the-port-pilots-tugs")
    page.fill("#id_slug", "port")
    page.fill("#id_name", "The Port")
    expect(page.locator("#id_slug")).to_have_value("port")

    guideline = page.locator("#id_guideline")
    page.select_option("#id_starter", "code")
    expect(guideline).to_have_value(guideline_text("code"))
    guideline.fill("Be fair.")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.select_option("#id_starter", "honest")
    expect(page.locator("#id_starter")).to_have_value("code")
    expect(guideline).to_have_value("Be fair.")
    page.once("dialog", lambda dialog: dialog.accept())
    page.select_option("#id_starter", "honest")
    guideline.press("Control+End")
    guideline.type("\nAsk when in doubt.")

    page.check("text=Trial")
    page.click("text=Add a row")
    page.fill("#id_email_3", "kim@example.org")
    page.select_option("#id_role_3", "senior")
    assert serious(page) == []
    page.click("main button[type=submit]")

    expect(page.locator("h1")).to_have_text("The Port is ready")
    assert serious(page) == []
    link = page.get_by_label("kim@example.org").input_value()
    page.click("text=Open project")
    page.wait_for_url("**/projects/port/")
    make_user("kim")
    context.clear_cookies()
    page = sign_in(context, "kim")
    page.goto(link)
    page.click("text=Accept as kim")
    page.wait_for_url("**/projects/port/")

    project = Project.objects.get()
    assert project.quality_policy.calibration_pairs == 0
    assert Guideline.objects.get().text.endswith("Ask when in doubt.")
    roles = dict(Membership.objects.values_list("user__username", "role"))
    assert roles == {"root": Role.ADMIN, "kim": Role.SENIOR}
    assert complaints == []


def test_a_refused_project_keeps_the_rows_that_were_added(context: BrowserContext) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    page = sign_in(context, "root")
    page.goto("/projects/new/")
    page.fill("#id_name", "The Port")
    page.fill("#id_slug", "new")
    page.click("text=Add a row")
    page.fill("#id_email_3", "kim@example.org")
    page.click("main button[type=submit]")

    expect(page.locator("[data-errors]")).to_contain_text("'new' is reserved")
    expect(page.locator("#id_email_3")).to_have_value("kim@example.org")
    page.click("text=Add a row")
    expect(page.locator("#id_email_4")).to_be_focused()
    expect(page.locator("#id_email_4")).to_have_value("")
    page.fill("#id_name", "The Harbour")
    expect(page.locator("#id_slug")).to_have_value("new")
