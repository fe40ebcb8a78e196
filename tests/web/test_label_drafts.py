"""Labelling in a real Chromium: nothing typed is lost without a question."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from annotation.models import Label, Skip, Slot
from corpus.intake.policy import intake_policy
from tests.builders import Cast, make_cast
from tests.web.browser import CHROMIUM, sign_in
from tests.web.labelling import (
    EDITOR_A,
    LABEL,
    Questions,
    edit_a,
    focus_is_on_the_pair,
    open_first_of_four,
    task,
    wait_for_next,
    wait_until_stored,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def page(context: BrowserContext, cast: Cast) -> Page:
    return open_first_of_four(context, cast)


def test_undo_brings_an_edit_back_with_its_editor_open_and_it_is_sent_again(
    page: Page, cast: Cast
) -> None:
    first = task(page)
    edit_a(page, " More.")
    page.keyboard.press("a")
    wait_for_next(page, first)
    wait_until_stored(page, 1)

    page.keyboard.press("u")
    page.wait_for_selector("text=Your last label was undone")
    expect(page.locator(EDITOR_A)).to_be_visible()
    assert page.input_value(EDITOR_A).endswith(" More.")
    assert page.get_attribute("[data-edit=left]", "aria-expanded") == "true"
    page.keyboard.press("a")
    wait_for_next(page, first)
    wait_until_stored(page, 1)

    edit = Label.objects.effective().get(kind="edit")
    assert edit.derived_from == Label.objects.effective().get(kind="judgement")
    assert any(one.text.endswith(" More.") for one in (edit.pair.first, edit.pair.second))


def test_closing_an_editor_keeps_what_was_written_and_only_a_question_discards_it(
    page: Page,
) -> None:
    edit_a(page, " More.")
    page.keyboard.press("i")
    expect(page.locator(EDITOR_A)).to_be_hidden()
    expect(page.locator("#edited-right")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    focus_is_on_the_pair(page)
    page.keyboard.press("i")
    expect(page.locator(EDITOR_A)).to_be_visible()
    assert page.input_value(EDITOR_A).endswith(" More.")

    questions = Questions(page, agree=False)
    page.click("[data-discard=left]")
    assert page.input_value(EDITOR_A).endswith(" More.")
    questions.agree = True
    page.click("[data-discard=left]")
    expect(page.locator("[data-discard=left]")).to_be_hidden()
    assert not page.input_value(EDITOR_A).endswith(" More.")
    assert questions.asked == 2 * ["confirm: Discard your edit of A?"]


def test_after_choosing_the_answer_that_was_not_edited_keys_are_keys_again(page: Page) -> None:
    first = task(page)
    page.keyboard.press("i")
    page.keyboard.type("Better. ")
    page.click("button[value=right]")
    page.wait_for_selector("text=You edited A but chose a different answer")
    focus_is_on_the_pair(page)
    page.keyboard.press("1")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    assert Label.objects.filter(kind="edit").exists()
    assert page.locator("text=You edited A but chose a different answer").count() == 0


@pytest.mark.parametrize("leave", ["undo", "skip", "pause"])
def test_giving_a_pair_up_asks_before_what_was_written_on_it_goes(page: Page, leave: str) -> None:
    first = task(page)
    page.keyboard.press("e")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    second = task(page)
    page.keyboard.press("n")
    page.keyboard.type("I think so.")
    page.keyboard.press("Enter")
    page.keyboard.press("m")
    questions = Questions(page, agree=False)

    def give_up() -> None:
        if leave == "skip":
            page.keyboard.press("k")
            page.get_by_role("button", name="Unclear").click()
        else:
            page.keyboard.press("u" if leave == "undo" else "p")

    def wait_until_asked(times: int) -> None:
        while len(questions.asked) < times:
            page.wait_for_event("dialog")

    give_up()
    wait_until_asked(1)
    assert "your comment and your picks" in questions.asked[0]
    assert task(page) == second
    assert page.input_value("#comment") == "I think so."
    questions.agree = True
    give_up()
    wait_until_asked(2)
    if leave == "pause":
        page.wait_for_selector("[data-paused]")
    else:
        wait_for_next(page, second)
    assert Skip.objects.count() == (leave == "skip")


def test_leaving_the_page_asks_and_coming_back_brings_everything_back(page: Page) -> None:
    first = task(page)
    edit_a(page, " More.")
    page.keyboard.press("n")
    page.keyboard.type("Half a thought")
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    page.keyboard.press("Space")
    questions = Questions(page, agree=True)
    page.click("text=My work")
    page.wait_for_url("**/mine/")
    assert [one.split(":")[0] for one in questions.asked] == ["beforeunload"]

    page.goto(LABEL)
    assert task(page) == first
    page.wait_for_selector("#task[data-ahead]")
    assert page.input_value("#comment") == "Half a thought"
    assert page.input_value(EDITOR_A).endswith(" More.")
    assert page.is_checked("[name=criterion-helpful]")
    page.keyboard.press("a")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    label = Label.objects.get(kind="judgement")
    assert (label.comment, len(label.criteria)) == ("Half a thought", 1)
    # What was sent is no draft any more.
    page.keyboard.press("u")
    page.wait_for_selector("text=Your last label was undone")
    page.fill("#comment", "")
    page.reload()
    page.wait_for_selector("#task[data-ahead]")
    assert page.input_value("#comment") == ""


def test_a_label_that_is_refused_comes_back_with_everything_that_was_written(
    page: Page, cast: Cast
) -> None:
    policy = intake_policy(cast.project.pk)
    policy.identity, policy.identity_terms = "mask", "answer"
    policy.save()
    page.reload()
    page.wait_for_selector("#task[data-ahead]")
    first = task(page)
    edit_a(page, " More.")
    page.fill("#comment", "Why not.")
    page.click("button[value=left]")
    page.wait_for_selector("[data-code=invalid_label]")

    assert task(page) == first
    assert page.input_value("#comment") == "Why not."
    assert page.input_value(EDITOR_A).endswith(" More.")
    assert not Label.objects.exists()
    page.wait_for_selector("#task[data-ahead]")
    page.fill(EDITOR_A, "Mended.")
    page.click("button[value=left]")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    assert Label.objects.get(kind="judgement").comment == "Why not."


def test_a_refusal_of_the_last_pair_keeps_everything_too(page: Page) -> None:
    for _ in range(3):
        shown = task(page)
        page.wait_for_selector("#task[data-ahead]")
        page.keyboard.press("e")
        wait_for_next(page, shown)
    wait_until_stored(page, 3)
    last = task(page)
    page.evaluate("document.querySelector('#comment').removeAttribute('maxlength')")
    page.fill("#comment", "x" * 5001)
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    page.click("button[value=left]")
    page.wait_for_selector("[data-code=invalid_label]")
    assert task(page) == last
    assert len(page.input_value("#comment")) == 5001
    assert page.is_checked("#strength-3")


def test_what_was_written_on_a_pair_that_is_gone_stays_readable(page: Page) -> None:
    first = task(page)
    edit_a(page, " More.")
    page.fill("#comment", "Why not.")
    Slot.objects.filter(state="leased").update(state="open", rater=None, lease=None, place=None)
    page.click("button[value=left]")
    page.wait_for_selector("[data-code=not_your_task]")
    assert task(page) != first
    kept = page.locator("[data-unsaved]")
    assert kept.count() == 2
    assert kept.nth(0).input_value().endswith(" More.")
    assert kept.nth(1).input_value() == "Why not."


def test_a_label_of_a_session_that_ended_is_sent_after_signing_in_again(
    page: Page, context: BrowserContext
) -> None:
    first = task(page)
    edit_a(page, " More.")
    context.clear_cookies(name="sessionid")
    page.keyboard.press("a")
    page.wait_for_selector("text=You have been signed out")
    assert not Label.objects.exists()

    sign_in(context, "alice").close()
    page.click("text=Send again")
    wait_until_stored(page, 1)
    assert task(page) != first
    assert Label.objects.filter(kind="edit").count() == 1


def test_the_last_label_of_a_session_that_ended_is_pressed_again_after_signing_in(
    page: Page, context: BrowserContext
) -> None:
    Slot.objects.filter(state="open").delete()
    Slot.objects.filter(state="leased").exclude(place=0).delete()
    page.reload()
    page.keyboard.press("n")
    page.keyboard.type("The last one")
    page.keyboard.press("Enter")
    context.clear_cookies(name="sessionid")
    page.keyboard.press("a")
    page.wait_for_selector("text=You have been signed out")
    assert page.input_value("#comment") == "The last one"

    sign_in(context, "alice").close()
    page.keyboard.press("a")
    page.wait_for_selector("text=Nothing left to label")
    assert Label.objects.get().comment == "The last one"
