"""The demo and the quickstart, as a user runs them."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from annotation.models import Label, Membership
from constitution.models import ConstitutionVersion
from corpus.models import ModelVersion, Pair
from exports.verifying import verify
from judging.models import JudgeRun
from training.models import TrainingRun


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_round_of_the_demo_moves_the_model_and_leaves_its_lineage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("demo", "--rounds", "1", "--seed", "3", "--json")
    first = json.loads(capsys.readouterr().out)["rounds"]
    call_command("demo", "--rounds", "1", "--seed", "3", "--json")
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


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [("--rounds", "0"), ("--rounds", "99"), ("--seed", "-1")])
def test_the_demo_refuses_senseless_numbers(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("demo", *wrong)

    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


@pytest.mark.django_db
def test_quickstart_makes_a_project_that_works_and_tells_passwords_once(
    capsys: pytest.CaptureFixture[str], client: Client
) -> None:
    call_command("quickstart", "--json")
    logins = json.loads(capsys.readouterr().out)["logins"]
    call_command("quickstart", "--json")
    again = json.loads(capsys.readouterr().out)["logins"]

    assert [login["username"] for login in logins] == ["alice", "bob", "carol", "dan"]
    assert again == []
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
