"""Training pages: researchers launch, watch and cancel runs; models show where they are from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Role
from accounts.services import add_member
from corpus.models import ModelVersion
from exports.models import DatasetVersion
from jobs.models import JobState
from jobs.runner import run_job
from judging.models import JudgeConfig
from tests.builders import PASSWORD, Cast, make_cast, make_project, make_rater, make_user
from tests.judging.workshop import make_version
from tests.training.builders import QUICK, Workshop, make_workshop
from training.models import Evaluation, TrainingMetric, TrainingRun
from training.registry.lineage import ancestry_of
from training.registry.showing import EVALUATIONS_SHOWN
from training.runs.charts import PANELS
from training.runs.forms import LEARNING_RATES, TrainForm
from training.runs.runner import MetricsFile, train
from training.runs.selectors import MAX_POINTS
from training.runs.services import launch_training
from training.runs.views import LINEAGE_SHOWN

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = "/projects/workshop/runs/"
FORM = {
    "method": "dpo",
    "adapter": "lora",
    "beta": 0.2,
    "learning_rate": 1e-4,
    "epochs": 1.5,
    "batch_size": 4,
    "max_length": 64,
    "seed": 3,
}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = make_workshop(tmp_path)
    for name, role in (("dana", Role.RESEARCHER), ("sam", Role.SENIOR)):
        add_member(user=make_user(name), project=workshop.project, role=role)
    return workshop


def sign_in(client: Client, name: str) -> Client:
    assert client.login(username=name, password=PASSWORD)
    return client


def form_of(workshop: Workshop, **changes: object) -> dict[str, object]:
    return {
        **FORM,
        "dataset": workshop.dataset.pk,
        "base_model": workshop.base_model.pk,
        **changes,
    }


def launch(workshop: Workshop) -> TrainingRun:
    return launch_training(
        project=workshop.project,
        dataset=workshop.dataset,
        base_model=workshop.base_model,
        parameters=QUICK,
        start=False,
    )


def page_of(run: TrainingRun) -> str:
    return f"{RUNS}{run.pk}/"


def points(chart: dict[str, Any]) -> list[dict[str, float]]:
    values: list[dict[str, float]] = chart["datasets"][chart["data"]["name"]]
    return values


def test_the_form_launches_a_queued_run_with_the_parameters_it_was_given(
    client: Client, workshop: Workshop
) -> None:
    answer = sign_in(client, "dana").post(RUNS + "new", form_of(workshop))

    run = TrainingRun.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page_of(run))
    assert run.state == JobState.QUEUED
    assert (run.dataset, run.base_model) == (workshop.dataset, workshop.base_model)
    assert run.created_by is not None
    assert run.created_by.get_username() == "dana"
    assert run.spec == FORM
    page = client.get(page_of(run)).content.decode()
    assert "Waiting for a worker." in page
    assert "by dana" in page
    assert "learning_rate" in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"beta": 0}, "greater than or equal to 0.0001"),
        ({"beta": "inf"}, "Enter a number."),
        ({"learning_rate": 1}, "less than or equal to 0.99"),
        ({"learning_rate": ""}, "This field is required."),
        ({"batch_size": 0}, "greater than or equal to 1"),
        ({"max_length": 7}, "greater than or equal to 8"),
        ({"seed": 2**32}, "less than or equal to 4294967295"),
        ({"adapter": "qlora"}, "Select a valid choice"),
        ({"method": "ppo"}, "Select a valid choice"),
    ],
)
def test_a_wrong_field_is_named_on_the_form_and_nothing_is_launched(
    client: Client, workshop: Workshop, wrong: dict[str, object], said: str
) -> None:
    answer = sign_in(client, "dana").post(RUNS + "new", form_of(workshop, **wrong))

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not TrainingRun.objects.exists()


def test_what_only_the_spec_can_refuse_is_said_on_the_form_too(
    client: Client, workshop: Workshop
) -> None:
    (workshop.dataset.folder / "train.parquet").unlink()

    answer = sign_in(client, "dana").post(RUNS + "new", form_of(workshop))

    assert answer.status_code == 400
    assert "train.parquet is missing" in answer.content.decode()
    assert not TrainingRun.objects.exists()


def test_data_and_models_of_another_project_cannot_be_chosen(
    client: Client, workshop: Workshop
) -> None:
    other = make_project("other")
    model = ModelVersion.objects.create(project=other, name="theirs", kind="base")
    sign_in(client, "dana")

    page = client.get(RUNS + "new").content.decode()
    answer = client.post(RUNS + "new", form_of(workshop, base_model=model.pk))

    assert "theirs" not in page
    assert answer.status_code == 400
    assert not TrainingRun.objects.exists()


def test_the_form_opens_with_the_dataset_one_came_from(client: Client, workshop: Workshop) -> None:
    sign_in(client, "dana")

    page = client.get(f"{RUNS}new?dataset={workshop.dataset.pk}").content.decode()

    assert f'<option value="{workshop.dataset.pk}" selected>' in page
    for odd in ("nonsense", "%00", "9" * 40):
        assert client.get(f"{RUNS}new?dataset={odd}").status_code == 200


@pytest.mark.parametrize("odd", ["", "nonsense", "\x00", "9" * 40, "-1"])
def test_a_dataset_that_cannot_be_is_refused_on_the_form(
    client: Client, workshop: Workshop, odd: str
) -> None:
    sign_in(client, "dana")

    assert client.post(RUNS + "new", form_of(workshop, dataset=odd)).status_code == 400


def test_a_run_that_cannot_be_is_not_found(client: Client, workshop: Workshop) -> None:
    sign_in(client, "dana")

    for odd in ("999", "9" * 40):
        assert client.get(f"{RUNS}{odd}/").status_code == 404
        assert client.get(f"/projects/workshop/models/{odd}/").status_code == 404


@pytest.mark.parametrize(("sandbox", "rate"), [(True, "0.0003"), (False, "1e-06")])
def test_the_learning_rate_offered_fits_the_model(
    client: Client, workshop: Workshop, sandbox: bool, rate: str
) -> None:
    ModelVersion.objects.update(sandbox=sandbox)

    page = sign_in(client, "dana").get(RUNS + "new").content.decode()

    assert f'name="learning_rate" value="{rate}"' in page


def test_without_data_the_form_says_what_is_lacking(client: Client, cast: Cast) -> None:
    client.force_login(cast.dan)

    page = client.get("/projects/harbour/runs/new").content.decode()

    assert "Not ready to train" in page
    assert "/projects/harbour/datasets/" in page.split("Not ready to train")[1]


def test_a_run_from_launch_to_model_is_shown_with_its_figures(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    run_job(TrainingRun, run.pk, train)
    run.refresh_from_db()
    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert run.result is not None
    assert run.result_model is not None
    heldout = run.result["heldout"]
    sign_in(client, "sam")

    page = client.get(page_of(run)).content.decode()

    for when in ("before", "after"):
        assert f"{100 * heldout[when]['accuracy']:.1f} %" in page
    # So few pairs have no interval, and the page says why, and that they are few.
    assert heldout["after"]["low"] is None
    assert heldout["after"]["reason"] in page
    assert f"Based on only {heldout['n']} row" in page
    assert heldout["n"] > 0
    assert f"{heldout['n']} {heldout['split']} pairs" in page
    assert run.result_model.weights_sha256 in page
    assert "hx-get" not in page
    assert "Cancel" not in page

    model = client.get(f"/projects/workshop/models/{run.result_model.pk}/").content.decode()
    assert f'href="{page_of(run)}"' in model
    assert workshop.dataset.sha256 in model
    assert f'href="/projects/workshop/models/{workshop.base_model.pk}/"' in model
    assert Evaluation.objects.filter(model_version=run.result_model).count() == 1
    assert f"{100 * heldout['after']['accuracy']:.1f} %" in model
    base = client.get(f"/projects/workshop/models/{workshop.base_model.pk}/").content.decode()
    assert str(run.result_model) in base.split("Models trained from it")[1]
    assert str(run.result_model) in client.get(RUNS).content.decode()
    assert str(run.result_model) in client.get("/projects/workshop/models/").content.decode()


def test_the_polled_answer_is_the_status_alone_and_kept_apart_in_caches(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    sign_in(client, "sam")

    whole = client.get(page_of(run))
    part = client.get(page_of(run), headers={"HX-Request": "true"})

    assert "<html" in whole.content.decode()
    assert "<html" not in part.content.decode()
    assert "hx-get" in part.content.decode()
    for answer in (whole, part):
        assert "HX-Request" in answer["Vary"]


def test_the_metrics_are_a_chart_per_panel_and_say_the_last_step(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    sign_in(client, "sam")
    address = f"{page_of(run)}metrics"
    empty = client.get(address).json()
    assert (empty["finished"], empty["last_step"]) == (False, None)

    steps = MAX_POINTS + 501
    TrainingMetric.objects.bulk_create(
        TrainingMetric(
            run=run,
            step=step,
            values={"step": step, "loss": 1 / step, "reward_margin": None},
        )
        for step in range(1, steps + 1)
    )
    state = client.get(address).json()

    assert state["last_step"] == steps
    assert list(state["charts"]) == [name for name, _ in PANELS["dpo"]]
    loss = points(state["charts"]["loss"])
    assert len(loss) <= MAX_POINTS + 1
    assert loss[0] == {"step": 1, "value": 1.0}
    assert loss[-1]["step"] == steps
    assert points(state["charts"]["reward_margin"]) == []


def test_a_metric_that_does_not_name_its_step_is_drawn_at_the_step_it_is_stored_under(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    for step, values in ((1, {"loss": 0.7}), (2, {"step": 9, "loss": 0.6}), (3, {})):
        TrainingMetric.objects.create(run=run, step=step, values=values)
    sign_in(client, "sam")

    answer = client.get(f"{page_of(run)}metrics")

    assert answer.status_code == 200
    assert answer.json()["last_step"] == 3
    loss = points(answer.json()["charts"]["loss"])
    assert loss == [{"step": 1, "value": 0.7}, {"step": 2, "value": 0.6}]


@pytest.mark.parametrize(
    "line",
    ['{"loss": 0.5}', '{"step": "2", "loss": 1}', '{"step": true}', '{"step": -1}', "[2]", "{"],
)
def test_a_metrics_line_without_a_step_is_left_out_and_the_log_names_it(
    workshop: Workshop, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    run = launch(workshop)
    run.folder.mkdir(parents=True)
    kept = [json.dumps({"step": step, "loss": 1 / step}) for step in (1, 3)]
    (run.folder / "metrics.jsonl").write_text("\n".join([kept[0], line, kept[1]]) + "\n")

    last = MetricsFile(run).ingest()

    assert last is not None
    assert last.step == 3
    assert [one.step for one in run.metrics.all()] == [1, 3]
    assert f"Run {run.pk}: a metrics line without a step is left out" in caplog.text
    assert line in caplog.text


def test_an_sft_run_shows_its_own_charts_and_the_loss_of_held_out_completions(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    measured = {"loss": 0.425, "low": 0.3, "high": 0.5}
    heldout = {"metric": "completion_loss", "split": "validation", "n": 8}
    TrainingRun.objects.update(
        method="sft",
        state="succeeded",
        result={"heldout": {**heldout, "before": measured, "after": {**measured, "loss": 0.25}}},
    )
    sign_in(client, "sam")

    page = client.get(page_of(run)).content.decode()

    for shown in ("Held-out loss per completion token", "0.425", "0.250", "8 validation compl"):
        assert shown in page
    assert "Reward margin" not in page
    charts = client.get(f"{page_of(run)}metrics").json()["charts"]
    assert list(charts) == [name for name, _ in PANELS["sft"]]


def test_a_queued_run_is_cancelled_at_once_and_only_by_a_researcher(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    sign_in(client, "sam")
    assert "Cancel" not in client.get(page_of(run)).content.decode()
    assert client.post(f"{page_of(run)}cancel").status_code == 403

    sign_in(client, "dana")
    assert "Cancel" in client.get(page_of(run)).content.decode()
    assert client.get(f"{page_of(run)}cancel").status_code == 405
    answer = client.post(f"{page_of(run)}cancel", follow=True)

    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    assert "cancelled" in answer.content.decode()


def test_a_failed_run_says_why_as_text(client: Client, workshop: Workshop) -> None:
    run = launch(workshop)
    TrainingRun.objects.update(state="failed", error="ValueError: <b>beta</b> was lost")

    page = sign_in(client, "sam").get(page_of(run)).content.decode()

    assert "ValueError: &lt;b&gt;beta&lt;/b&gt; was lost" in page


def test_a_run_without_heldout_pairs_says_that_nothing_was_measured(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    reason = "neither validation nor test has a usable pair"
    heldout = {"split": None, "n": 0, "reason": reason, "before": None, "after": None}
    TrainingRun.objects.update(state="succeeded", result={"heldout": heldout})

    page = sign_in(client, "sam").get(page_of(run)).content.decode()

    assert f"Not measured: {reason}" in page


def test_what_descends_from_the_sandbox_is_marked_wherever_it_is_shown(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    sign_in(client, "sam")
    models = "/projects/workshop/models/"
    pages = [RUNS, page_of(run), models, f"{models}{workshop.base_model.pk}/"]
    assert not any(">sandbox<" in client.get(page).content.decode() for page in pages)

    ModelVersion.objects.update(sandbox=True)

    for page in pages:
        assert ">sandbox<" in client.get(page).content.decode(), page


def test_a_datasets_page_leads_on_to_the_runs_and_models_made_of_it(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    model = ModelVersion.objects.create(project=workshop.project, name="dpo-1", kind="full")
    TrainingRun.objects.update(state="succeeded", result_model=model)
    sign_in(client, "sam")

    page = client.get(f"/projects/workshop/datasets/{workshop.dataset.sha256}/").content.decode()

    assert f'href="{page_of(run)}"' in page
    assert f'href="/projects/workshop/models/{model.pk}/">dpo-1</a>' in page


@pytest.mark.parametrize(
    ("state", "said"),
    [("running", "Measured when the run ends."), ("cancelled", "Not measured: the run did not")],
)
def test_a_run_without_a_result_says_what_becomes_of_its_figures(
    client: Client, workshop: Workshop, state: str, said: str
) -> None:
    run = launch(workshop)
    TrainingRun.objects.update(state=state)

    assert said in sign_in(client, "sam").get(page_of(run)).content.decode()


def test_what_is_offered_and_the_defaults_follow_the_method(
    client: Client, workshop: Workshop
) -> None:
    answers = DatasetVersion.objects.create(
        project=workshop.project,
        name="answers",
        number=1,
        kind=DatasetVersion.Kind.SFT,
        sha256="a" * 64,
        manifest={},
    )
    sign_in(client, "dana")

    def offered(query: str) -> tuple[set[int], TrainForm]:
        form = client.get(f"{RUNS}new{query}").context["form"]
        return {one.pk for one in form.fields["dataset"].queryset}, form

    assert offered("")[0] == offered("?method=dpo")[0] == {workshop.dataset.pk}
    sft, form = offered("?method=sft")
    assert sft == {answers.pk}
    assert "beta" not in form.fields
    assert form.fields["learning_rate"].initial == LEARNING_RATES["sft"]
    assert offered("")[1].fields["learning_rate"].initial == LEARNING_RATES["dpo"]
    # A dataset in the address settles the method.
    assert offered(f"?dataset={answers.pk}")[1].chosen_method == "sft"
    for wrong in ({"method": "dpo", "dataset": answers.pk}, {"method": "sft"}):
        assert client.post(RUNS + "new", form_of(workshop, **wrong)).status_code == 400
    assert not TrainingRun.objects.exists()


def test_training_starts_from_the_projects_base_model_and_a_stacked_run_says_so(
    client: Client, workshop: Workshop
) -> None:
    run = launch(workshop)
    trained = ModelVersion.objects.create(
        project=workshop.project,
        name="trained",
        kind="full",
        parent=workshop.base_model,
        location=workshop.base_model.location,
    )
    TrainingRun.objects.filter(pk=run.pk).update(result_model=trained)
    sign_in(client, "dana")

    form = client.get(RUNS + "new").context["form"]
    assert form.fields["base_model"].initial == workshop.base_model.pk
    shown = " ".join(client.get(RUNS + "new").content.decode().split())
    made = f"continues {workshop.base_model}, made by run {run.pk} (DPO)"
    assert f"trained: {made}" in shown
    assert "the project&#x27;s base model" in shown
    answer = client.post(RUNS + "new", form_of(workshop, base_model=trained.pk))
    stacked = " ".join(client.get(answer["Location"]).content.decode().split())
    assert f"Already trained here: it {made}." in stacked
    assert "Already trained here" not in client.get(page_of(run)).content.decode()


MODELS = "/projects/workshop/models/"


def trained(workshop: Workshop, parent: ModelVersion, name: str) -> ModelVersion:
    """A model that a run made, with its metrics and figures."""
    run = launch(workshop)
    model = ModelVersion.objects.create(
        project=workshop.project, name=name, kind="adapter", parent=parent, weights_sha256="b" * 64
    )
    TrainingRun.objects.filter(pk=run.pk).update(
        state="succeeded", result_model=model, base_model=parent
    )
    TrainingMetric.objects.create(run=run, step=1, values={"step": 1, "loss": 0.7})
    for one, value in ((parent, 0.5), (model, 0.75)):
        Evaluation.objects.update_or_create(
            model_version=one,
            dataset=workshop.dataset,
            split="validation",
            defaults={"value": value, "low": value - 0.2, "high": value + 0.1, "n": 40},
        )
    return model


def shown(client: Client, model: ModelVersion) -> str:
    answer = client.get(f"{MODELS}{model.pk}/")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_a_models_page_says_first_where_it_comes_from_and_how_good_it_is(
    client: Client, workshop: Workshop
) -> None:
    first = trained(workshop, workshop.base_model, "dpo-1")
    model = trained(workshop, first, "dpo-2")
    sign_in(client, "sam")

    page = shown(client, model)

    text = " ".join(re.sub("<[^>]*>", "", page).split())
    assert "Trained with DPO on small v1, starting from dpo-1, in run" in text
    assert (
        "On 40 validation pairs of small v1 it prefers the right answer 75.0 % of the time (95 % "
        "interval 55.0 to 85.0 %); before training: 50.0 %." in text
    )
    order = ["Trained with", "it prefers the right answer", "How training went"]
    order += ["Held-out figures", "Where it comes from", "Files and hashes"]
    places = [page.index(one) for one in order]
    assert places == sorted(places)
    lineage = page.split('class="lineage in-words"')[1].split("</ol>")[0]
    names = [str(one) for one in (workshop.base_model, first, model)]
    assert [lineage.index(f">{name}<") for name in names] == sorted(
        lineage.index(f">{name}<") for name in names
    )
    assert "40 pairs with a preferred answer, from 40 labels by 1 person." in lineage
    assert "b" * 64 in page.split("Files and hashes")[1]
    assert page.index("b" * 64) > page.index("<details")
    assert f'data-metrics="{RUNS}' in page
    for at in ("75.00", "50.00"):
        assert f'x1="{at}" x2="{at}"' in page
    assert "Not measured on held-out data yet" not in page


def test_a_model_that_no_run_made_says_what_it_is_and_what_is_lacking(
    client: Client, workshop: Workshop
) -> None:
    remote = ModelVersion.objects.create(project=workshop.project, name="remote", kind="api")
    sign_in(client, "dana")

    base, far = shown(client, workshop.base_model), shown(client, remote)

    assert "A base model of " in base
    assert "Not measured on held-out data yet." in base
    assert "A model behind an API" in far
    assert "Try it" not in far
    assert "Judge with it" not in far
    assert "Train from it" not in far
    assert "This model cannot be used here. No inference server is running" in far


def test_what_a_model_can_be_used_for_leads_to_forms_that_have_chosen_it(
    client: Client, workshop: Workshop
) -> None:
    model = ModelVersion.objects.create(
        project=workshop.project, name="full", kind="full", location=workshop.base_model.location
    )
    make_version(workshop.project, "r")
    sign_in(client, "sam")
    assert "Train from it" not in shown(client, model)

    sign_in(client, "dana")
    page = shown(client, model)
    links = re.findall(
        r'class="btn[^"]*" href="([^"]*)">(Try it|Train from it|Judge with it)<', page
    )

    assert [name for _, name in links] == ["Try it", "Train from it", "Judge with it"]
    for link, _ in links:
        form = client.get(link).content.decode()
        chosen = re.search(rf'<option value="{model.pk}"[^>]* selected', form)
        assert chosen is not None, link
    for odd in ("nonsense", "%00", "9" * 40):
        for where in ("runs/new?base_model=", "judge/new?model=", "inference/?model="):
            assert client.get(f"/projects/workshop/{where}{odd}").status_code == 200


def test_a_models_page_asks_no_more_for_a_long_line_and_many_figures(
    client: Client, workshop: Workshop, django_assert_max_num_queries: object
) -> None:
    model = workshop.base_model
    for number in range(LINEAGE_SHOWN + 5):
        model = trained(workshop, model, f"dpo-{number}")
    sets = [
        DatasetVersion(
            project=workshop.project, name="e", number=n, sha256=f"{n:064x}", manifest={}
        )
        for n in range(60)
    ]
    DatasetVersion.objects.bulk_create(sets)
    Evaluation.objects.bulk_create(
        Evaluation(model_version=one, dataset=data, split="test", value=0.5, n=9)
        for one in (model, model.parent)
        for data in DatasetVersion.objects.filter(name="e")
    )
    for number in range(30):
        ModelVersion.objects.create(
            project=workshop.project, name=f"child {number}", kind="full", parent=model
        )
        rater = make_rater(workshop.project, f"judge {number}", kind="judge")
        JudgeConfig.objects.create(project=workshop.project, rater=rater, model_version=model)
    sign_in(client, "dana")

    with django_assert_max_num_queries(18):  # type: ignore[operator]
        page = shown(client, model)

    lineage = page.split('class="lineage in-words"')[1].split("</ol>")[0]
    assert lineage.count("<li>") == LINEAGE_SHOWN
    assert "6 earlier models not shown." in page
    assert page.count(">child ") == page.count(">judge ") == 20
    assert page.count("and 10 more") == 2
    assert page.count("bound-mark") == EVALUATIONS_SHOWN
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        assert client.get(MODELS).status_code == 200


def test_the_line_of_a_model_ends_where_it_would_go_round(workshop: Workshop) -> None:
    base = workshop.base_model
    model = ModelVersion.objects.create(
        project=workshop.project, name="m", kind="full", parent=base
    )
    assert ancestry_of(model) == [base, model]
    assert ancestry_of(base) == [base]
    ModelVersion.objects.filter(pk=base.pk).update(parent=model)
    assert ancestry_of(model) == [base, model]
