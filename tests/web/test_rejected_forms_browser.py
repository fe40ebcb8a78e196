"""In a real browser: a form that is refused says what to correct, leads there, keeps the rest."""

from __future__ import annotations

import shutil

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import Role
from accounts.services.invitations import invite
from tests.builders import Cast, make_cast
from tests.judging.judges import make_judge
from tests.web.browser import CHROMIUM, serious, sign_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def refused(page: Page, heading: str) -> None:
    """The summary is in sight, says so, and has the focus."""
    summary = page.locator("[data-errors]")
    expect(summary).to_be_focused()
    expect(summary).to_be_in_viewport()
    expect(summary.get_by_role("heading")).to_have_text(heading)
    assert serious(page) == []


def test_the_summary_has_the_focus_and_leads_to_the_field(
    context: BrowserContext, cast: Cast
) -> None:
    page = sign_in(context, "dan")
    page.set_viewport_size({"width": 390, "height": 700})
    page.goto("/projects/harbour/datasets/")
    page.fill("#id_name", "my data!")
    page.fill("#id_validation", "0.6")
    page.fill("#id_test", "0.5")
    page.check("#id_include_suspended")
    page.click("button:has-text('Freeze')")

    refused(page, "Please correct 1 field")
    summary = page.locator("[data-errors]")
    expect(summary).to_contain_text("Validation and test must leave a share for training.")
    link = summary.get_by_role("link")
    expect(link).to_have_text(
        "Name: “my data!” has characters other than letters, digits, - and _."
    )
    page.keyboard.press("Tab")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    name = page.locator("#id_name")
    expect(name).to_be_focused()
    expect(name).to_be_in_viewport()
    expect(name).to_have_attribute("aria-describedby", "id_name_helptext id_name_error")

    expect(name).to_have_value("my data!")
    expect(page.locator("#id_validation")).to_have_value("0.6")
    expect(page.locator("#id_test")).to_have_value("0.5")
    expect(page.locator("#id_include_suspended")).to_be_checked()


def test_a_link_opens_what_is_folded_over_its_field(context: BrowserContext, cast: Cast) -> None:
    page = sign_in(context, "carol")
    page.goto("/projects/harbour/quality/")
    seed = page.locator("#id_seed")
    page.locator("details", has=seed).locator("summary").click()
    page.fill("#id_criteria", "helpful: Helpful\nharmless")
    seed.evaluate("one => { one.type = 'text'; one.value = 'twelve'; }")
    page.click("button:text-is('Save')")

    refused(page, "Please correct 2 fields")
    folds = page.locator("details:has(#id_seed)")
    folds.evaluate("one => { one.open = false; }")
    page.locator("[data-errors] a[href='#id_seed']").click()
    expect(seed).to_be_focused()
    expect(folds).to_have_attribute("open", "")
    expect(page.locator("#id_criteria")).to_have_value("helpful: Helpful\nharmless")


def test_a_group_of_boxes_is_led_to_by_its_first(context: BrowserContext, cast: Cast) -> None:
    for name in ("one", "two"):
        make_judge(cast.project, name=name)
    page = sign_in(context, "dan")
    page.goto("/projects/harbour/judge/new")
    page.click("summary:has-text('jury')")
    page.fill("#id_jury_name", "panel")
    page.click("button:has-text('Create jury')")

    refused(page, "Please correct 1 field")
    page.locator("[data-errors] a").click()
    expect(page.locator("#id_jury_judges_0")).to_be_focused()
    expect(page.locator("#id_jury_name")).to_have_value("panel")


def test_signing_in_with_a_wrong_password_keeps_the_name(
    context: BrowserContext, cast: Cast
) -> None:
    page = context.new_page()
    page.goto("/login/")
    expect(page.locator("#id_login")).to_be_focused()
    page.fill("#id_login", "dan")
    page.fill("#id_password", "wrong")
    page.check("[name=remember]")
    page.click("main button[type=submit]")

    refused(page, "There is a problem")
    expect(page.locator("#id_login")).to_have_value("dan")
    expect(page.locator("[name=remember]")).to_be_checked()


def test_a_name_that_is_taken_is_named(context: BrowserContext, cast: Cast) -> None:
    _, token = invite(project=cast.project, role=Role.RATER, by=cast.carol, now=timezone.now())
    page = context.new_page()
    page.goto(f"/invitations/{token}")
    page.click("text=Create an account")
    page.fill("#id_username", "alice")
    page.fill("#id_password1", "a long enough secret")
    page.fill("#id_password2", "a long enough secret")
    page.click("main button[type=submit]")

    refused(page, "Please correct 1 field")
    expect(page.locator("[data-errors] a")).to_have_text(
        "Username: The name 'alice' is taken. Choose another."
    )
    expect(page.locator("#id_username")).to_have_value("alice")
