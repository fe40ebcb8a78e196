"""A real Chromium: raters label, a run is watched, nothing breaks the page's security policy."""

from __future__ import annotations

import shutil

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Dialog, Route
from pytest_django.live_server_helper import LiveServer

from annotation.models import Choice, Label, Skip, Slot
from annotation.services import publish_guideline, set_policy
from corpus.models import ModelVersion
from exports.models import DatasetVersion
from jobs.models import JobState
from judging.measures.attacks import AttackResult
from judging.models import AttackRun, JudgeConfig
from serving.models import Trial
from serving.servers import register_server
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater
from tests.judging.judges import by_number, make_judge, run_judge
from tests.web.browser import CHROMIUM, serious, sign_in
from tests.web.hostile import HOSTILE
from tests.web.labelling import task, wait_for_next, wait_until_stored
from training.models import TrainingMetric, TrainingRun

UGLY = "\n\n".join(text[:300] for text in HOSTILE)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


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
    page.click("[data-skip]")
    page.click("button[value=unclear]")
    wait_for_next(page, third)
    assert Skip.objects.get().reason == "unclear"

    page.keyboard.press("u")
    page.wait_for_selector("text=Your last label was undone")
    page.wait_for_selector("#task:not([data-busy])")
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


def test_an_answer_pressed_before_the_scripts_have_arrived_is_stored(
    context: BrowserContext, cast: Cast
) -> None:
    for number in range(2):
        make_pair(cast.project, number, slots=1)
    context.route("**/annotation/label.js", lambda route: route.abort())
    page = sign_in(context, "alice")
    page.goto("/projects/harbour/label/")
    shown = task(page)

    page.click("button[value=right]")
    wait_for_next(page, shown)

    assert Slot.objects.filter(state=Slot.State.DONE, labels__isnull=False).count() == 1
    assert "csrfmiddlewaretoken" not in page.url
    page.wait_for_load_state()
    page.click("[data-skip]")
    page.get_by_role("button", name="Unclear").click()
    page.wait_for_selector("text=Nothing left to label")
    assert Skip.objects.count() == 1


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
    wait_until_stored(one, 1)
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
    page.wait_for_load_state()

    page.keyboard.press("?")
    page.wait_for_selector("#keys")
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")
    page.keyboard.press("g")
    page.wait_for_selector("#guideline.show")
    page.keyboard.press("Escape")
    page.wait_for_selector("#guideline", state="hidden")

    page.keyboard.press("d")
    page.wait_for_selector(".difference mark")
    marked = page.locator(".difference mark").all_inner_texts()
    assert sorted(marked) == ["three", "two"]
    page.keyboard.press("d")
    page.wait_for_selector(".difference mark", state="hidden")

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
    page.wait_for_selector("text=You edited A but chose a different answer")
    page.keyboard.press("a")
    wait_for_next(page, first)
    wait_until_stored(page, 1)
    label = Label.objects.get(kind="judgement")
    assert label.strength == 3
    assert label.criteria == {"helpful": "equal"}
    edited = Label.objects.get(kind="edit").pair
    assert {edited.first.text[-9:], edited.second.text[-9:]} >= {" and more"}

    page.keyboard.press("k")
    page.wait_for_selector("button[value=unclear]")
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
    page.wait_for_selector("#task[data-ahead]")
    first = task(page)
    away = "**/label/submit"
    page.route(away, lambda route: route.abort())
    page.keyboard.press("a")
    wait_for_next(page, first)
    page.wait_for_selector("text=kept in this tab but has not been saved yet")
    assert not Label.objects.exists()
    # The pair whose label is waiting is not offered again, and no other overtakes it.
    second = task(page)
    page.keyboard.press("e")
    page.wait_for_selector("text=Send it again first")
    assert task(page) == second
    page.unroute(away)
    page.click("text=Send again")
    wait_until_stored(page, 1)
    assert Label.objects.count() == 1
    page.wait_for_selector("#task[data-ahead]")
    page.keyboard.press("e")
    wait_for_next(page, second)
    wait_until_stored(page, 2)
    assert task(page) not in (first, second)


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
    # The charts have a clock of their own: they ask once more before they know of the end. What
    # goes on asking asks every two seconds, so that no five seconds are ever silent.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(6):
        asked.clear()
        page.wait_for_timeout(5_000)
        if not asked:
            break
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
    for _ in range(60):
        if {url.endswith("metrics") for url in stumbled} == {True, False}:
            break
        page.wait_for_timeout(1_000)
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
    trial = make_trial(cast, run)
    judge = make_judged(cast)
    context = chromium.new_context(base_url=live_server.url, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/login/")
    assert serious(page) == []
    page = sign_in(context, "carol")
    for path in (
        *("", "label/", "datasets/", "judge/", "constitution/", "models/", "runs/new"),
        *("raters/", f"raters/{rater.pk}/", "agreement/", "coverage/", "gold/", "gold/next"),
        *("adjudication/", "guideline/", "intake/", "quality/", "invitations/", "mine/"),
        *("inference/", f"inference/trials/{trial.pk}/", f"models/{trial.model_version.pk}/"),
        *("judge/bounds", "judge/wins/", "judge/triage/?within=0.2&hours=1"),
        *(f"judge/judges/{judge.pk}/", f"judge/{judge.runs.get().pk}/"),
    ):
        page.goto(f"/projects/harbour/{path}")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert serious(page) == [], path
    page.goto("/projects/harbour/label/")
    page.keyboard.press("?")
    assert serious(page) == [], "the sheet of keys"
    page.goto(f"/projects/harbour/runs/{run.pk}/")
    page.wait_for_function("() => document.querySelectorAll('[data-chart] canvas').length === 3")
    assert serious(page) == []
    context.close()


def make_judged(cast: Cast) -> JudgeConfig:
    """A judge with everything on its page."""
    human = make_rater(cast.project, "human")
    for number in range(30, 60):
        pair = make_pair(cast.project, number)
        if number < 55:
            make_label(pair, human, "first" if number % 3 else "second")
    config = make_judge(cast.project)
    run_judge(config, by_number(lambda number: 0.97 if number < 55 else 0.55))
    make_judge(cast.project, config.constitution_version, name="judge" * 39)
    examples = [{"prompt": UGLY, "attack": UGLY, "real": UGLY}]
    result = {
        "attacks": [
            AttackResult("longest", 9, 1, 0.9, 0.6, 1.0, 0.6, passed=False, examples=examples)
            .as_json(),
        ]
    }  # fmt: skip
    AttackRun.objects.create(
        project=cast.project, config=config, state=JobState.SUCCEEDED, passed=False, result=result
    )
    return config


def test_a_judges_page_fits_a_phone_and_its_charts_are_drawn(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    judge = make_judged(cast)
    page = sign_in(context, "dan")
    page.set_viewport_size({"width": 390, "height": 844})
    for path, charts in (
        ("judge/", 0),
        (f"judge/wins/?judge={judge.pk}", 0),
        (f"judge/judges/{judge.pk}/", 3),
        (f"judge/triage/?judge={judge.pk}&within=0.2&hours=1", 1),
    ):
        page.goto(f"/projects/harbour/{path}")
        page.wait_for_function(
            "charts => document.querySelectorAll('[data-chart] canvas').length === charts",
            arg=charts,
        )
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert complaints == []


def make_trial(cast: Cast, run: TrainingRun) -> Trial:
    """A trial with everything on its page."""
    register_server(name="judge", location="m", url="http://127.0.0.1:9", model_version=None)
    return Trial.objects.create(
        project=cast.project,
        model_version=run.base_model,
        engine="server",
        prompt="A or B?",
        options=["A", "B"],
        state=JobState.SUCCEEDED,
        result={
            "text": "A, of course.",
            "prompt_tokens": 12,
            "completion_tokens": 5,
            "finish_reason": "stop",
            "logprob_sum": -1.5,
            "seconds": 0.4,
            "probabilities": [0.75, 0.25],
            "mass": 0.99,
        },
    )


def test_a_page_that_polls_says_when_the_session_has_ended(
    context: BrowserContext, cast: Cast
) -> None:
    config = make_judge(cast.project)
    run = run_judge(config, by_number(lambda _: 0.9))
    type(run).objects.filter(pk=run.pk).update(state=JobState.RUNNING, finished_at=None)
    page = sign_in(context, "dan")
    page.goto(reverse("judge_run", args=["harbour", run.pk]))
    context.clear_cookies()

    page.wait_for_selector("#run [data-signed-out]")

    assert page.locator("#run [data-signed-out]").count() == 1
    assert page.locator("input[name=login]").count() == 0, "no sign-in page inside the page"
    page.click("#run a:text('Sign in')")
    page.wait_for_url("**/login/**")
    assert "next=" in page.url
