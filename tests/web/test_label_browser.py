"""Labelling in a real Chromium: nothing typed is lost, and keys do what the page says."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, expect

from annotation.models import GoldPair, Label, Rater, Skip, Slot
from annotation.services import publish_guideline, set_policy
from corpus.intake import intake_policy
from tests.annotation.workshop import make_gold
from tests.builders import Cast, make_cast, make_pair, rater_for
from tests.web.browser import CHROMIUM, serious, sign_in
from tests.web.labelling import task, wait_for_next, wait_until_stored

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]

LABEL = "/projects/harbour/label/"
EDITOR_A = "#edited-left"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def page(context: BrowserContext, cast: Cast) -> Page:
    """Alice on the first of four pairs; criteria beside the choice; the next pair fetched."""
    criteria = [{"key": "helpful", "name": "Helpful"}, {"key": "honest", "name": "Honest"}]
    set_policy(project=cast.project, changes={"criteria": criteria, "overlap_share": 0})
    for number in range(4):
        make_pair(cast.project, number, slots=1)
    page = sign_in(context, "alice")
    page.goto(LABEL)
    page.wait_for_selector("#task[data-ahead]")
    return page


class Questions:
    """Answers what the browser asks, and keeps what was asked."""

    def __init__(self, page: Page, *, agree: bool) -> None:
        self.agree = agree
        self.asked: list[str] = []
        page.on("dialog", self._answer)

    def _answer(self, dialog: Dialog) -> None:
        self.asked.append(f"{dialog.type}: {dialog.message}")
        if self.agree:
            dialog.accept()
        else:
            dialog.dismiss()


def edit_a(page: Page, words: str) -> None:
    page.keyboard.press("i")
    expect(page.locator(EDITOR_A)).to_be_focused()
    page.keyboard.press("Control+End")
    page.keyboard.type(words)
    page.keyboard.press("Escape")


def focus_is_on_the_pair(page: Page) -> None:
    page.wait_for_function("document.activeElement?.matches('[data-task]')")


def test_undo_brings_an_edit_back_with_its_editor_open_and_it_is_sent_again(
    page: Page, cast: Cast
) -> None:
    first = task(page)
    edit_a(page, " More.")
    page.keyboard.press("a")
    wait_for_next(page, first)
    wait_until_stored(page, 1)

    page.keyboard.press("u")
    page.wait_for_selector("text=Your last label was taken back")
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
    page.wait_for_selector("text=You edited A and chose otherwise")
    focus_is_on_the_pair(page)
    page.keyboard.press("1")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    assert Label.objects.filter(kind="edit").exists()
    assert page.locator("text=You edited A and chose otherwise").count() == 0


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
    assert "your comment and what you picked" in questions.asked[0]
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
    page.wait_for_selector("text=Your last label was taken back")
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


def test_while_something_lies_over_the_pair_no_key_judges_it(page: Page, cast: Cast) -> None:
    publish_guideline(project=cast.project, text="Be fair.")
    page.reload()
    page.click("text=I have read version 1")
    page.wait_for_selector("#task[data-ahead]")
    first = task(page)
    for key, open_one in (("k", ".dropdown-menu.show"), ("g", "#guideline.show"), ("?", "#keys")):
        page.keyboard.press(key)
        page.wait_for_selector(open_one)
        for answer in ("1", "2", "e", "x", "ArrowLeft"):
            page.keyboard.press(answer)
        assert task(page) == first, key
        page.keyboard.press("Escape")
        page.wait_for_selector(open_one, state="hidden")
    page.wait_for_function("!document.querySelector('.offcanvas-backdrop')")
    page.keyboard.press("1")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    assert Label.objects.count() == 1


def test_enter_in_a_comment_judges_nothing(page: Page) -> None:
    first = task(page)
    page.keyboard.press("n")
    page.keyboard.type("done")
    page.keyboard.press("Enter")
    expect(page.locator("#comment")).not_to_be_focused()
    page.keyboard.press("x")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    label = Label.objects.get()
    assert (label.choice, label.comment) == ("both_bad", "done")


def test_after_each_label_the_pair_has_the_focus_and_nothing_is_drawn_around_it(
    page: Page,
) -> None:
    for done in (1, 2):
        shown = task(page)
        page.keyboard.press("a")
        wait_for_next(page, shown)
        wait_until_stored(page, done)
        focus_is_on_the_pair(page)
        style = "getComputedStyle(document.querySelector('[data-task]')).outlineStyle"
        assert page.evaluate(style) == "none"


def test_strength_and_criteria_are_in_reach_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate(
        "document.querySelector('[data-rendered]').append(...Array.from({length: 200}, () => "
        "Object.assign(document.createElement('p'), {textContent: 'long'})))"
    )
    choice = page.locator("button[value=left]").bounding_box()
    assert choice is not None
    assert choice["y"] + choice["height"] <= 844
    for name in ("Helpful", "Honest", "How much better"):
        box = page.get_by_role("radiogroup", name=name).bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= choice["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


PRESSED = """key => {
  const event = new KeyboardEvent("keydown", {
    key: key.replace("Control+", ""), ctrlKey: key.startsWith("Control+"),
    bubbles: true, cancelable: true,
  });
  document.querySelector("[data-task]").dispatchEvent(event);
  return event.defaultPrevented;
}"""
NAMES = {"←": "ArrowLeft", "→": "ArrowRight", "Esc": "Escape", "Ctrl Z": "Control+z"}
KEYS = [
    *"abcdefghijklmnopqrstuvwxyz0123456789?/.,;-+=[]*#!",
    *("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Enter", " ", "Tab", "Backspace"),
    *("Delete", "Home", "End", "PageUp", "PageDown", "Control+z", "Control+a", "Control+c", "F1"),
]


def test_every_key_that_does_something_is_on_the_sheet_and_the_other_way_round(
    page: Page, cast: Cast
) -> None:
    for number in range(10, 20):
        make_pair(cast.project, number, slots=1)
    publish_guideline(project=cast.project, text="Be fair.")
    page.reload()
    page.click("text=I have read version 1")
    first = task(page)
    page.keyboard.press("e")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    page.keyboard.press("?")
    page.wait_for_selector("#keys")
    assert serious(page) == []
    shown = page.locator("#keys dt kbd").all_inner_texts()
    listed = {NAMES.get(key, key.lower() if len(key) == 1 else key) for key in shown}

    handled = {"Escape"}
    fresh = False
    for key in KEYS:
        if not fresh:
            page.goto(LABEL)
            page.wait_for_selector("[data-task]")
            page.wait_for_load_state()
        fresh = not page.evaluate(PRESSED, key)
        if not fresh:
            handled.add(key)

    assert handled == listed
    assert len(listed) >= 20


def test_feedback_on_a_calibration_answer_stands_on_its_own_pair_until_a_key_goes_on(
    page: Page, cast: Cast, complaints: list[str]
) -> None:
    set_policy(project=cast.project, changes={"calibration_pairs": 20})
    make_gold(cast.project, 25)
    GoldPair.objects.update(choice="first", note="Because **clarity** wins.")
    Rater.objects.filter(pk=rater_for(cast.alice, cast.project).pk).update(
        status=Rater.Status.ONBOARDING
    )
    Slot.objects.filter(state="leased").update(state="open", rater=None, lease=None, place=None)
    for right in (False, True):
        page.goto(LABEL)
        page.wait_for_selector("[data-task]")
        sides = page.locator("[data-rendered]").all_inner_texts()
        first_is_left = Slot.objects.get(state="leased").first_is_left
        pressed = "left" if right == first_is_left else "right"
        page.keyboard.press("a" if pressed == "left" else "b")
        page.wait_for_selector(f"[data-feedback={'right' if right else 'wrong'}]")

        assert page.locator("[data-rendered]").all_inner_texts() == sides
        gold = "left" if first_is_left else "right"
        assert "The seniors’ answer" in page.inner_text(f"[data-side={gold}] .card-header")
        assert "Your answer" in page.inner_text(f"[data-side={pressed}] .card-header")
        assert page.locator("[data-note] strong").count() == (not right)
        assert page.locator("button[name=choice]").count() == 0
        assert page.is_disabled("[data-undo] button")
        assert serious(page) == []
        page.keyboard.press("1")
        assert page.locator("[data-feedback]").count() == 1
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-task]")
        assert page.locator("[data-feedback]").count() == 0
    assert Label.objects.count() == 2
    assert complaints == []
