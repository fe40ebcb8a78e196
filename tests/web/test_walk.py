"""Every page, in every state of a project, as every role: links lead on, and no figure breaks it.

A crawler starts at the home page and follows links and the forms that ask for a page. It finds no
page that is refused, missing or broken, and every page there is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve

from annotation.models import Rater, Slot
from tests.builders import Cast, make_cast, make_pair
from tests.web.places import PUBLIC, places_of
from tests.web.worlds import WORLDS, one_of_each, used

pytestmark = pytest.mark.django_db

ROLES = ("alice", "bob", "carol", "dan", "charlie", "root")
EACH = 4
"""How many pages of one kind are opened: rows of a list lead to pages that are alike."""

SOURCE = re.compile(r"<(pre|code|textarea|script).*?</\1>", re.DOTALL)
RAW = re.compile(r"\b(?!a_very_)[a-z]+(?:_[a-z]+)+\b")
"""A name of the code where words belong."""

TYPED = {"serve_model", "en_core_web_sm", "json_schema", "response_a", "response_b"}
"""Names that a reader has to type: a command, a package, a kind of verifier, keys of JSON."""

BROKEN = re.compile(
    r">\s*(None|nan|inf|True|False|\[\]|\{\})\s*<|\{\{|\{%|&lt;built-in|object at 0x"
)
"""What a template shows of a figure that nobody worded."""

NOT_JSON = re.compile(r"[:\[,] ?-?(NaN|Infinity)\b")
"""What Python writes for an undefined figure, and no browser reads."""

FETCHED = ("hx-get", "data-metrics", "data-part", "data-changes")
"""Attributes that name a part which a page's script or htmx fetches."""

DRAWS = "concord/draw.js"
"""The script that fetches the charts of the page that it stands on."""

NO_LINK = {
    "label_next": "fetched ahead by the labelling page",
    "home": "where the walk begins",
    "dataset_charts": "drawn on the page of a dataset whose rows are there",
    "dataset_compare": "linked from a dataset that is not the only one of its kind",
    "draft_trial": "polled by the page that started it",
    "freeze": "the form stands on the page of datasets",
    "import_rejected": "linked from an import that rejected rows",
    "import_upload": "linked from the imports while the file waits for its import",
    "trial": "polled by the page that started it",
}


class Links(HTMLParser):
    """Where a page leads: links, parts that it fetches, and forms that ask for a page with what
    they hold at first."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._form: tuple[str, list[tuple[str, str]]] | None = None
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found += [given[name] for name in FETCHED if given.get(name)]
        if tag == "a" and "href" in given:
            self.found.append(given["href"])
        elif tag == "script" and given.get("src", "").endswith(DRAWS):
            self.found.append("charts")
        elif tag == "form" and given.get("method", "get").lower() == "get":
            self._form = (given.get("action", ""), [])
        elif self._form is not None and tag == "input" and given.get("name"):
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self._form[1].append((given["name"], given.get("value", "")))
        elif tag == "select":
            self._select = given.get("name", "")
        elif self._form is not None and tag == "option" and self._select and "selected" in given:
            self._form[1].append((self._select, given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form is not None:
            action, fields = self._form
            self.found.append(f"{action}?{urlencode(fields)}")
            self._form = None
        elif tag == "select":
            self._select = ""


def crawl(
    client: Client,
    start: str = "/",
    *,
    each: int = EACH,
    pages: list[str] | None = None,
    texts: dict[str, str] | None = None,
) -> dict[str, str]:
    """Every page that links lead to from the start, with the page that led there. Asserts that
    each opens and shows no raw value. `pages` is given those that are read in a browser, `texts`
    what each of these says, by the address that it came from in the end."""
    seen = {start: ""}
    waiting = [start]
    kinds: Counter[str] = Counter()
    while waiting:
        here = waiting.pop(0)
        answer = client.get(here, follow=True)
        about = f"{here}, linked from {seen[here]}: {answer.status_code}"
        assert answer.status_code == 200, about
        assert "/login/" not in answer.request["PATH_INFO"], f"{about}: asked to sign in"
        if answer.streaming:
            # A file to take away; it is closed when all of it is read.
            answer.getvalue()
            continue
        if answer["Content-Type"] == "application/json":
            assert NOT_JSON.search(answer.content.decode()) is None, about
        if not answer["Content-Type"].startswith("text/html"):
            continue
        if pages is not None:
            pages.append(here)
        html = answer.content.decode()
        if texts is not None:
            query = answer.request["QUERY_STRING"]
            texts[answer.request["PATH_INFO"] + (f"?{query}" if query else "")] = html
        shown = SOURCE.sub("", html)
        broken = BROKEN.search(shown)
        assert broken is None, f"{about}: shows {broken and broken[0]!r}"
        raw = sorted(set(RAW.findall(re.sub(r"<[^>]*>", " ", shown))) - TYPED)
        assert raw == [], f"{about}: shows {raw}"
        for link in Links(html).found:
            target = urlsplit(urljoin(answer.request["PATH_INFO"], link))
            if target.netloc or target.scheme or target.path.startswith(("/static/", "/admin/")):
                continue
            path = f"{target.path}?{target.query}" if target.query else target.path
            kind = resolve(target.path).view_name
            if path in seen or kind in ("account_logout", "api_schema") or kinds[kind] >= each:
                continue
            kinds[kind] += 1
            seen[path] = here
            waiting.append(path)
    return seen


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.mark.parametrize("build", WORLDS, ids=lambda build: build.__name__)
def test_no_link_of_any_page_leads_to_what_its_reader_may_not_open(
    cast: Cast, build: Callable[[Cast], None]
) -> None:
    build(cast)
    User.objects.create_superuser("root")
    opened = {}
    for role in ROLES:
        client = Client()
        client.force_login(User.objects.get(username=role))
        opened[role] = len(crawl(client))
    assert opened["carol"] >= 20, opened
    assert opened["carol"] > opened["bob"] > opened["alice"] >= opened["root"] >= 3, opened


@pytest.mark.parametrize("status", Rater.Status.values)
def test_nobody_is_led_astray_whatever_their_standing_as_a_rater(cast: Cast, status: str) -> None:
    one_of_each(cast)
    Rater.objects.filter(user__isnull=False).update(status=status, status_reason="Too fast.")
    for role in ("alice", "bob", "carol"):
        client = Client()
        client.force_login(User.objects.get(username=role))
        kinds = {resolve(urlsplit(path).path).view_name for path in crawl(client)}
        assert {"label", "mine"} <= kinds, role
        if role != "alice":
            assert "adjudication" in kinds, role


def test_a_suspended_rater_is_told_why_and_can_label_nothing(cast: Cast) -> None:
    make_pair(cast.project, slots=1)
    Rater.objects.filter(user=cast.alice).update(
        status=Rater.Status.SUSPENDED, status_reason="Too fast."
    )
    client = Client()
    client.force_login(cast.alice)
    page = client.get("/projects/harbour/label/")
    assert "You are suspended from labelling in this project" in page.content.decode()
    assert "Too fast." in page.content.decode()
    assert not Slot.objects.filter(rater__user=cast.alice).exists()
    assert client.get("/projects/harbour/label/next").status_code == 403
    assert client.post("/projects/harbour/label/submit").status_code == 403


def test_a_member_without_a_place_among_the_raters_gets_one(cast: Cast) -> None:
    """A membership that was made by hand: the pages that it leads to open all the same."""
    Rater.objects.filter(user__isnull=False).delete()
    for role in ("alice", "bob", "carol"):
        client = Client()
        client.force_login(User.objects.get(username=role))
        crawl(client)
    assert set(Rater.objects.values_list("name", flat=True)) == {"alice", "bob", "carol"}


def test_a_visitor_is_led_to_sign_in_and_nowhere_else(cast: Cast) -> None:
    used(cast)
    client = Client()
    page = client.get("/", follow=True)
    for link in Links(page.content.decode()).found:
        target = urlsplit(urljoin("/login/", link)).path
        if not target.startswith("/static/"):
            assert client.get(target, follow=True).status_code == 200, link


def test_every_page_opens_and_is_linked_from_somewhere(cast: Cast) -> None:
    """One that a new page leaves out fails here: link to it, or say above who fetches it."""
    # The labelling page would hand the pair out, whose own page is closed while it is labelled.
    places = sorted(places_of(cast), key=lambda place: place.name.startswith("label"))
    client = Client()
    client.force_login(cast.carol)
    pages = {}
    for place in places:
        if not place.path.startswith("/api/"):
            answer = client.get(place.path)
            assert answer.status_code in (200, 204, 302, 405), place
            if answer.status_code == 200:
                pages[place.name] = place.path
    assert len(pages) >= 35
    assert client.post("/projects/harbour/label/pause").status_code == 200
    linked = {resolve(urlsplit(path).path).view_name for path in crawl(client)}
    lost = set(pages) - linked - set(NO_LINK) - PUBLIC
    assert lost == set()
