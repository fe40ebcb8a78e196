"""What tests of the labelling page share."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Dialog, Page, expect

from annotation.services import set_policy
from tests.builders import Cast, make_pair
from tests.web.browser import sign_in

LABEL = "/projects/harbour/label/"
EDITOR_A = "#edited-left"


def task(page: Page) -> str:
    return page.get_attribute("[data-task]", "data-task") or ""


def wait_for_next(page: Page, before: str) -> None:
    page.wait_for_function(
        "before => document.querySelector('#task:not([data-busy])') && "
        "(document.querySelector('[data-empty]') || "
        "document.querySelector('[data-task]')?.dataset.task !== before)",
        arg=before,
    )


def wait_until_stored(page: Page, labels: int) -> None:
    """The next pair is on the screen before the label of the last one is stored."""
    page.wait_for_function(
        "labels => document.querySelector('[data-words]')?.textContent.includes(`${labels} done`)",
        arg=labels,
    )


def open_first_of_four(context: BrowserContext, cast: Cast) -> Page:
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
