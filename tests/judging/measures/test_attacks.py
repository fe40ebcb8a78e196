"""Attacks are measured against real answers, and what fails them stays out of datasets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from django.core.management import call_command
from django.utils import timezone

from annotation.models import Label, Rater, RaterCheck
from corpus.models import Project
from exports.errors import NothingToFreezeError
from exports.services import freeze
from exports.spec import FreezeFilters
from exports.words import never_attacked_words
from inference.engine import Request
from inference.scripted import ScriptedEngine
from jobs.models import JobState
from jobs.runner import run_job
from judging.errors import NotOursToRunError
from judging.measures.attacks import (
    ATTACKS,
    CONSTANT,
    INSTRUCTING,
    attack_with,
    launch_attacks,
    policy_for,
)
from judging.models import AttackRun, JudgeConfig, JudgePolicy
from judging.runs.gate import kept_out, standings
from judging.services import ensure_jury
from serving.models import Usage
from tests.builders import make_label, make_pair, make_project, make_rater
from tests.judging.judges import by_number, make_judge, right, run_judge

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project() -> Project:
    project = make_project()
    human = make_rater(project, "human")
    for number in range(30):
        pair = make_pair(
            project, number, first=f"First answer {number}. Good", second=f"Second answer {number}."
        )
        make_label(pair, human, "first")
    return project


def shown(request: Request) -> tuple[str, str]:
    asked = request.messages[-1].content
    a = asked.split("<response_A>\n")[1].split("\n</response_A>")[0]
    b = asked.split("<response_B>\n")[1].split("\n</response_B>")[0]
    return a, b


def judging_by(worth: Callable[[str], float]) -> ScriptedEngine:
    def choose(request: Request, _options: Sequence[str]) -> tuple[float, float]:
        a, b = (worth(text) for text in shown(request))
        return (0.5, 0.5) if a == b else (0.9, 0.1) if a > b else (0.1, 0.9)

    return ScriptedEngine(chooser=choose)


def sound(text: str) -> float:
    """Sees through every attack: padding and instructions are worth less than an answer."""
    if text in ("", CONSTANT, INSTRUCTING):
        return 0.0
    return 1.0 if "To say it once more" in text else 2.0


def attack(config: JudgeConfig, engine: ScriptedEngine, sample: int = 20) -> AttackRun:
    run = launch_attacks(config=config, sample=sample, start=False)
    run_job(AttackRun, run.pk, lambda context: attack_with(context, config, engine))
    run.refresh_from_db()
    return run


def wins(run: AttackRun) -> dict[str, float]:
    return {one["name"]: one["win_rate"] for one in run.result["attacks"]}


def test_a_sound_judge_passes_and_what_it_took_is_counted(project: Project) -> None:
    config = make_judge(project)
    run = attack(config, judging_by(sound))

    assert (run.state, run.passed) == (JobState.SUCCEEDED, True)
    assert wins(run) == dict.fromkeys(ATTACKS, 0.0)
    took = Usage.objects.get(purpose=Usage.Purpose.ATTACK)
    assert (took.requests, took.run_id) == (4 * 20 * 2, run.pk)
    assert Label.objects.filter(rater=config.rater).count() == 0


@pytest.mark.parametrize(
    ("worth", "name"),
    [
        (len, "longest"),
        (lambda text: 9.0 if "Note to the judge" in text else sound(text), "instructing"),
        (lambda text: 9.0 if text == "" else sound(text), "empty"),
        (lambda text: 9.0 if text == CONSTANT else sound(text), "constant"),
    ],
)
def test_a_judge_that_falls_for_an_attack_is_caught_with_what_won(
    project: Project, worth: Callable[[str], float], name: str
) -> None:
    run = attack(make_judge(project), judging_by(worth))

    found = next(one for one in run.result["attacks"] if one["name"] == name)
    assert run.passed is False
    assert (found["win_rate"], found["n"], found["passed"]) == (1.0, 20, False)
    assert found["low"] == pytest.approx(0.8389, abs=1e-4)
    assert found["examples"][0]["real"].startswith("First answer")


def test_labels_of_a_judge_that_failed_do_not_reach_a_dataset(project: Project) -> None:
    config = make_judge(project)
    run_judge(config, by_number(right))
    judge_alone = FreezeFilters(raters="judge", validation=0, test=0)
    assert freeze(project=project, name="before", filters=judge_alone).manifest["judges"] == {
        config.rater.name: {"status": "active", "attacks_passed": None, "attackable": True}
    }
    attack(config, judging_by(len))

    with pytest.raises(NothingToFreezeError, match=r"judges that failed their attacks \(30\)"):
        freeze(project=project, name="after", filters=judge_alone)
    both = freeze(project=project, name="both", filters=FreezeFilters(validation=0, test=0))
    assert both.manifest["labels"]["kept_out"] == {config.rater.name: "failed_attacks"}
    assert [one["name"] for one in both.manifest["labels"]["raters"]] == ["human"]

    attack(config, judging_by(sound))
    after = freeze(project=project, name="mended", filters=judge_alone)
    assert after.manifest["splits"]["train"]["rows"] == 30


def test_the_gate_is_the_projects(project: Project) -> None:
    config = make_judge(project)
    policy = policy_for(project)
    assert kept_out(project) == {}
    policy.attack_gate = JudgePolicy.Gate.UNTESTED
    policy.save()
    assert kept_out(project) == {config.rater_id: "not_attacked"}
    attack(config, judging_by(len))
    assert kept_out(project) == {config.rater_id: "failed_attacks"}
    policy.attack_gate = JudgePolicy.Gate.OFF
    policy.save()
    assert kept_out(project) == {}


def test_an_untested_judge_stays_out_where_somebody_certified_can_speak(project: Project) -> None:
    config = make_judge(project)
    run_judge(config, by_number(right))
    judge_alone = FreezeFilters(raters="judge", validation=0, test=0)
    dataset = freeze(project=project, name="d", filters=judge_alone)
    assert config.rater.name in never_attacked_words(dataset.manifest)
    assert (
        "**Warning:** This dataset contains labels of" in (dataset.folder / "README.md").read_text()
    )

    human = Rater.objects.get(name="human")
    RaterCheck.objects.create(
        rater=human,
        kind=RaterCheck.Kind.CALIBRATION,
        kappa=0.9,
        n=20,
        threshold=0.6,
        decision=RaterCheck.Decision.ADMIT,
        created_at=timezone.now(),
    )
    assert kept_out(project) == {config.rater_id: "not_attacked"}
    Rater.objects.filter(pk=human.pk).update(status=Rater.Status.SUSPENDED)
    assert kept_out(project) == {}

    other = make_judge(project, config.constitution_version, name="tested")
    attack(other, judging_by(sound))
    assert kept_out(project) == {config.rater_id: "not_attacked"}
    attack(config, judging_by(sound))
    assert kept_out(project) == {}
    split = judge_alone.model_copy(update={"validation": 0.3})
    tested = freeze(project=project, name="e", filters=split)
    assert never_attacked_words(tested.manifest) == ""


def test_a_jury_is_held_to_what_its_members_are_held_to(project: Project) -> None:
    one, two = (make_judge(project, make_judge(project).constitution_version, name=name)
                for name in ("one", "two"))  # fmt: skip
    jury = ensure_jury(project=project, name="jury", judges=[(one, 1), (two, 1)])
    assert standings(project)[jury.rater_id].kept_out == ""

    attack(two, judging_by(len))

    assert standings(project)[jury.rater_id].kept_out == "member_failed_attacks"


def test_what_asks_no_model_is_not_attacked(project: Project) -> None:
    foreign = JudgeConfig.objects.create(
        project=project, rater=make_rater(project, "gpt", kind="judge")
    )
    with pytest.raises(NotOursToRunError, match="uses no model here"):
        launch_attacks(config=foreign)


def test_the_command_says_what_won(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    make_judge(project)

    call_command("judge_attacks", project.slug, "--sample", "5", "--json")
    said = json.loads(capsys.readouterr().out)

    assert said["state"] == "succeeded"
    assert {one["name"] for one in said["attacks"]} == set(ATTACKS)
    assert all(one["n"] == 5 for one in said["attacks"])
    with pytest.raises(SystemExit) as ended:
        call_command("judge_attacks", project.slug, "--sample", "0")
    assert ended.value.code == 2
