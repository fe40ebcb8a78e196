"""What takes something away asks first, and where there can be a way back there is one."""

from __future__ import annotations

import re
import shutil

import pytest
from django.test import Client
from django.urls import get_resolver
from playwright.sync_api import BrowserContext, Dialog

from annotation.errors import AdjudicationError
from annotation.models import Adjudication, GoldPair, Slot
from annotation.services import bring_back, claim_next_slot
from annotation.services.adjudication import set_aside
from corpus.models import Pair
from exports.building import build
from exports.errors import NothingToFreezeError
from exports.spec import FreezeFilters
from tests.builders import Cast, make_cast, make_gold, make_label, make_pair, rater_for
from tests.web.browser import CHROMIUM, sign_in
from tests.web.places import places_of, walk
from tests.web.test_walk import crawl
from tests.web.worlds import used

HERE = "/projects/harbour/"
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
BUTTON = re.compile(r"<button\b([^>]*)>\s*([^<]+)", re.DOTALL)
TAKES_AWAY = re.compile(
    r"^(Retire|Revoke|Remove|Suspend|Set pair aside|Stop|Cancel|Throw|Discard|Delete)\b"
)
ASKED_BY_SCRIPT = "data-remove"
"""The editor of constitutions asks by itself."""


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.mark.django_db
def test_every_button_that_takes_something_away_asks_first(client: Client, cast: Cast) -> None:
    used(cast)
    client.force_login(cast.carol)
    client.post(f"{HERE}invitations/", {"role": "rater"})
    asked = set()
    texts: dict[str, str] = {}
    crawl(client, texts=texts)
    for path, html in texts.items():
        for form, inside in FORM.findall(html):
            for button, words in BUTTON.findall(inside):
                if found := TAKES_AWAY.match(words.strip()):
                    asked.add(found[1])
                    asks = "data-confirm" in form + button or ASKED_BY_SCRIPT in form
                    assert asks, f"{path}: {words.strip()} acts at once"
    assert {"Retire", "Revoke", "Remove", "Suspend", "Set pair aside", "Cancel"} <= asked


@pytest.mark.django_db
def test_a_pair_that_was_set_aside_comes_back_with_the_labels_it_lacks(
    client: Client, cast: Cast
) -> None:
    pair = make_pair(cast.project, 1, slots=1)
    bob = rater_for(cast.bob, cast.project)
    make_label(pair, rater_for(cast.carol, cast.project))
    row = Adjudication.objects.create(project=cast.project, pair=pair, reason="flag")
    set_aside(adjudication=row, rater=bob)
    assert claim_next_slot(rater=rater_for(cast.alice, cast.project)) is None
    with pytest.raises(NothingToFreezeError):
        build(cast.project, "d", FreezeFilters(validation=0, test=0))

    client.force_login(cast.bob)
    page = client.get(f"{HERE}adjudication/{row.pk}/").content.decode()
    assert "Restore pair" in page
    client.post(f"{HERE}adjudication/{row.pk}/", {"action": "bring_back"})

    pair.refresh_from_db()
    assert pair.held_back == ""
    assert Adjudication.objects.get(state="open").detail == "restored by bob"
    assert Slot.objects.filter(pair=pair, state="open").count() == 1
    assert claim_next_slot(rater=rater_for(cast.alice, cast.project)) is not None
    build(cast.project, "d", FreezeFilters(validation=0, test=0))
    again = client.post(f"{HERE}adjudication/{row.pk}/", {"action": "bring_back"})
    assert again.status_code == 409
    assert "not set aside" in again.content.decode()


@pytest.mark.django_db
def test_only_what_was_set_aside_by_hand_is_brought_back(cast: Cast) -> None:
    pair = make_pair(cast.project, 1)
    Pair.objects.update(held_back=Pair.HeldBack.DUPLICATE)
    row = Adjudication.objects.create(
        project=cast.project, pair=pair, reason="flag", state="set_aside"
    )
    with pytest.raises(AdjudicationError):
        bring_back(adjudication=row, rater=rater_for(cast.bob, cast.project))


@pytest.mark.django_db
def test_retired_gold_is_put_back_by_an_admin(client: Client, cast: Cast) -> None:
    gold = make_gold(make_pair(cast.project, 1), "second")
    address = f"{HERE}gold/{gold.pair_id}/"
    client.force_login(cast.carol)
    client.post(f"{address}retire")
    assert "Restore" in client.get(f"{HERE}gold/").content.decode()
    client.force_login(cast.bob)
    assert client.post(f"{address}restore").status_code == 403
    client.force_login(cast.carol)
    client.post(f"{address}restore")
    gold.refresh_from_db()
    assert (gold.state, gold.choice) == (GoldPair.State.SETTLED, "second")
    page = client.post(f"{address}restore", follow=True).content.decode()
    assert "Only a retired pair" in page


@pytest.mark.django_db
def test_a_number_too_large_for_any_id_is_not_found_anywhere(client: Client, cast: Cast) -> None:
    places_of(cast)
    client.force_login(cast.carol)
    asked = 0
    for _, route in walk(get_resolver().url_patterns):
        if "<int:" not in route or route.startswith("admin/"):
            continue
        path = re.sub(r"<int:\w+>", str(2**70), "/" + route)
        path = path.replace("<slug:project_slug>", "harbour").replace("<slug:slug>", "c")
        asked += 1
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code in (404, 405), path
    assert asked >= 40


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}")
def test_a_no_to_the_question_leaves_all_as_it_is(context: BrowserContext, cast: Cast) -> None:
    gold = make_gold(make_pair(cast.project, 1), "second")
    page = sign_in(context, "carol")
    page.goto(f"{HERE}gold/")
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        if len(questions) == 1:
            dialog.dismiss()
        else:
            dialog.accept()

    page.on("dialog", answer)
    page.click("button:text-is('Retire')")
    gold.refresh_from_db()
    assert gold.state == GoldPair.State.SETTLED
    page.click("button:text-is('Retire')")
    page.wait_for_selector("button:text-is('Restore')")
    gold.refresh_from_db()
    assert gold.state == GoldPair.State.RETIRED
    assert questions[0].startswith("Retire this gold pair?")
