"""What tests of the labelling page share."""

from __future__ import annotations

from playwright.sync_api import Page


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
