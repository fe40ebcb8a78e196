"""Pages of one judge, of triage and of win rates, and who may do what there."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from annotation.models import Choice, Rater, RaterCheck, Slot
from corpus.models import ModelVersion, Pair, Prompt
from jobs.models import JobState
from judging.asking.settings import JudgeSettings
from judging.measures.attacks import AttackResult
from judging.models import AttackRun, Calibration, JudgeConfig, JudgePolicy, JudgeRun
from judging.runs.gate import standings
from judging.runs.named import judge_named
from judging.runs.revision_results import reviser_of
from judging.services import ensure_jury
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater
from tests.judging.judges import by_number, make_gold, make_judge, make_version, run_judge
from tests.judging.workshop import make_revision_run

pytestmark = pytest.mark.django_db

HOME = "/projects/harbour/judge/"
PAIRS = 60


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def judge(cast: Cast) -> JudgeConfig:
    """A judge that is over-sure, with humans to compare it with."""
    one, other = (
        ModelVersion.objects.create(project=cast.project, name=name, kind="api")
        for name in ("one", "other")
    )
    human = make_rater(cast.project, "human")
    for number in range(PAIRS):
        pair = make_pair(cast.project, number)
        pair.first.model_version, pair.second.model_version = one, other
        pair.first.save()
        pair.second.save()
        if number < 40:
            make_label(pair, human, Choice.FIRST if number % 3 else Choice.SECOND)
    config = make_judge(cast.project)
    run_judge(config, by_number(lambda number: 0.55 if number >= 55 else 0.97))
    return config


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(f"{HOME}{path}")
    assert answer.status_code == status, path
    return " ".join(answer.content.decode().split())


def post(client: Client, path: str, **data: object) -> str:
    answer = client.post(f"{HOME}{path}", data, follow=True)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def test_a_judges_page_says_what_it_is_worth_in_sentences(
    client: Client, cast: Cast, judge: JudgeConfig
) -> None:
    client.force_login(cast.bob)
    shown = page(client, f"judges/{judge.pk}/")

    assert "The response shown first gets 50.0 % on average" in shown
    assert "Its probabilities are off by" in shown
    assert ">over<" in shown
    assert "No human-labelled pair compares its own model family" in shown
    assert "Not tested yet" in shown
    assert "principle</span> polite" in shown
    assert "Test now" not in shown
    charts = client.get(f"{HOME}judges/{judge.pk}/charts").json()["charts"]
    assert set(charts) == {"reliability", "position", "length"}
    assert "script" not in json.dumps(charts)


def test_a_judge_without_a_label_has_a_page_too(client: Client, cast: Cast) -> None:
    config = make_judge(cast.project, settings=JudgeSettings(mode="reasoned", samples=2))
    foreign = JudgeConfig.objects.create(
        project=cast.project, rater=make_rater(cast.project, "gpt", kind="judge")
    )
    client.force_login(cast.dan)
    shown = page(client, f"judges/{config.pk}/")
    assert "0.4 to 0.6" in shown
    assert "Not measured against gold yet" in shown
    assert client.get(f"{HOME}judges/{config.pk}/charts").json() == {"charts": {}}
    assert "none: its verdicts were imported" in page(client, f"judges/{foreign.pk}/")


def test_figures_on_few_pairs_are_warned_of_on_the_report_and_among_the_attacks(
    client: Client, cast: Cast, judge: JudgeConfig
) -> None:
    client.force_login(cast.dan)
    assert "too few to be reliable" not in page(client, f"judges/{judge.pk}/")
    few = make_judge(cast.project, name="young")
    pairs = Pair.objects.filter(project=cast.project).order_by("pk")[:12]
    Prompt.objects.filter(pk__in=[pair.prompt_id for pair in pairs]).update(domain="law")
    run_judge(few, by_number(lambda number: 0.9), domain="law")
    told = [
        AttackResult("empty", n, 0, 0.1, None, None, 0.2, passed=True, examples=[]).as_json()
        for n in (29, 30)
    ]
    AttackRun.objects.create(
        project=cast.project,
        config=few,
        state=JobState.SUCCEEDED,
        passed=True,
        result={"attacks": told},
    )
    shown = page(client, f"judges/{few.pk}/")
    assert shown.count("Based on only 29 pairs: too few to be reliable.") == 1
    assert "Based on only 30 pairs" not in shown
    assert "Based on only 12 pairs: too few to be reliable." in shown
    assert "12 pairs: no interval is given for fewer than 20." in shown


def test_researchers_attack_calibrate_and_check_and_raters_do_not(
    client: Client, cast: Cast, judge: JudgeConfig
) -> None:
    client.force_login(cast.dan)
    mine = f"judges/{judge.pk}/"
    post(client, f"{mine}attack")
    run = AttackRun.objects.get()
    assert (run.state, run.config, run.created_by) == (JobState.QUEUED, judge, cast.dan)
    assert "Waiting for a worker" in page(client, mine)
    polled = client.get(f"{HOME}{mine}", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in polled
    assert "hx-get" in polled

    shown = post(client, f"{mine}calibrate", method="temperature")
    made = Calibration.objects.get()
    assert "Temperature, " in shown
    assert not made.in_use
    assert "New labels will be scaled" in post(client, f"{mine}scale", calibration=made.pk)
    assert Calibration.objects.filter(in_use=True).get() == made
    assert "no longer be scaled" in post(client, f"{mine}scale", calibration="")
    assert "Choose temperature or isotonic" in post(client, f"{mine}calibrate", method="magic")
    assert client.post(f"{HOME}{mine}scale", {"calibration": "999"}).status_code == 404

    post(client, f"{mine}check")
    assert JudgeRun.objects.latest("pk").selection == {"which": "gold"}

    client.force_login(cast.bob)
    for action in ("attack", "calibrate", "scale", "check"):
        assert client.post(f"{HOME}{mine}{action}").status_code == 403


def test_calibration_without_decided_pairs_says_what_is_lacking(client: Client, cast: Cast) -> None:
    config = make_judge(cast.project)
    client.force_login(cast.dan)
    assert "Humans decided only 0 of the pairs" in post(
        client, f"judges/{config.pk}/calibrate", method="isotonic"
    )


def test_the_form_sets_every_setting_and_refuses_those_that_cannot_be(
    client: Client, cast: Cast, settings: Settings
) -> None:
    settings.INFERENCE_SERVERS = ["http://127.0.0.1:9"]
    version = make_version(cast.project)
    model = ModelVersion.objects.create(project=cast.project, name="m", kind="base")
    client.force_login(cast.dan)
    base = {"constitution": version.pk, "model": model.pk, "engine": "server", "which": "all"}
    post(
        client,
        "launch",
        **base,
        mode="reasoned",
        principles="one_drawn",
        samples=3,
        temperature="0.7",
        domain="law",
        name="my judge",
        tie_band="0.1",
        attacks="on",
        few_shots='[{"prompt": "q", "response_a": "x", "response_b": "y", "better": "a"}]',
    )
    config = JudgeConfig.objects.get()
    assert (config.rater.name, config.tie_band, config.template) == ("my judge", 0.1, "reasoned-v1")
    assert config.settings.principles == "one_drawn"
    assert (config.settings.samples, config.settings.temperature) == (3, 0.7)
    assert len(config.settings.few_shots) == 1
    assert JudgeRun.objects.get().selection == {"which": "all", "domain": "law"}
    assert AttackRun.objects.get().config == config

    for wrong, message in (
        ({"samples": 4}, "without reasoning all samples are the same"),
        ({"few_shots": "{"}, "This is not valid JSON"),
        ({"few_shots": '[{"prompt": "q"}]'}, "few_shots.0.response_a"),
        ({"dataset": "abc"}, "“abc” is not a sha256"),
        ({"model": ""}, "only verifiers judge without one"),
        ({"name": "my judge"}, "give this one another name"),
        ({"dataset": "0" * 64}, "no preference dataset"),
    ):
        answer = client.post(f"{HOME}launch", {**base, **wrong})
        assert answer.status_code == 400, wrong
        assert message in answer.content.decode().replace("&#x27;", "'"), wrong
    assert JudgeRun.objects.count() == 1


def test_an_estimate_asks_nothing_and_leaves_no_judge_behind(
    client: Client, cast: Cast, judge: JudgeConfig
) -> None:
    version = make_version(cast.project, slug="d")
    model = ModelVersion.objects.create(project=cast.project, name="m", kind="base")
    client.force_login(cast.dan)
    before = JudgeRun.objects.count()
    answer = client.post(
        f"{HOME}launch",
        {
            "constitution": version.pk,
            "model": model.pk,
            "engine": "server",
            "which": "new",
            "estimate": "1",
        },
    )
    shown = " ".join(answer.content.decode().split())
    assert "data-estimate" in shown
    assert f'<dd class="col-6 col-md-3">{PAIRS * 2 * 2}</dd>' in shown
    assert JudgeRun.objects.count() == before
    assert list(JudgeConfig.objects.all()) == [judge]
    assert list(Rater.objects.filter(kind=Rater.Kind.JUDGE)) == [judge.rater]


def test_a_dry_run_of_the_command_leaves_neither_judge_nor_jury_behind(
    cast: Cast, judge: JudgeConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_judge(cast.project, judge.constitution_version, name="other")
    version = make_version(cast.project, slug="d")
    ask = ("judge", cast.project.slug, "--dry-run", "--json")
    call_command(*ask, "--constitution", version.constitution.slug)
    assert json.loads(capsys.readouterr().out)["pairs"] == PAIRS
    seats = [f"--jury={one.rater.name}" for one in (judge, other)]
    call_command(*ask, "--name", "both", *seats)
    assert json.loads(capsys.readouterr().out)["judge"] == "both"
    assert set(JudgeConfig.objects.all()) == {judge, other}
    assert Rater.objects.filter(kind=Rater.Kind.JUDGE).count() == 2


def test_what_revisions_are_labelled_as_is_offered_nowhere_as_a_judge(
    client: Client, cast: Cast, judge: JudgeConfig
) -> None:
    reviser = reviser_of(
        make_revision_run(cast.project, prompts=0, model=ModelVersion.objects.get(name="one"))
    ).judge_config
    other = make_judge(cast.project, judge.constitution_version, name="other")
    client.force_login(cast.dan)

    # It is the newest but one; the newest real judge is what a page begins with.
    for part in ("triage/", "wins/"):
        shown = page(client, part)
        assert reviser.rater.name not in shown
        assert f'value="{other.pk}" selected' in shown
    for part in ("", "new"):
        assert reviser.rater.name not in page(client, part)
    other.delete()
    assert judge_named(cast.project.slug, None) == judge
    assert not standings(cast.project)[reviser.rater_id].attackable
    assert "Check against gold now" not in page(client, f"judges/{reviser.pk}/")
    answer = client.post(f"{HOME}judges/{reviser.pk}/check", follow=True)
    assert "cannot be run" in answer.content.decode()


def test_judges_are_seated_as_a_jury(client: Client, cast: Cast, judge: JudgeConfig) -> None:
    other = make_judge(cast.project, judge.constitution_version, name="other")
    client.force_login(cast.dan)
    shown = post(client, "jury", name="both", judges=[judge.pk, other.pk], combine="majority")
    assert ">majority<" in shown
    assert "other" in shown
    answer = client.post(f"{HOME}jury", {"name": "one", "judges": [judge.pk], "combine": "mean"})
    assert answer.status_code == 400
    assert "at least two different judges" in answer.content.decode()


def test_admins_set_the_bounds_and_others_read_them(client: Client, cast: Cast) -> None:
    client.force_login(cast.dan)
    assert "disabled" in page(client, "bounds")
    assert client.post(f"{HOME}bounds", {"length": "9"}).status_code == 403
    client.force_login(cast.carol)
    given = {
        "attack_gate": "untested",
        "attack_wins": 0.2,
        "padded_wins": 0.5,
        "first_shown": 0.1,
        "inconsistent": 0.2,
        "length": 0.5,
        "formatting": 0.5,
        "self_preference": 0.1,
        "calibration_error": 0.05,
    }
    assert "Saved." in post(client, "bounds", **given)
    policy = JudgePolicy.objects.get()
    assert (policy.attack_gate, policy.length) == ("untested", 0.5)
    answer = client.post(f"{HOME}bounds", {**given, "first_shown": 3})
    assert answer.status_code == 400
    assert "less than or equal to 0.5" in answer.content.decode()


def test_triage_counts_plans_and_sends(client: Client, cast: Cast, judge: JudgeConfig) -> None:
    client.force_login(cast.dan)
    shown = page(client, "triage/")
    assert 'Unsure, no human label yet</div><div class="h1 mb-0">5<' in shown
    shown = page(client, f"triage/?judge={judge.pk}&within=0.1&hours=1")
    assert "expected accuracy" in shown
    charts = client.get(f"{HOME}triage/charts?judge={judge.pk}&hours=1").json()["charts"]
    assert set(charts) == {"plan"}
    assert page(client, "triage/?within=0.9", status=400)
    assert "Enter an hourly wage to plan with money" in page(
        client, "triage/?within=0.1&money=5", 400
    )

    assert "5 pairs moved to the front" in post(client, "triage/send", judge=judge.pk, within=0.15)
    assert Slot.objects.filter(priority=100).count() == 5
    assert "new disputes sent to seniors" in post(
        client, "triage/send", judge=judge.pk, within=0.15, to="seniors"
    )
    client.force_login(cast.bob)
    assert client.post(f"{HOME}triage/send", {"judge": judge.pk}).status_code == 403


def test_pages_without_a_judge_say_so(client: Client, cast: Cast) -> None:
    client.force_login(cast.dan)
    for path in ("triage/", "wins/"):
        assert "There is no judge yet" in page(client, path)


def test_win_rates_stand_side_by_side(client: Client, cast: Cast, judge: JudgeConfig) -> None:
    client.force_login(cast.bob)
    shown = page(client, "wins/")
    assert 'one</td><td class="name-cell">other' in shown
    assert shown.count("<strong>") >= 3


def test_another_projects_judge_is_not_found(client: Client, cast: Cast) -> None:
    config = make_judge(cast.elsewhere)
    client.force_login(cast.carol)
    for path in (f"judges/{config.pk}/", f"judges/{config.pk}/charts", f"wins/?judge={config.pk}"):
        assert client.get(f"{HOME}{path}").status_code == 404


def test_a_judge_kept_out_and_a_jury_are_shown_as_what_they_are(client: Client, cast: Cast) -> None:
    make_gold(cast.project, 100)
    config = make_judge(cast.project)
    other = make_judge(cast.project, config.constitution_version, name="other")
    ensure_jury(project=cast.project, name="jury", judges=[(config, 1), (other, 2)])
    client.force_login(cast.dan)
    assert "kept out of datasets: not certified" in page(client, f"judges/{config.pk}/")
    shown = page(client, "")
    assert shown.count("kept out") == 3
    assert Pair.objects.count() == 100
    assert not RaterCheck.objects.exists()
