"""No page scrolls sideways, on a desk or on a phone; its tables scroll inside themselves."""

from __future__ import annotations

import shutil

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext

from tests.builders import Cast, make_cast
from tests.web.browser import CHROMIUM, serious, sign_in
from tests.web.test_walk import crawl
from tests.web.worlds import crowded

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]

WIDTHS = (1280, 390)
ONE_ROW = 64
"""Height in pixels beyond which a row of navigation has become two."""

TOO_WIDE = """() => {
  const wide = document.documentElement.scrollWidth - window.innerWidth;
  if (wide <= 0) return "";
  const out = [...document.querySelectorAll("main *, header *, nav *")]
    .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1
      && !one.closest(".table-responsive, .prose-table, .maths-display, pre, svg"));
  const last = out.at(-1);
  return `${wide} px too wide: ${last ? last.outerHTML.slice(0, 160) : "?"}`;
}"""

CUT_OFF = """() => [...document.querySelectorAll(".table-responsive")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => `${one.getAttribute("aria-label") ?? one.innerText.slice(0, 60)}: ` +
    `${one.scrollWidth} px in ${one.clientWidth}`)"""


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    crowded(cast)
    return cast


def pages_of(username: str) -> list[str]:
    """One page of each kind that this reader's links lead to."""
    client = Client()
    client.force_login(User.objects.get(username=username))
    pages: list[str] = []
    crawl(client, each=1, pages=pages)
    return pages


def test_no_page_scrolls_sideways_and_the_menus_take_one_row(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    page = sign_in(context, "carol")
    paths = pages_of("carol")
    faults = []
    for path in paths:
        page.goto(path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if wide := page.evaluate(TOO_WIDE):
                faults.append(f"{path} at {width}: {wide}")
            if width == WIDTHS[0] and (cut := page.evaluate(CUT_OFF)):
                faults.append(f"{path} at {width}: cut off: {cut}")
            for menu in page.locator("nav.fold-nav").all():
                box = menu.bounding_box()
                assert box is not None
                if box["height"] > ONE_ROW:
                    faults.append(f"{path} at {width}: the menu is {box['height']} px high")

    assert faults == [], "\n".join(faults)
    assert len(paths) >= 30
    assert complaints == []

    # The menu unfolds by key, and what it names is opened by key.
    page.goto("/projects/harbour/")
    toggle = page.locator("[data-bs-target='#project-nav']")
    link = page.locator("#project-nav").get_by_role("link", name="Datasets")
    assert not link.is_visible()
    toggle.press("Enter")
    link.wait_for(state="visible")
    assert toggle.get_attribute("aria-expanded") == "true"
    link.press("Enter")
    page.wait_for_url("**/datasets/")
    assert serious(page) == []
    assert complaints == []
