"""What tests in a real Chromium share."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from playwright.sync_api import BrowserContext, Page

from tests.builders import PASSWORD

CHROMIUM = os.environ.get("CONCORD_TEST_CHROMIUM", "/usr/bin/chromium")
AXE = Path(settings.BASE_DIR) / "node_modules/axe-core/axe.min.js"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# For a busy machine: what is right comes at once, what is wrong fails all the same.
PATIENCE_MS = 60_000


def sign_in(context: BrowserContext, username: str) -> Page:
    page = context.new_page()
    page.goto("/login/")
    page.fill("#id_login", username)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)
    return page


def serious(page: Page) -> list[str]:
    """Serious and critical findings of axe-core, with the element they are about."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
