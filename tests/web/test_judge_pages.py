"""Constitution and judge pages: what judges go by, and their runs launched, watched, cancelled."""

from __future__ import annotations

import pytest
from django.test import Client

from annotation.models import Label
from constitution.models import ConstitutionVersion
from constitution.services import PrincipleText, create_draft, publish_version
from corpus.models import ModelVersion, Project
from jobs.models import JobState
from jobs.runner import run_job
from judging.models import JudgeConfig, JudgeRun, Verdict
from judging.runs.runner import judge
from judging.selectors import PairSelection
from judging.services import ensure_judge, launch_judge_run
from tests.builders import Cast, make_cast, make_pair, make_rater

pytestmark = pytest.mark.django_db(transaction=True)

JUDGE = "/projects/harbour/judge/"
CONSTITUTION = "/projects/harbour/constitution/"
PRINCIPLES = (
    PrincipleText(
        "polite",
        "Choose the response that is <em>more polite</em>.",
        critique_request="Say what is rude.",
        revision_request="Make it kinder.",
        weight=3.0,
    ),
    PrincipleText("short", "Choose the response that is shorter."),
)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def make_draft(project: Project, slug: str = "c") -> ConstitutionVersion:
    return create_draft(project=project, slug=slug, name="Courtesy", principles=PRINCIPLES)


def make_published(project: Project, slug: str = "c") -> ConstitutionVersion:
    return publish_version(version=make_draft(project, slug))


def make_model(project: Project, name: str = "m", kind: str = "base") -> ModelVersion:
    return ModelVersion.objects.create(
        project=project, name=name, kind=kind, location="" if kind == "base" else name
    )


def scripted_judge(project: Project, script: str = "position-biased:0.9") -> JudgeConfig:
    return ensure_judge(
        project=project,
        constitution_version=make_published(project),
        model_version=make_model(project, script, "api"),
        engine="scripted",
    )


def launch(config: JudgeConfig) -> JudgeRun:
    return launch_judge_run(
        project=config.project, config=config, selection=PairSelection(), start=False
    )


def page_of(run: JudgeRun) -> str:
    return f"{JUDGE}{run.pk}/"


def test_the_constitution_shows_every_version_with_status_hash_and_principles(
    client: Client, cast: Cast
) -> None:
    published = make_published(cast.project)
    make_draft(cast.project)
    client.force_login(cast.bob)

    listed = client.get(CONSTITUTION).content.decode()
    for shown in ("version 1", "version 2", "published", "draft", published.sha256[:12]):
        assert shown in listed

    slug = published.constitution.slug
    pages = [client.get(f"{CONSTITUTION}{slug}/{n}/").content.decode() for n in (1, 2)]
    assert published.sha256 in pages[0]
    whole = "".join(pages)
    assert "weight 3" in whole
    for text in ("Say what is rude.", "Make it kinder.", "Choose the response that is shorter."):
        assert text in whole
    assert "<em>more polite" not in whole
    assert "&lt;em&gt;more polite&lt;/em&gt;" in whole


def test_the_constitutions_of_another_project_are_not_shown(client: Client, cast: Cast) -> None:
    make_published(cast.elsewhere)
    client.force_login(cast.bob)

    assert "No constitutions yet" in client.get(CONSTITUTION).content.decode()


def test_the_form_launches_a_queued_run_of_the_judge_it_describes(
    client: Client, cast: Cast
) -> None:
    version, model = make_published(cast.project), make_model(cast.project)
    client.force_login(cast.dan)

    answer = client.post(
        JUDGE + "launch",
        {
            "constitution": version.pk,
            "model": model.pk,
            "engine": "transformers",
            "which": "all",
        },
    )

    run = JudgeRun.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page_of(run))
    assert (run.state, run.created_by) == (JobState.QUEUED, cast.dan)
    assert run.selection == {"which": "all"}
    assert run.config.constitution_version == version
    assert run.config.model_version == model
    page = client.get(page_of(run)).content.decode()
    assert "Waiting for a worker." in page
    assert str(version) in page


def test_a_judge_looks_at_one_batch_where_it_is_told_to(client: Client, cast: Cast) -> None:
    version, model = make_published(cast.project), make_model(cast.project)
    client.force_login(cast.dan)
    assert 'value="critique-3"' in client.get(f"{JUDGE}new?batch=critique-3").content.decode()
    client.post(
        JUDGE + "launch",
        {
            "constitution": version.pk,
            "model": model.pk,
            "engine": "transformers",
            "which": "all",
            "batch": "critique-3",
        },
    )
    assert JudgeRun.objects.get().selection == {"which": "all", "batch": "critique-3"}


def test_a_draft_a_foreign_model_and_an_unknown_engine_are_refused(
    client: Client, cast: Cast
) -> None:
    version, model = make_published(cast.project), make_model(cast.project)
    right = {
        "constitution": version.pk,
        "model": model.pk,
        "engine": "transformers",
        "which": "new",
    }
    client.force_login(cast.dan)

    for wrong in (
        {"constitution": make_draft(cast.project).pk},
        {"constitution": make_published(cast.elsewhere).pk},
        {"model": make_model(cast.elsewhere, "theirs").pk},
        {"engine": "oracle"},
        {"which": "some"},
    ):
        answer = client.post(JUDGE + "launch", right | wrong)
        assert answer.status_code == 400, wrong
        assert "Select a valid choice" in answer.content.decode(), wrong
    assert not JudgeRun.objects.exists()


def test_without_constitution_and_model_the_page_says_what_is_lacking(
    client: Client, cast: Cast
) -> None:
    client.force_login(cast.dan)

    page = client.get(f"{JUDGE}new").content.decode()
    assert "A judge needs a published" in page
    assert "model</a>; there is none" in page
    assert ">Start<" not in page

    make_published(cast.project)
    make_model(cast.project)
    page = client.get(f"{JUDGE}new").content.decode()
    assert "A judge needs a" not in page
    assert ">Start<" in page


def test_a_runs_page_shows_its_verdicts_and_how_much_position_decides(
    client: Client, cast: Cast
) -> None:
    for number in range(5):
        make_pair(cast.project, number)
    run = launch(scripted_judge(cast.project))
    run_job(JudgeRun, run.pk, judge)
    run.refresh_from_db()
    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert Verdict.objects.filter(run=run).count() == 20
    assert Label.objects.count() == 5
    client.force_login(cast.bob)

    page = client.get(page_of(run)).content.decode()
    shown = " ".join(page.split())

    assert 'Labels</div><div class="h1 mb-0">5<' in shown
    assert 'Readable verdicts</div><div class="h1 mb-0">20<' in shown
    assert "0 unreadable" in shown
    # The winner changed with the order each time: labels, but none to rely on.
    assert 'Usable labels</div><div class="h1 mb-0">0<' in shown
    assert 'Position consistency</div><div class="h1 mb-0">0.0 %<' in shown
    assert "hx-get" not in page
    assert f'href="{page_of(run)}"' in client.get(JUDGE).content.decode()


def test_the_polled_answer_is_the_status_alone_and_kept_apart_in_caches(
    client: Client, cast: Cast
) -> None:
    run = launch(scripted_judge(cast.project))
    client.force_login(cast.bob)

    whole = client.get(page_of(run))
    part = client.get(page_of(run), headers={"HX-Request": "true"})

    assert "<html" in whole.content.decode()
    assert "<html" not in part.content.decode()
    assert "hx-get" in part.content.decode()
    for answer in (whole, part):
        assert "HX-Request" in answer["Vary"]


def test_a_queued_run_is_cancelled_at_once_and_only_by_a_researcher(
    client: Client, cast: Cast
) -> None:
    run = launch(scripted_judge(cast.project))
    client.force_login(cast.bob)
    assert "Cancel" not in client.get(page_of(run)).content.decode()
    assert client.post(f"{page_of(run)}cancel").status_code == 403

    client.force_login(cast.carol)
    assert "Cancel" in client.get(page_of(run)).content.decode()
    assert client.get(f"{page_of(run)}cancel").status_code == 405
    answer = client.post(f"{page_of(run)}cancel", follow=True)

    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    assert "cancelled" in answer.content.decode()


def test_the_list_asks_the_database_no_more_for_more_runs(
    client: Client, cast: Cast, django_assert_max_num_queries: object
) -> None:
    config = scripted_judge(cast.project)
    for number in range(30):
        launch(config)
        make_rater(cast.project, f"judge {number}", kind="judge")
    client.force_login(cast.bob)

    # Nine for the page and its form, three for the list of judges and where they stand.
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        page = client.get(JUDGE).content.decode()

    assert page.count(f'href="{JUDGE}') >= 30


def test_a_judge_without_anything_to_judge_by_is_refused_at_its_form_and_not_made(
    client: Client, cast: Cast
) -> None:
    version = publish_version(
        version=create_draft(
            project=cast.project, slug="x", name="X", principles=[PrincipleText("p", "Choose.")]
        )
    )
    client.force_login(cast.dan)
    make_model(cast.project)
    fields = {
        "constitution": version.pk,
        "mode": "verifier",
        "engine": "transformers",
        "which": "new",
    }
    judges = JudgeConfig.objects.count()
    answer = client.post(f"{JUDGE}launch", fields)
    assert answer.status_code == 400
    assert "no principle with a verifier and a weight above 0" in answer.content.decode()
    assert JudgeConfig.objects.count() == judges


def test_a_failed_run_says_its_length_warning_once(client: Client, cast: Cast) -> None:
    run = launch(scripted_judge(cast.project))
    JudgeRun.objects.filter(pk=run.pk).update(
        state="failed", length_warning="Too long.", error="Too long. Nothing was asked."
    )
    client.force_login(cast.bob)
    assert client.get(page_of(run)).content.decode().count("Too long.") == 1
    JudgeRun.objects.filter(pk=run.pk).update(error="Another reason.")
    shown = client.get(page_of(run)).content.decode()
    assert (shown.count("Too long."), shown.count("Another reason.")) == (1, 1)
