"""Gold answers and adjudication in a real Chromium, by the keys of labelling."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page

from annotation.models import Adjudication, GoldAnswer, Label
from annotation.services import find_adjudications
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater
from tests.web.browser import CHROMIUM, serious, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]

PROJECT = "/projects/harbour"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def question(page: Page) -> str:
    return page.inner_text("[aria-label=Prompt]")


def wait_for_another(page: Page, before: str) -> None:
    page.wait_for_function(
        "before => { const shown = document.querySelector('[aria-label=Prompt]');"
        " return shown && shown.innerText !== before; }",
        arg=before,
    )
    page.wait_for_load_state()


def test_gold_answers_are_given_by_key_one_after_the_other(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    for number in range(3):
        make_pair(cast.project, number, first=f"one two {number}", second=f"one three {number}")
    page = sign_in(context, "bob")
    page.goto(f"{PROJECT}/gold/next")
    assert serious(page) == []

    page.keyboard.press("d")
    page.wait_for_selector(".difference mark")
    skipped = question(page)
    page.keyboard.press("k")
    wait_for_another(page, skipped)
    assert not GoldAnswer.objects.exists()

    answered = question(page)
    page.keyboard.press("n")
    page.keyboard.type("A is **kind**, not 1 or 2")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    wait_for_another(page, answered)
    answer = GoldAnswer.objects.get()
    assert answer.choice in ("first", "second")
    assert answer.note == "A is **kind**, not 1 or 2"

    for key, count in (("e", 2), ("x", 3)):
        before = page.url
        page.keyboard.press(key)
        page.wait_for_url(lambda url, before=before: url != before)  # type: ignore[misc]
        page.wait_for_load_state()
        assert GoldAnswer.objects.count() == count
    page.wait_for_selector("text=no pairs left")
    assert set(GoldAnswer.objects.values_list("choice", flat=True)) >= {"equal", "both_bad"}
    assert complaints == []


def test_disputes_are_decided_by_key_one_after_the_other(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    for number in range(4):
        pair = make_pair(cast.project, number)
        for name, choice in (("a", "first"), ("b", "second")):
            make_label(pair, make_rater(cast.project, f"{name}{number}"), choice)
    find_adjudications(project=cast.project)
    page = sign_in(context, "bob")
    page.goto(f"{PROJECT}/adjudication/{Adjudication.objects.earliest('id').pk}/")
    assert serious(page) == []
    page.on("dialog", lambda dialog: dialog.accept())

    def press(key: str) -> None:
        before = question(page)
        page.keyboard.press(key)
        wait_for_another(page, before)

    skipped = question(page)
    press("k")
    page.keyboard.press("n")
    page.keyboard.type("1 of them is kind")
    # Enter leaves the note; it is no decision.
    page.keyboard.press("Enter")
    press("b")
    label = Label.objects.get(kind="adjudication")
    assert label.choice == ("second" if label.first_was_left else "first")
    assert Adjudication.objects.get(state="decided").note == "1 of them is kind"
    press("o")
    assert Adjudication.objects.filter(state="dismissed").count() == 1
    press("h")
    assert Adjudication.objects.filter(state="set_aside").count() == 1
    assert question(page) == skipped
    page.keyboard.press("?")
    page.wait_for_selector("#keys")
    assert {"1", "A", "←", "2", "B", "E", "X", "D", "N", "K", "O", "H"} <= set(
        page.locator("#keys dt kbd").all_inner_texts()
    )
    assert complaints == []


@pytest.mark.parametrize("where", ["gold", "adjudication"])
def test_a_note_is_not_lost_without_a_question(
    context: BrowserContext, cast: Cast, where: str
) -> None:
    for number in range(2):
        pair = make_pair(cast.project, number)
        for name, choice in (("a", "first"), ("b", "second")):
            make_label(pair, make_rater(cast.project, f"{name}{number}"), choice)
    find_adjudications(project=cast.project)
    page = sign_in(context, "bob")
    row = Adjudication.objects.earliest("id")
    page.goto(f"{PROJECT}/gold/next" if where == "gold" else f"{PROJECT}/adjudication/{row.pk}/")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    shown = question(page)
    page.keyboard.press("n")
    page.keyboard.type("A reason")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    while not asked:
        page.wait_for_event("dialog")
    assert asked == ["beforeunload"]
    assert question(page) == shown
    assert page.input_value("[name=note]") == "A reason"
    if where == "gold":
        return
    # A decision that comes too late is refused, and the note is still there.
    Adjudication.objects.filter(pk=row.pk).update(state="dismissed")
    page.keyboard.press("e")
    page.wait_for_selector("text=has been dismissed in the meantime")
    assert page.input_value("[data-unsaved]") == "A reason"


def test_a_guideline_that_is_being_written_is_not_left_without_a_question(
    context: BrowserContext, cast: Cast
) -> None:
    page = sign_in(context, "carol")
    page.goto(f"{PROJECT}/guideline/")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.click("#id_text")
    page.keyboard.type("Be fair.")
    page.click("text=Intake")
    while not asked:
        page.wait_for_event("dialog")
    assert page.input_value("#id_text") == "Be fair."
    page.click("text=Publish")
    page.wait_for_selector("text=as raters see it")
    assert asked == ["beforeunload"]
