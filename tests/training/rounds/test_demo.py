"""The demo and the quickstart, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from annotation.models import Label
from constitution.models import ConstitutionVersion
from corpus.models import ModelVersion, Pair
from corpus.registry import register_base_model
from exports.services import freeze
from exports.spec import FreezeFilters
from exports.verifying import verify
from exports.words import never_attacked
from jobs.models import JobState
from jobs.runner import run_job
from judging.measures.attacks import ATTACKS
from judging.models import AttackRun, JudgeConfig, JudgeRun
from judging.runs.gate import standings
from judging.runs.runner import judge
from judging.selectors import PairSelection
from judging.services import ensure_judge, launch_judge_run
from tests.builders import make_project
from tests.inference.tiny_model import build_tiny_model
from training.models import TrainingRun
from training.rounds.demo import DemoError, withstood
from training.rounds.sample import (
    attack_sample_judge,
    load_sample,
    publish_sandbox_constitution,
    write_sample_pairs,
)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_round_of_the_demo_moves_the_model_and_leaves_its_lineage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = ("--rounds", "1", "--prompts", "128", "--seed", "3", "--json")
    call_command("demo", *small)
    said = json.loads(capsys.readouterr().out)
    first = said["rounds"]
    call_command("demo", *small)
    second = json.loads(capsys.readouterr().out)["rounds"]

    assert first == second
    (result,) = first
    assert set(result) == {
        *("round", "pairs", "kept", "consistency", "dataset", "train_loss"),
        *("heldout_accuracy", "share_before", "share_after"),
    }
    assert result["share_after"] > result["share_before"] + 0.05
    assert 0 < result["kept"] <= result["pairs"]
    assert verify(result["dataset"]).ok
    run = TrainingRun.objects.latest("pk")
    assert run.result_model is not None
    assert run.result_model.sandbox
    assert run.dataset.sha256 == result["dataset"]
    assert list(run.dataset.manifest["constitutions"].values()) == [
        ConstitutionVersion.objects.latest("pk").sha256
    ]
    assert JudgeRun.objects.latest("pk").state == "succeeded"
    assert said["judge"]["passed"] is True
    assert {one["name"]: one["passed"] for one in said["judge"]["attacks"]} == dict.fromkeys(
        ATTACKS, True
    )
    assert [one["attacks_passed"] for one in run.dataset.manifest["judges"].values()] == [True]


@pytest.mark.django_db(transaction=True)
def test_the_demo_ends_where_its_judge_does_not_withstand_attacks(tmp_path: Path) -> None:
    project = make_project()
    write_sample_pairs(project)
    noise = ensure_judge(
        project=project,
        constitution_version=publish_sandbox_constitution(project, ("polite",)),
        model_version=register_base_model(project, str(build_tiny_model(tmp_path / "tiny"))),
        template="sandbox-v1",
    )

    with pytest.raises(DemoError, match=r"FAILED its attacks[\s\S]*above the limit"):
        withstood(noise, seed=0, say=print)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong", [("--rounds", "0"), ("--rounds", "99"), ("--seed", "-1"), ("--prompts", "8")]
)
def test_the_demo_refuses_senseless_numbers(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("demo", *wrong)

    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_quickstart_makes_a_project_that_works_and_tells_passwords_once(
    capsys: pytest.CaptureFixture[str], client: Client
) -> None:
    call_command("quickstart", "--json")
    said = json.loads(capsys.readouterr().out)
    logins = said["logins"]
    call_command("quickstart", "--json")
    again = json.loads(capsys.readouterr().out)

    assert [login["username"] for login in logins] == ["alice", "bob", "carol", "dan"]
    assert (again["logins"], again["judge"]) == ([], None)
    assert len({login["password"] for login in logins}) == 4
    assert Pair.objects.count() == 240
    assert Label.objects.count() == 320
    assert ModelVersion.objects.get().sandbox
    assert Membership.objects.count() == 4
    assert ConstitutionVersion.objects.get().status == "published"
    assert [u.username for u in User.objects.filter(is_superuser=True)] == ["carol"]
    answer = client.post(
        "/login/", {"login": "dan", "password": logins[3]["password"]}, follow=True
    )
    assert "Sandbox" in answer.content.decode()

    config = JudgeConfig.objects.get()
    assert (said["judge"]["judge"], said["judge"]["passed"]) == (str(config), True)
    assert AttackRun.objects.get().state == JobState.SUCCEEDED
    standing = standings(config.project)[config.rater_id]
    assert (standing.attacks_passed, standing.kept_out) == (True, "")
    page = client.get(reverse("judge", args=[config.project.slug, config.pk])).content.decode()
    assert page.count(">passed</span>") == len(ATTACKS)
    assert "kept out" not in page


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_the_sample_projects_judge_labels_reaches_a_dataset_as_tested() -> None:
    load_sample()
    assert attack_sample_judge().passed
    config = JudgeConfig.objects.get()
    run = launch_judge_run(
        project=config.project, config=config, selection=PairSelection(), start=False
    )
    run_job(JudgeRun, run.pk, judge)

    dataset = freeze(
        project=config.project, name="d", filters=FreezeFilters(raters="judge", test=0)
    )

    assert dataset.manifest["judges"][config.rater.name]["attacks_passed"] is True
    assert never_attacked(dataset.manifest) == []
