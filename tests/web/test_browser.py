"""A real Chromium: raters label, a run is watched, nothing breaks the page's security policy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, sync_playwright
from pytest_django.live_server_helper import LiveServer

from annotation.models import Choice, Label, Skip, Slot
from annotation.services import publish_guideline, set_policy
from corpus.models import ModelVersion
from exports.models import DatasetVersion
from tests.builders import PASSWORD, Cast, make_cast, make_label, make_pair, make_rater
from tests.web.hostile import HOSTILE
from training.models import TrainingMetric, TrainingRun

CHROMIUM = os.environ.get("CONCORD_TEST_CHROMIUM", "/usr/bin/chromium")
AXE = Path(settings.BASE_DIR) / "node_modules/axe-core/axe.min.js"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said: errors, and violations of the policy among them."""
    return []


@pytest.fixture
def context(
    chromium: Browser, live_server: LiveServer, complaints: list[str]
) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=live_server.url)
    context.set_default_timeout(10_000)
    context.on(
        "console", lambda said: complaints.append(said.text) if said.type == "error" else None
    )
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()


def sign_in(context: BrowserContext, username: str) -> Page:
    page = context.new_page()
    page.goto("/login/")
    page.fill("#id_login", username)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")
    return page


def task(page: Page) -> str:
    return page.get_attribute("[data-task]", "data-task") or ""


def wait_for_next(page: Page, before: str) -> None:
    page.wait_for_function(
        "before => document.querySelector('[data-empty]') || "
        "document.querySelector('[data-task]')?.dataset.task !== before",
        arg=before,
    )


def wait_until_stored(page: Page, labels: int) -> None:
    """The next pair is on the screen before the label of the last one is stored."""
    page.wait_for_function(
        "labels => document.querySelector('[data-words]')?.textContent.includes(`${labels} done`)",
        arg=labels,
    )


def test_a_rater_labels_by_key_and_button_without_a_reload(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    for number in range(6):
        make_pair(cast.project, number, slots=1)
    page = sign_in(context, "alice")
    page.goto("/projects/harbour/label/")
    page.evaluate("window.sameDocument = true")

    first = task(page)
    page.keyboard.press("a")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    label = Label.objects.get()
    assert label.first_was_left is not None
    assert label.choice == (Choice.FIRST if label.first_was_left else Choice.SECOND)
    assert label.seconds is not None
    assert label.seconds > 0

    # Keys are letters while a comment is written.
    second = task(page)
    page.fill("#comment", "")
    page.type("#comment", "axe 1 2")
    assert task(page) == second
    page.click("button[value=both_bad]")
    wait_for_next(page, second)
    wait_until_stored(page, 2)
    assert Label.objects.latest("id").comment == "axe 1 2"

    third = task(page)
    page.click("text=Skip")
    page.click("button[value=unclear]")
    wait_for_next(page, third)
    assert Skip.objects.get().reason == "unclear"

    page.keyboard.press("u")
    page.wait_for_selector("text=Your last label was taken back")
    assert task(page) == second
    assert page.input_value("#comment") == "axe 1 2"
    page.keyboard.press("e")
    wait_for_next(page, second)
    wait_until_stored(page, 2)
    assert Label.objects.effective().filter(choice="equal").count() == 1

    assert page.evaluate("window.sameDocument")
    assert "2 done" in page.inner_text("#task")
    assert complaints == []


def test_the_queue_ends_with_a_word(context: BrowserContext, cast: Cast) -> None:
    make_pair(cast.project, slots=1)
    page = sign_in(context, "alice")
    page.goto("/projects/harbour/label/")

    page.keyboard.press("2")

    page.wait_for_selector("text=Nothing left to label")


def test_two_tabs_with_one_task_store_one_label_and_the_second_is_told(
    context: BrowserContext, cast: Cast
) -> None:
    for number in range(3):
        make_pair(cast.project, number, slots=1)
    one = sign_in(context, "alice")
    one.goto("/projects/harbour/label/")
    other = context.new_page()
    other.goto("/projects/harbour/label/")
    assert task(one) == task(other)

    shared = task(one)
    one.keyboard.press("1")
    wait_for_next(one, shared)
    other.keyboard.press("2")
    other.wait_for_selector("[data-code=already_labelled]")

    assert Label.objects.count() == 1
    assert task(other) == task(one) != shared


def test_hostile_answers_do_nothing_and_break_nothing(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    for number, text in enumerate(HOSTILE):
        make_pair(cast.project, number, first=text, second=f"plain {number}", slots=1)
    page = sign_in(context, "alice")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/projects/harbour/label/")
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)

    for _ in HOSTILE:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.is_visible("button[value=equal]")
        before = task(page)
        page.keyboard.press("e")
        wait_for_next(page, before)
    wait_until_stored(page, len(HOSTILE))

    assert Label.objects.count() == len(HOSTILE)
    assert dialogs == []
    assert complaints == []


def test_everything_on_the_page_is_done_by_key(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    criteria = [{"key": "helpful", "name": "Helpful"}]
    set_policy(project=cast.project, changes={"criteria": criteria, "overlap_share": 0})
    publish_guideline(project=cast.project, text="Be **fair**.")
    for number in range(4):
        make_pair(
            cast.project, number, first=f"one two {number}", second=f"one three {number}", slots=1
        )
    page = sign_in(context, "alice")
    page.goto("/projects/harbour/label/")
    assert page.is_visible("text=Please read the guideline first")
    page.keyboard.press("Tab")
    page.click("text=I have read version 1")
    page.wait_for_selector("[data-task]")

    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")
    page.keyboard.press("g")
    page.wait_for_selector("#guideline.show")
    page.keyboard.press("Escape")
    page.wait_for_selector("#guideline", state="hidden")

    page.keyboard.press("d")
    marked = page.locator(".difference mark").all_inner_texts()
    assert sorted(marked) == ["three", "two"]
    page.keyboard.press("d")
    assert not page.is_visible(".difference mark")

    first = task(page)
    page.keyboard.press("m")
    page.keyboard.press("q")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("i")
    page.keyboard.press("Control+End")
    page.keyboard.type(" and more")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    assert page.is_visible("text=You edited A and chose otherwise")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    label = Label.objects.get(kind="judgement")
    assert label.strength == 3
    assert label.criteria == {"helpful": "equal"}
    edited = Label.objects.get(kind="edit").pair
    assert {edited.first.text[-9:], edited.second.text[-9:]} >= {" and more"}

    page.keyboard.press("k")
    assert page.is_visible("button[value=unclear]")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.wait_for_selector("[data-paused]")
    assert not Slot.objects.filter(state="leased").exists()
    assert complaints == []


def test_a_label_survives_a_server_that_is_away(context: BrowserContext, cast: Cast) -> None:
    for number in range(3):
        make_pair(cast.project, number, slots=1)
    page = sign_in(context, "alice")
    page.goto("/projects/harbour/label/")
    page.wait_for_timeout(1_000)
    first = task(page)
    away = "**/label/submit"
    page.route(away, lambda route: route.abort())
    page.keyboard.press("a")
    wait_for_next(page, first)
    page.wait_for_selector("text=kept here and not stored yet", timeout=20_000)
    assert not Label.objects.exists()
    page.unroute(away)
    page.click("text=Send again")
    wait_until_stored(page, 1)
    assert Label.objects.count() == 1


def make_run(cast: Cast) -> TrainingRun:
    model = ModelVersion.objects.create(project=cast.project, name="m", kind="base")
    dataset = DatasetVersion.objects.create(
        project=cast.project, name="d", number=1, sha256="a" * 64, manifest={"splits": {}}
    )
    run = TrainingRun.objects.create(
        project=cast.project,
        name="dpo",
        method="dpo",
        spec={},
        base_model=model,
        dataset=dataset,
        state="running",
        progress_done=1,
        progress_total=9,
    )
    add_steps(run, 1)
    return run


def add_steps(run: TrainingRun, *steps: int) -> None:
    for step in steps:
        values = {"step": step, "loss": 1 / step, "reward_margin": step, "reward_accuracy": 0.5}
        TrainingMetric.objects.create(run=run, step=step, values=values)


def test_a_running_run_is_drawn_and_drawn_again_as_it_goes_on(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    run = make_run(cast)
    page = sign_in(context, "dan")
    page.goto(f"/projects/harbour/runs/{run.pk}/")
    page.wait_for_function("() => document.querySelectorAll('[data-chart] canvas').length === 3")
    page.wait_for_selector("text=loss 1.0000")

    add_steps(run, 2, 3, 4)
    page.wait_for_selector("text=loss 0.2500")
    TrainingRun.objects.update(state="failed", error="it broke")
    page.wait_for_selector("text=it broke")

    assert complaints == []


def test_polling_leaves_the_focus_alone_ends_with_the_run_and_back_shows_the_whole_page(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    run = make_run(cast)
    page = sign_in(context, "dan")
    page.goto(f"/projects/harbour/runs/{run.pk}/")
    page.focus("text=Cancel")
    add_steps(run, 2)
    page.wait_for_selector("text=loss 0.5000")
    assert page.evaluate("document.activeElement.textContent") == "Cancel"

    page.click("text=Overview")
    page.wait_for_url("**/projects/harbour/")
    page.go_back()
    page.wait_for_selector("header.navbar")
    page.wait_for_selector("text=loss 0.5000")

    TrainingRun.objects.update(state="failed", error="it broke")
    page.wait_for_selector("text=it broke")
    # The charts have a clock of their own: they ask once more before they know of the end.
    page.wait_for_timeout(3_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(5_000)
    assert asked == []
    assert complaints == []


def test_a_server_that_stumbles_takes_neither_the_page_nor_its_charts_away(
    context: BrowserContext, cast: Cast
) -> None:
    run = make_run(cast)
    page = sign_in(context, "dan")
    page.goto(f"/projects/harbour/runs/{run.pk}/")
    page.wait_for_selector("text=loss 1.0000")
    address = f"**/projects/harbour/runs/{run.pk}/**"

    stumbled: list[str] = []

    def stumble(route: Route) -> None:
        stumbled.append(route.request.url)
        route.fulfill(status=502, body="<h1>Bad gateway</h1>")

    page.route(address, stumble)
    page.wait_for_timeout(4_500)
    assert {url.endswith("metrics") for url in stumbled} == {True, False}
    assert page.is_visible("text=loss 1.0000")
    page.unroute(address)

    add_steps(run, 2)
    page.wait_for_selector("text=loss 0.5000")
    with page.expect_response("**/metrics"):
        pass


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(
    chromium: Browser, live_server: LiveServer, cast: Cast, scheme: str
) -> None:
    run = make_run(cast)
    rater = make_rater(cast.project, "imported")
    for number in range(4):
        make_label(make_pair(cast.project, number, slots=1), rater)
    context = chromium.new_context(base_url=live_server.url, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/login/")
    assert serious(page) == []
    page = sign_in(context, "carol")
    for path in (
        *("", "label/", "datasets/", "judge/", "constitution/", "models/", "runs/new"),
        *("raters/", f"raters/{rater.pk}/", "agreement/", "coverage/", "gold/", "gold/next"),
        *("adjudication/", "guideline/", "intake/", "quality/", "invitations/", "mine/"),
    ):
        page.goto(f"/projects/harbour/{path}")
        assert serious(page) == [], path
    page.goto("/projects/harbour/label/")
    page.keyboard.press("?")
    assert serious(page) == [], "the sheet of keys"
    page.goto(f"/projects/harbour/runs/{run.pk}/")
    page.wait_for_function("() => document.querySelectorAll('[data-chart] canvas').length === 3")
    assert serious(page) == []
    context.close()


def serious(page: Page) -> list[str]:
    """Serious and critical findings of axe-core, with the element they are about."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
