"""Judges over REST: set up, run, measured, attacked, calibrated; triage, plans and bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from annotation.models import Choice, Slot
from corpus.models import ModelVersion
from judging.models import AttackRun, JudgeConfig, JudgeRun
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater
from tests.judging.judges import by_number, make_judge, make_version, run_judge

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

HERE = "/api/projects/harbour/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def judge(cast: Cast) -> JudgeConfig:
    human = make_rater(cast.project, "human")
    for number in range(50):
        pair = make_pair(cast.project, number)
        if number < 40:
            make_label(pair, human, Choice.FIRST if number % 3 else Choice.SECOND)
    config = make_judge(cast.project)
    run_judge(config, by_number(lambda number: 0.55 if number >= 45 else 0.97))
    return config


def ask(
    user: User, path: str, body: Any = None, method: str | None = None
) -> tuple[int, dict[str, Any]]:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    method = method or ("GET" if body is None else "POST")
    data = "" if body is None else json.dumps(body)
    answer = client.generic(method, HERE + path, data, content_type="application/json")
    return answer.status_code, json.loads(answer.content) if answer.content else {}


def test_a_judge_is_set_up_estimated_and_launched(
    cast: Cast, judge: JudgeConfig, settings: Settings
) -> None:
    make_version(cast.project, slug="d")
    ModelVersion.objects.create(project=cast.project, name="m", kind="base")
    wanted = {
        "constitution": "d@1",
        "model": "m",
        "engine": "server",
        "settings": {"mode": "reasoned", "samples": 2},
        "name": "thinker",
    }
    status, made = ask(cast.dan, "judges", wanted)
    assert (status, made["name"], made["status"]) == (201, "thinker", "active")
    assert made["settings"] == {"mode": "reasoned", "samples": 2}
    assert ask(cast.dan, "judges", wanted)[1]["id"] == made["id"]

    body = {"judge": made["id"], "which": "all"}
    status, estimate = ask(cast.dan, "judge-runs/estimate", body)
    assert (status, estimate["pairs"], estimate["questions"]) == (200, 50, 50 * 2 * 2 * 2)
    status, refused = ask(cast.dan, "judge-runs", body)
    assert (status, refused["code"]) == (409, "cannot_run")
    assert "No inference server is running" in refused["message"]
    settings.INFERENCE_SERVERS = ["http://127.0.0.1:9"]
    status, run = ask(cast.dan, "judge-runs", {**body, "domain": "law", "seed": 3})
    assert (status, run["state"]) == (202, "queued")
    assert run["selection"] == {"which": "all", "domain": "law"}
    status, whole = ask(cast.dan, f"judge-runs/{run['id']}")
    assert whole["verdicts"]["ok"] == 0
    assert whole["pace"] == {"pairs_per_second": None, "seconds_left": None}
    assert ask(cast.dan, f"judge-runs/{run['id']}/cancel", {})[1]["state"] == "cancelled"
    status, listed = ask(cast.bob, "judge-runs")
    assert (status, listed["count"]) == (200, 2)
    status, listed = ask(cast.bob, "judges")
    assert [one["name"] for one in listed["results"]] == ["thinker", judge.rater.name]


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"settings": {"mode": "clever"}}, 400, "bad_settings"),
        ({"settings": []}, 400, "Must be an object"),
        ({"template": "mine"}, 400, "unknown_template"),
        ({"constitution": "none"}, 404, "unknown_constitution"),
        ({"model": "none"}, 409, "has no model"),
        ({"constitution": ""}, 400, "blank"),
        ({"jury": [{"judge": 9999}]}, 400, "There is no judge 9999 here"),
        ({"tie_band": 7}, 400, "tie_band"),
    ],
)
def test_what_cannot_be_a_judge_is_refused(
    cast: Cast, judge: JudgeConfig, change: dict[str, Any], status: int, told: str
) -> None:
    body = {"constitution": "c", "model": "script", "engine": "scripted", **change}
    before = JudgeConfig.objects.count()
    found, said = ask(cast.dan, "judges", body)
    assert (found, told in json.dumps(said)) == (status, True), said
    assert JudgeConfig.objects.count() == before


def test_a_jury_is_seated(cast: Cast, judge: JudgeConfig) -> None:
    other = make_judge(cast.project, judge.constitution_version, name="other")
    seats = [{"judge": judge.pk, "weight": 2}, {"judge": other.pk}]
    status, made = ask(cast.dan, "judges", {"name": "both", "jury": seats})
    assert (status, made["settings"], made["model"]) == (201, {"mode": "jury"}, None)
    assert JudgeConfig.objects.get(pk=made["id"]).members.count() == 2
    status, said = ask(cast.dan, "judges", {"name": "one", "jury": seats[:1]})
    assert (status, said["code"]) == (400, "bad_settings")


def test_the_report_attacks_and_calibrations_of_a_judge(cast: Cast, judge: JudgeConfig) -> None:
    mine = f"judges/{judge.pk}"
    status, report = ask(cast.bob, f"{mine}/report")
    assert status == 200
    assert report["pairs"] == 50
    assert report["consistency"] == 1.0
    assert {mark["key"] for mark in report["marks"]} >= {"length", "self_preference"}

    status, run = ask(cast.dan, f"{mine}/attacks", {"sample": 5})
    assert (status, run["state"], run["passed"]) == (202, "queued", None)
    assert AttackRun.objects.get().sample == 5
    assert ask(cast.dan, f"{mine}/attacks", {"sample": 0})[0] == 400

    status, made = ask(cast.dan, f"{mine}/calibrations", {"method": "temperature", "use": True})
    assert (status, made["in_use"], made["n"]) == (201, True, 40)
    assert ask(cast.dan, f"{mine}/calibrations", method="DELETE")[0] == 204
    assert ask(cast.bob, f"{mine}/calibrations")[0] == 200
    assert not judge.calibrations.get().in_use
    idle = make_judge(cast.project, judge.constitution_version, name="idle")
    status, said = ask(cast.dan, f"judges/{idle.pk}/calibrations", {"method": "isotonic"})
    assert (status, said["code"]) == (409, "not_calibratable")


def test_triage_plans_and_win_rates(cast: Cast, judge: JudgeConfig) -> None:
    mine = f"judges/{judge.pk}"
    status, found = ask(cast.bob, f"{mine}/triage?within=0.1")
    assert (status, found["unsure"], found["labelled_by_humans"]) == (200, 5, 40)
    assert ask(cast.bob, f"{mine}/triage?within=2")[0] == 400
    assert ask(cast.dan, f"{mine}/triage", {"to": "raters", "within": 0.1}) == (200, {"sent": 5})
    assert Slot.objects.filter(priority=100).count() == 5
    status, sent = ask(cast.dan, f"{mine}/triage", {"to": "seniors"})
    assert (status, sent["sent"] > 0) == (200, True)

    status, made = ask(cast.dan, f"{mine}/plan", {"hours": 1, "human_accuracy": 0.9})
    assert (status, made["pairs"]) == (200, 10)
    assert made["chosen"]["human"] == 5
    assert ask(cast.dan, f"{mine}/plan", {})[0] == 400
    assert ask(cast.bob, f"{mine}/win-rates") == (200, {"models": []})


def test_bounds_are_changed_by_admins_alone(cast: Cast) -> None:
    assert ask(cast.bob, "judge-bounds")[1]["attack_gate"] == "others"
    status, bounds = ask(cast.carol, "judge-bounds", {"length": 0.5}, "PATCH")
    assert (status, bounds["length"], bounds["first_shown"]) == (200, 0.5, 0.1)
    assert ask(cast.dan, "judge-bounds", {"length": 9}, "PATCH")[0] == 403
    assert ask(cast.carol, "judge-bounds", {"first_shown": 3}, "PATCH")[0] == 400


@pytest.mark.parametrize(
    "path", ["judges", "judge-runs", "judges/{}/attacks", "judges/{}/calibrations"]
)
def test_raters_and_seniors_change_nothing(cast: Cast, judge: JudgeConfig, path: str) -> None:
    for user, status in ((cast.alice, 403), (cast.bob, 403), (cast.charlie, 404)):
        assert ask(user, path.format(judge.pk), {})[0] == status
    assert JudgeRun.objects.count() == 1
