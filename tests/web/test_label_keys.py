"""Labelling in a real Chromium: keys do what the page says, and a pair is well seen."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from annotation.models import GoldPair, Label, Rater, Slot
from annotation.services import publish_guideline, set_policy
from tests.annotation.workshop import make_gold
from tests.builders import Cast, make_cast, make_pair, rater_for
from tests.web.browser import CHROMIUM, serious, sign_in
from tests.web.labelling import (
    LABEL,
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


ANSWER = f"""\\(x^2\\) costs $5 and $10

- [x] done

![a boat](data:image/png;base64,{"A" * 400})

| {" | ".join(f"Column{number}" for number in range(12))} |
|{"---|" * 12}
| {" | ".join(["internationalization"] * 12)} |

```
\\(code\\) $code$
```
"""


def test_a_wide_table_scrolls_inside_its_answer_and_its_words_stay_whole(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    for number in range(3):
        make_pair(cast.project, number, first=ANSWER + str(number), second="plain", slots=1)
    page = sign_in(context, "alice")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(LABEL)
    page.wait_for_selector("#task[data-ahead]")
    first = task(page)
    page.keyboard.press("e")
    wait_for_next(page, first)
    wait_until_stored(page, 1)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    table = page.locator(".prose-table")
    assert table.evaluate("one => one.scrollWidth > one.clientWidth")
    assert table.get_attribute("tabindex") == "0"
    cell = "one => one.clientHeight < 2.5 * parseFloat(getComputedStyle(one).lineHeight)"
    assert page.locator(".prose-table td").first.evaluate(cell)
    assert page.locator(".prose math").count() == 1
    assert "$5 and $10" in page.inner_text("[data-rendered]:has(math)")
    assert page.inner_text(".prose pre").strip() == "\\(code\\) $code$"
    assert page.inner_text(".image-placeholder") == "Image not loaded: a boat"
    page.keyboard.press("d")
    page.wait_for_selector(".difference mark")
    assert "AAAA" not in "".join(page.locator(".difference").all_inner_texts())
    assert complaints == []
