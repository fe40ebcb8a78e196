"""The editor of a constitution in a real Chromium: nothing that is written is lost."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from constitution.models import Chain, Change, ConstitutionVersion, Principle
from constitution.services import (
    PrincipleText,
    create_draft,
    edit_principle,
    mark_chain,
    publish_version,
    texts_of,
    write_comment,
)
from jobs.models import JobState
from judging.models import DraftTrial, ImpactRun
from judging.trials.impact import draw_audit_set
from judging.trials.impact_figures import Judged, figures
from judging.trials.impact_figures import Principle as JudgedBy
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater
from tests.judging.trials.test_impact import both
from tests.judging.workshop import make_model, make_revision_run, make_version
from tests.web.browser import CHROMIUM, serious, sign_in
from tests.web.hostile import HOSTILE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]

UGLY = "\n\n".join(text[:300] for text in HOSTILE)
PAGE = "/projects/harbour/constitution/c/1/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def draft(cast: Cast) -> ConstitutionVersion:
    return create_draft(
        project=cast.project,
        slug="c",
        name="C",
        principles=[
            PrincipleText(name, f"Choose the {name}.", "Say.", "Mend.")
            for name in ("polite", "short", "true")
        ],
    )


def field(page: Page, name: str, which: str = "comparison") -> str:
    return f"[data-principle]:has([data-title]:text-is('{name}')) [name=field-{which}]"


def wait_until_saved(page: Page) -> None:
    page.wait_for_selector("[data-saved]:has-text('All changes saved')")


def test_what_is_written_is_stored_without_a_button(
    context: BrowserContext, cast: Cast, draft: ConstitutionVersion, complaints: list[str]
) -> None:
    page = sign_in(context, "carol")
    page.goto(PAGE)
    page.fill("[data-reason]", "Sharper")
    page.fill(field(page, "polite"), UGLY)
    page.fill(field(page, "polite", "weight"), "2.5")
    wait_until_saved(page)

    row = Principle.objects.get(version=draft, name="polite")
    assert (row.comparison, row.weight) == (UGLY.strip(), 2.5)
    assert set(Change.objects.filter(action="edited").values_list("reason", flat=True)) == {
        "Sharper"
    }
    page.reload()
    assert page.input_value(field(page, "polite", "weight")) == "2.5"
    assert complaints == []


def test_a_bad_field_is_marked_and_the_others_are_stored(
    context: BrowserContext, cast: Cast, draft: ConstitutionVersion
) -> None:
    page = sign_in(context, "carol")
    page.goto(PAGE)
    page.fill(field(page, "short", "weight"), "heavy")
    page.fill(field(page, "short", "tags"), "style, length")

    page.wait_for_selector("text='heavy' is not a number.")
    page.wait_for_selector("text=Saved, except for the fields with errors")
    row = Principle.objects.get(version=draft, name="short")
    assert (row.weight, row.tags) == (1.0, ["style", "length"])
    page.fill(field(page, "short", "weight"), "3")
    wait_until_saved(page)
    assert not page.is_visible("text='heavy' is not a number.")


def test_two_who_edit_one_field_see_both_texts_and_keep_both(
    context: BrowserContext, cast: Cast, draft: ConstitutionVersion
) -> None:
    page = sign_in(context, "carol")
    page.goto(PAGE)
    polite = draft.principles.get(name="polite")
    page.route("**/changes?*", lambda route: route.abort())
    edit_principle(
        version=draft,
        principle_id=polite.pk,
        fields={"comparison": "Dora's words.", "weight": 4.0},
        seen=draft.revision,
        author=cast.dan,
    )
    page.fill(field(page, "polite"), "Carol's words.")

    page.wait_for_selector("text=dan changed comparison of 'polite' while you were editing")
    assert page.inner_text("[data-conflict] .text-box >> nth=0") == "Dora's words."
    page.click("text=Keep both")
    wait_until_saved(page)

    polite.refresh_from_db()
    assert (polite.comparison, polite.weight) == ("Dora's words.\nCarol's words.", 4.0)
    assert page.input_value(field(page, "polite", "weight")) == "4"


def test_what_another_changes_comes_in_by_itself_and_spares_what_is_being_written(
    context: BrowserContext, cast: Cast, draft: ConstitutionVersion
) -> None:
    page = sign_in(context, "carol")
    page.goto(PAGE)
    other = context.new_page()
    other.goto(PAGE)

    other.fill("#new-name", "kind")
    other.click("text=Add a principle")
    other.click("[aria-label='Move kind up']")
    other.fill(field(other, "true"), "Choose the truest.")
    wait_until_saved(other)
    # Three are held back: a server that does not answer must not lose what is written meanwhile.
    page.route("**/principles/*/", lambda route: route.abort())
    page.fill(field(page, "short"), "Half a")

    for window in (page, other):
        expect(window.locator("[data-title]")).to_have_text(["polite", "short", "kind", "true"])
    expect(page.locator(field(page, "true"))).to_have_value("Choose the truest.")
    assert page.input_value(field(page, "short")) == "Half a"
    page.unroute("**/principles/*/")
    wait_until_saved(page)
    assert draft.principles.get(name="short").comparison == "Half a"


def test_principles_are_copied_removed_and_found(
    context: BrowserContext, cast: Cast, draft: ConstitutionVersion, complaints: list[str]
) -> None:
    page = sign_in(context, "carol")
    page.goto(PAGE)
    page.click("[data-principle]:has([data-title]:text-is('short')) >> text=Duplicate")
    page.wait_for_selector("text=short copy")
    page.once("dialog", Dialog.accept)
    page.click("[data-principle]:has([data-title]:text-is('short')) >> text=Remove")
    page.wait_for_selector("[data-principle] >> nth=3", state="detached")
    assert [text.name for text in texts_of(draft)] == ["polite", "short copy", "true"]
    page.fill("[data-search]", "TRUE")
    assert page.locator("[data-principle]:visible").count() == 1
    assert complaints == []


def test_a_draft_that_was_published_meanwhile_says_so(
    context: BrowserContext, cast: Cast, draft: ConstitutionVersion
) -> None:
    page = sign_in(context, "carol")
    page.goto(PAGE)
    publish_version(version=draft)
    page.wait_for_selector("text=This version is now published")


def test_publishing_asks_with_the_figures_in_view(
    context: BrowserContext, cast: Cast, draft: ConstitutionVersion, complaints: list[str]
) -> None:
    page = sign_in(context, "carol")
    page.goto(PAGE)
    page.click("text=Publish…")
    page.wait_for_selector("text=has not been measured")
    page.click("text=Publish version 1")
    assert ConstitutionVersion.objects.get().status == "draft"
    page.fill("[name=reason]", "Ready")
    page.check("[name=confirmed]")
    page.click("text=Publish version 1")
    page.wait_for_selector("text=c@1 is published.")
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(
    chromium: Browser, live_server: LiveServer, cast: Cast, scheme: str
) -> None:
    paths = furnish(cast)
    context = chromium.new_context(
        base_url=live_server.url,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": 390, "height": 800},
    )
    page = sign_in(context, "carol")
    problems: list[str] = []
    for path in paths:
        page.goto(f"/projects/harbour/{path}")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        problems += [f"{path}: {one}" for one in serious(page)]
        width = page.evaluate("document.documentElement.scrollWidth")
        problems += [f"{path} is {width} wide"] if width > 390 else []
    context.close()
    assert problems == []


def furnish(cast: Cast) -> list[str]:
    """A project with something on every page, some of it ugly; the pages' addresses."""
    project = cast.project
    rater = make_rater(project, "human")
    pairs = [make_pair(project, 100 + number, first=UGLY) for number in range(4)]
    for pair in pairs:
        make_label(pair, rater)
    model = make_model(project)
    version = make_version(project)
    run = make_revision_run(project, 3, version=version, model=model)
    chain = Chain.objects.filter(run=run)[0]
    Chain.objects.filter(pk=chain.pk).update(initial=UGLY)
    mark_chain(chain=chain, bad=True, user=cast.carol, reason="word" * 60)
    draft = create_draft(
        project=project,
        slug="c",
        name="C",
        principles=[
            PrincipleText("polite " + "y" * 80, UGLY, UGLY, UGLY, tags=("x" * 60,)),
            PrincipleText("short", "Choose the shorter.", verifier={"kind": "length", "most": 9}),
        ],
        few_shots=[[{"role": "user", "content": UGLY}]],
        created_by=cast.carol,
        reason="reason" * 30,
    )
    edit_principle(
        version=draft,
        principle_id=draft.principles.get(name="short").pk,
        fields={"comparison": UGLY},
        seen=draft.revision,
        author=cast.carol,
    )
    write_comment(version=draft, text=UGLY, author=cast.bob, principle_name="short")
    old, new = JudgedBy("p", "a", 1.0), JudgedBy("p", "b", 1.0)
    judged = [
        Judged(pair.pk, "first", {"domain": f"d{pair.pk % 2}"}, {"a": both(0.9), "b": both(0.2)})
        for pair in pairs
    ]
    ImpactRun.objects.create(
        project=project,
        version=draft,
        base=version,
        audit_set=draw_audit_set(project=project),
        model_version=model,
        engine="server",
        template="pairwise-v1",
        texts={},
        draft_sha256="a" * 64,
        state=JobState.SUCCEEDED,
        result=figures(judged, [new], [old], tie_band=0.05),
    )
    trial = DraftTrial.objects.create(
        project=project,
        version=draft,
        model_version=model,
        engine="server",
        prompt=UGLY,
        principles=[{"name": "polite"}],
        state=JobState.SUCCEEDED,
        result={
            "answer": UGLY,
            "steps": [
                {
                    "principle": "polite",
                    "critique": UGLY,
                    "nothing_found": False,
                    "revision": UGLY + " more",
                    "verdict": {
                        "p_revision": 0.7,
                        "shown_first": 0.8,
                        "shown_second": 0.6,
                        "mass": [0.9, None],
                    },
                    "verifier": [{"of": "answer", "value": 0.0, "reason": "x" * 200}],
                }
            ],
        },
    )
    published, mine = "constitution/c/1/", "constitution/c/2/"
    return [
        *("constitution/", published, mine, f"{mine}history/", f"{mine}compare/", f"{mine}impact/"),
        *(f"{mine}publish/", f"{mine}try/", f"{mine}try/{trial.pk}/", "critique/"),
        *(f"critique/{run.pk}/", f"critique/{run.pk}/chains/{chain.pk}/"),
        f"datasets/sft?run={run.pk}",
    ]
