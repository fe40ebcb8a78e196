"""The forms of a page, told apart by where they go, what they send and by which button; and how a
browser fills one in and sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.urls import resolve
from playwright.sync_api import ElementHandle, FilePayload, Page

ALIKE = {"choice", "reason", "calibration", "small_split"}
"""Buttons that say the same by another value."""


@dataclass(frozen=True, order=True)
class Kind:
    """Forms that are alike: the way and the name of the page they go to, what they send, and what
    the button that sends them says beside it."""

    action: str
    method: str
    button: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.action} ({', '.join(self.fields)}) {self.button}".strip()


@dataclass
class Form:
    """A form as it stands on a page: its attributes, the fields that it would send, its buttons."""

    action: str
    method: str
    fields: set[str] = field(default_factory=set)
    buttons: list[dict[str, str]] = field(default_factory=list)
    typed: bool = False

    def kinds(self, page: str) -> list[tuple[Kind, str]]:
        """Its kinds, one for each button, with the path that it goes to from `page`."""
        buttons = self.buttons or ([{}] if self.typed else [])
        return [self._kind(page, button) for button in buttons]

    def _kind(self, page: str, button: dict[str, str]) -> tuple[Kind, str]:
        name, value = button.get("name", ""), button.get("value", "")
        says = name if name in ALIKE or not value else f"{name}={value}"
        fields = tuple(sorted(self.fields - {"csrfmiddlewaretoken"}))
        if self.method == "dialog":
            return Kind("dialog", self.method, says, fields), ""
        path = urlsplit(urljoin(page, button.get("formaction") or self.action)).path
        return Kind(resolve(path).view_name, self.method, says, fields), path


class Forms(HTMLParser):
    """The forms of a page as the server sent it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None
        self._inert = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._inert += tag in ("noscript", "template")
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.found.append(self._open)
        if self._open is None or self._inert or "disabled" in given:
            return
        if tag == "button" and given.get("type", "submit") == "submit":
            self._open.buttons.append(given)
        elif tag in ("input", "select", "textarea") and given.get("name"):
            self._open.fields.add(given["name"])
            self._open.typed |= given.get("type") != "hidden"

    def handle_endtag(self, tag: str) -> None:
        self._inert -= tag in ("noscript", "template")
        if tag == "form":
            self._open = None


FORMS = """(forms) => forms.map((form) => {
  const text = (one, name) => one.getAttribute(name) ?? "";
  const there = [...form.elements].filter((one) => !one.matches(":disabled, fieldset, output"));
  const fields = there.filter((one) => one.tagName !== "BUTTON" && one.name);
  return {
    action: text(form, "action"),
    method: (form.getAttribute("method") ?? "get").toLowerCase(),
    fields: fields.map((one) => one.name),
    typed: fields.some((one) => one.type !== "hidden"),
    buttons: there.filter((one) => one.matches("button[type=submit], button:not([type])"))
      .map((one) => ({
        name: text(one, "name"), value: text(one, "value"), formaction: text(one, "formaction"),
      })),
  };
})"""

CONTROLS = """(form) => [...form.elements].map((one, index) => ({
  index, tag: one.tagName, type: one.type, name: one.name, value: one.value,
  required: one.required, checked: one.checked, least: one.min || "1",
  free: !one.matches(":disabled") && !one.readOnly,
  alike: [...form.elements].filter((other) => other.name === one.name).length,
  options: [...one.options ?? []].filter((o) => o.value && !o.disabled).map((o) => o.value),
})).filter((one) => one.free && one.name && !["BUTTON", "FIELDSET"].includes(one.tag))"""

UNCOVER = """(one) => {
  const folds = [...document.querySelectorAll("details")];
  for (const fold of folds) if (fold.contains(one) || one.contains(fold)) fold.open = true;
  const menu = one.closest(".dropdown-menu:not(.show)");
  if (menu) menu.parentElement.querySelector("[data-bs-toggle=dropdown]").click();
}"""

BUTTON = """(form, place) => [...form.elements].filter((one) =>
  one.matches("button[type=submit], button:not([type])") && !one.matches(":disabled"))[place]"""

STILL = """() => {
  for (let timer = setTimeout(() => {}); timer > 0; timer--) clearTimeout(timer);
}"""
"""No part of the page is fetched again while its form is filled in."""

WANTING = "() => [...document.querySelectorAll('form :invalid')].map((one) => one.name)"


def hold_still(page: Page) -> None:
    """End what the page does by the clock, such as asking how its jobs stand."""
    if page.locator("[hx-trigger*=every]").count():
        page.wait_for_load_state("networkidle")
        page.evaluate(STILL)


def forms_in(page: Page) -> list[tuple[Form, ElementHandle]]:
    """The forms that stand on the page now, each with its element."""
    handles = page.query_selector_all("form")
    found: list[dict[str, Any]] = page.evaluate(FORMS, handles)
    return [
        (Form(one["action"], one["method"], set(one["fields"]), one["buttons"], one["typed"]), form)
        for one, form in zip(found, handles, strict=True)
    ]


def fill(form: ElementHandle, kind: Kind, values: dict[str, str | FilePayload]) -> None:
    """Fill in what has to be, and what `values` has for a field: by its name, or by the name of
    the page that the form goes to, a dot and its name."""
    form.evaluate(UNCOVER)
    # The menus of a mapping say what was guessed, and to change one has the file read again.
    guessed = form.evaluate("one => one.matches('[data-reading]')")
    for control in form.evaluate(CONTROLS):
        handle = form.evaluate_handle("(form, index) => form.elements[index]", control["index"])
        element = handle.as_element()
        assert element is not None
        name, kept = control["name"], control["value"]
        given = values.get(f"{kind.action}.{name}", values.get(name))
        if control["type"] == "file":
            if given is not None:
                assert not isinstance(given, str)
                element.set_input_files(given)
        elif control["type"] == "checkbox":
            if not control["checked"] and (control["required"] or given is not None):
                element.evaluate("one => one.click()")
        elif control["type"] == "radio":
            if not control["checked"]:
                element.evaluate("one => one.click()")
        elif control["tag"] == "SELECT":
            if not kept and control["options"] and not (guessed and name.startswith("column_")):
                element.select_option(control["options"][0])
        elif control["type"] != "hidden" and isinstance(given, str):
            element.fill(given)
        elif control["type"] != "hidden" and control["required"] and not kept:
            element.fill(control["least"] if control["type"] == "number" else "A few words")
