"""In a real browser: every form of every page, found by walking the site as each role, is sent once
with what it wants, and does what it is for."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as live_settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, ElementHandle, FilePayload, Page, Response
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role
from accounts.services.invitations import invite
from annotation.models import Rater
from tests.builders import PASSWORD, Cast, make_cast
from tests.web.browser import CHROMIUM, PATIENCE_MS
from tests.web.forms import BUTTON, UNCOVER, WANTING, Forms, Kind, fill, forms_in, hold_still
from tests.web.states import every_state
from tests.web.test_walk import crawl

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]

REFUSALS = "[data-errors], .alert-danger[data-message]"
"""What says that a form was refused: its summary, or a message of the page that comes then."""

KINDS_TODAY = 80
"""A walk that finds fewer has lost its way."""

KNOWN = {
    *("account_login", "account_signup", "account_logout", "account_change_password"),
    *("account_set_password", "invitation_accept", "invitations", "invitation_revoke"),
    *("label_submit", "label_skip", "label_undo", "label_pause", "label_acknowledge"),
    *("quality_policy", "intake", "guideline_publish", "guideline_version", "gold_pair"),
    *("gold_retire", "gold_restore", "adjudication", "rater_suspend", "rater_reinstate"),
    *("create_constitution", "principle_edit", "principle_add", "few_shots_edit"),
    *("constitution_publish", "constitution_comment", "constitution_impact", "constitution_try"),
    *("launch_judge", "create_jury", "judge_policy", "triage", "launch_revision"),
    *("upload_prompts", "freeze", "freeze_sft", "train", "register_model", "set_prices"),
    *("import_new", "import_upload", "upload_discard", "import_cancel", "import_take_back"),
    *("playground", "cancel_run", "stop_server", "project_new", "member_role", "member_remove"),
    *("pairs", "pairs_chosen", "pairs_ask", "pairs_pick", "pairs_withdraw", "pairs_restore"),
}
"""Where forms go that must be among them."""

VALUES: dict[str, str | FilePayload] = {
    "login": "alice",
    "password": PASSWORD,
    "oldpassword": PASSWORD,
    "username": "zoe",
    "password1": f"{PASSWORD}, again",
    "password2": f"{PASSWORD}, again",
    "email": "kim@example.org",
    "name": "walked",
    "reason": "It has to be.",
    "note": "Since it is so.",
    "comment": "Since it is so.",
    "guideline_publish.text": "Be fair, kind and brief.",
    "constitution_comment.text": "I agree.",
    "principle_add.name": "brief",
    "field-comparison": "Choose the briefer response.",
    "prompt": "How do I tie a bowline?",
    "hours": "2",
    "freeze_sft.runs": "all of them",
    "judges": "all of them",
    "pairs_chosen.pair": "all of them",
    "project_new.email_0": "kim@example.org",
    "import_upload.save_as": "walked",
    "import_new.name": "owner/set",
    "import_new.file": FilePayload(
        name="pairs.jsonl",
        mimeType="application/json",
        buffer=b'{"prompt": "Hi?", "response_a": "Yes.", "response_b": "No."}\n',
    ),
    "upload_prompts.file": FilePayload(
        name="prompts.jsonl", mimeType="application/json", buffer=b'{"prompt": "Is it safe?"}\n'
    ),
}
"""What fields want that the page does not say, by name, or by where the form goes and name."""


@dataclass
class Visitor:
    """Somebody with a session, and the pages that they get to."""

    name: str
    session: str
    pages: list[str]


@dataclass
class Found:
    """Where a kind of form stands, and for whom."""

    visitor: Visitor
    page: str

    def __str__(self) -> str:
        return f"{self.page} for {self.visitor.name or 'a stranger'}"


@pytest.fixture
def cast(settings: Settings, tmp_path: Path) -> Iterator[Cast]:
    settings.MODELS_FOLDERS = [str(tmp_path)]
    VALUES["register_model.location"] = str(tmp_path)
    cast = make_cast()
    every_state(cast)
    yield cast
    del VALUES["register_model.location"]


def visitors(cast: Cast) -> Iterator[Visitor]:
    """Every role by all that its links lead to, and who comes by a link of their own."""
    for name in ("carol", "dan", "bob", "alice", "charlie"):
        yield Visitor(name, session_of(signed_in(name)), [])
    # The walk opens only some of the rows of a list.
    suspended = Rater.objects.get(user__username="gina")
    page = f"/projects/harbour/raters/{suspended.pk}/"
    yield Visitor("carol", session_of(signed_in("carol")), [page])
    whole = "/projects/harbour/pairs/chosen/?all=1"
    yield Visitor("carol", session_of(signed_in("carol")), [whole])
    _, token = invite(project=cast.project, role=Role.RATER, by=cast.carol, now=timezone.now())
    link = f"/invitations/{token}/"
    invited = signed_in("xena")
    invited.get(link)
    yield Visitor("xena", session_of(invited), ["/invitations/"])
    stranger = Client()
    stranger.get(link)
    yield Visitor("", session_of(stranger), ["/login/", "/signup/"])
    yield Visitor("eve", session_of(signed_in("eve")), ["/password/set/"])


def signed_in(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def session_of(client: Client) -> str:
    return client.cookies[live_settings.SESSION_COOKIE_NAME].value


def discover(who: list[Visitor]) -> dict[Kind, Found]:
    """The first page of each kind of form. In a thread of its own: pages that ask inference
    servers want no event loop around them, and Playwright keeps one in this thread."""

    def look() -> dict[Kind, Found]:
        try:
            return forms_of(who)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as aside:
        return aside.submit(look).result()


def forms_of(who: list[Visitor]) -> dict[Kind, Found]:
    found: dict[Kind, Found] = {}
    for visitor in who:
        client = Client()
        client.cookies[live_settings.SESSION_COOKIE_NAME] = visitor.session
        texts = {page: client.get(page).content.decode() for page in visitor.pages}
        if not texts:
            crawl(client, each=3 if visitor.name == "carol" else 1, texts=texts)
        for page, html in texts.items():
            if not html.lstrip().startswith("<!doctype html>"):
                continue  # a part that a page fetches: its forms stand on that page too
            for form in Forms(html).found:
                for kind, _ in form.kinds(page):
                    found.setdefault(kind, Found(visitor, page))
    return found


class Database:
    """The database as it was: put back before each form, so that none stands in another's way."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self._kept = sqlite3.connect(":memory:")
        connection.connection.backup(self._kept)

    def put_back(self) -> None:
        self._kept.backup(connection.connection)


class Watch:
    """What the browser got and said while a form was sent; questions are answered with yes."""

    def __init__(self, page: Page, complaints: list[str]) -> None:
        self.page = page
        self.complaints = complaints
        self.status = 0
        page.on("response", self._note)
        page.on("dialog", lambda dialog: dialog.accept())

    def _note(self, response: Response) -> None:
        request = response.request
        if request.is_navigation_request() and request.frame == self.page.main_frame:
            self.status = response.status

    def refusals(self) -> set[str]:
        """What the page says was refused."""
        return set(self.page.locator(REFUSALS).all_inner_texts())


def send(watch: Watch, kind: Kind) -> str:
    """Fill in and send the form of this kind that stands on the page; what went wrong."""
    page = watch.page
    hold_still(page)
    here = urlsplit(page.url).path
    standing = [
        (element, place, path)
        for form, element in forms_in(page)
        for place, (other, path) in enumerate(form.kinds(here))
        if other == kind
    ]
    if not standing:
        return "does not stand in the browser"
    element, place, path = standing[0]
    before = watch.refusals()
    try:
        status = press(page, element, kind, place, path)
    except PlaywrightTimeout:
        return f"was not sent; the browser wants {page.evaluate(WANTING)}"
    faults = sorted(watch.refusals() - before)
    if status >= 400 or watch.status >= 400:
        faults.append(f"was answered {status}, {watch.status}")
    return " | ".join([*faults, *watch.complaints])


def press(page: Page, form: ElementHandle, kind: Kind, place: int, path: str) -> int:
    """Fill the form in, press its button, and wait for what comes; the status of the answer."""

    def answers(response: Response) -> bool:
        asked = response.request
        whole = kind.method == "post" or asked.is_navigation_request()
        return whole and asked.method.lower() == kind.method and urlsplit(asked.url).path == path

    if kind.method == "dialog":
        page.click("[data-keys]")
        button_of(form, place).click()
        page.wait_for_function("() => !document.querySelector('dialog[open]')")
        return 200
    page.evaluate("window.walked = true")
    if form.evaluate("one => one.matches('[data-upload]')"):
        # A file goes up as soon as it is chosen, in parts, and its own page comes then.
        with page.expect_navigation(timeout=PATIENCE_MS) as came:
            fill(form, kind, VALUES)
        return came.value.status
    with page.expect_response(answers, timeout=PATIENCE_MS) as got:
        fill(form, kind, VALUES)
        if kind.button or not form.evaluate("one => one.matches('[data-fields]')"):
            button_of(form, place).click(timeout=PATIENCE_MS)
    if got.value.request.is_navigation_request():
        page.wait_for_function("() => !window.walked && document.readyState === 'complete'")
    else:
        page.wait_for_load_state("networkidle")
    return got.value.status


def test_every_form_of_every_page_does_what_it_is_for(
    context: BrowserContext, cast: Cast, complaints: list[str], live_server: LiveServer
) -> None:
    everybody = list(visitors(cast))
    database = Database()
    found = discover(everybody)
    waiting = sorted(found)
    faults = []
    while waiting:
        kind = waiting.pop(0)
        database.put_back()
        page = open_page(context, found[kind], live_server.url)
        complaints.clear()
        watch = Watch(page, complaints)
        page.goto(found[kind].page)
        if fault := send(watch, kind):
            faults.append(f"{kind}\n    of {found[kind]}: {fault}")
        # What the answer offers that stood on no page before is sent from there.
        while fresh := [one for one in kinds_on(page) if one not in found]:
            found[fresh[0]] = Found(found[kind].visitor, page.url)
            if fault := send(watch, fresh[0]):
                faults.append(f"{fresh[0]}\n    after {kind}: {fault}")
        page.close()
    assert faults == [], "\n".join(faults)
    assert len(found) >= KINDS_TODAY
    assert {kind.action for kind in found} >= KNOWN


def open_page(context: BrowserContext, found: Found, url: str) -> Page:
    """A fresh window of the visitor's."""
    context.clear_cookies()
    name = live_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": found.visitor.session, "url": url}])
    return context.new_page()


def kinds_on(page: Page) -> list[Kind]:
    here = urlsplit(page.url).path
    return [kind for form, _ in forms_in(page) for kind, _ in form.kinds(here)]


def button_of(form: ElementHandle, place: int) -> ElementHandle:
    button = form.evaluate_handle(BUTTON, place).as_element()
    assert button is not None
    button.evaluate(UNCOVER)
    return button
