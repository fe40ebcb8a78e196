"""What is reported of a judge: planted faults are found, and what is not there is not."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from annotation.models import Label, Rater
from constitution.services import PrincipleText, create_draft, publish_version
from corpus.models import ModelVersion, Pair, Project
from inference.engine import Request
from inference.scripted import ScriptedEngine, position_biased_judge
from jobs.runner import run_job
from judging.measures.bias import length_bias, longer_wins, position_bias
from judging.measures.report import CATEGORIES, JudgeReport, judge_report
from judging.models import JudgeConfig, JudgeRun
from judging.runs.runner import judge_with
from judging.selectors import PairSelection
from judging.services import ensure_judge, launch_judge_run
from tests.builders import make_label, make_pair, make_project, make_rater

PAIRS = 120


def test_a_pure_position_bias_is_reported_as_it_was_planted() -> None:
    found = position_bias([0.7] * 50, [0.3] * 50)

    assert found.first_shown.value == pytest.approx(0.7)
    assert found.equal_worth.value == pytest.approx(0.7)
    assert found.inconsistent.value == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_a_noisy_position_bias_of_70_to_30_lies_in_its_interval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth = rng.normal(0, 1, 400)
    pull = np.log(0.7 / 0.3)
    noise = rng.normal(0, 0.5, (2, 400))
    found = position_bias(
        1 / (1 + np.exp(-(worth + pull + noise[0]))), 1 / (1 + np.exp(-(worth - pull + noise[1])))
    ).equal_worth

    assert found.low is not None
    assert found.high is not None
    assert found.low <= 0.7 <= found.high
    assert found.high - found.low < 0.05


def test_a_pairs_own_worth_is_no_position_bias() -> None:
    worth = np.random.default_rng(0).uniform(size=200)
    found = position_bias(worth, worth)

    assert found.first_shown.value == pytest.approx(0.5)
    assert found.inconsistent.value == 0.0


def test_no_pairs_no_figure() -> None:
    assert position_bias([], []).first_shown.value is None
    assert "both orders" in position_bias([], []).inconsistent.reason
    assert position_bias([0.6], [0.6]).first_shown.low is None


def lengths(n: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.integers(20, 400, n).astype(float), rng.integers(20, 400, n).astype(float)


def test_a_judge_that_loves_length_is_caught_and_one_that_follows_humans_is_not() -> None:
    first, second = lengths(400)
    rng = np.random.default_rng(1)
    human = rng.choice([-1.0, 1.0], 400)
    noise = rng.normal(0, 1, 400)
    loving = 1 / (1 + np.exp(-(2 * np.log(first / second) + human + noise)))
    fair = 1 / (1 + np.exp(-(2 * human + noise)))

    caught, cleared = (length_bias(p, first, second, human) for p in (loving, fair))

    assert caught.low is not None
    assert caught.low > 0.5
    assert cleared.low is not None
    assert cleared.high is not None
    assert cleared.low < 0 < cleared.high
    assert (longer_wins(loving, first, second).value or 0) > 0.7


def test_length_is_no_bias_where_it_cannot_be_told() -> None:
    first, second = lengths(50)
    assert length_bias([0.9] * 50, first, second, [1] * 50).value is None
    assert length_bias([0.9] * 5, first[:5], second[:5], [1] * 5).value is None
    same = [10.0] * 50
    assert "same ratio" in length_bias([0.9, 0.1] * 25, same, same, [1, -1] * 25).reason
    with pytest.raises(ValueError, match="above 0"):
        length_bias([0.5], [0.0], [1.0], [0.0])
    assert longer_wins([0.5], [1.0], [2.0]).value is None


# --- On a project -------------------------------------------------------------------------------


@pytest.fixture
def project(db: object) -> Project:
    """Pairs of various lengths, labelled by three humans who err."""
    project = make_project()
    rng = random.Random(4)
    raters = [make_rater(project, name) for name in ("ann", "ben", "cyd")]
    for number in range(PAIRS):
        pair = make_pair(
            project,
            number,
            first=f"First answer {number}. " + "word " * rng.randrange(30),
            second=f"Second answer {number}. " + "word " * rng.randrange(30),
        )
        better = rng.random() < 0.5
        for rater in raters:
            right = rng.random() < 0.8
            make_label(pair, rater, "first" if better == right else "second")
    return project


def judged(project: Project, engine: Any) -> JudgeReport:
    version = publish_version(
        version=create_draft(
            project=project, slug="c", name="C", principles=(PrincipleText("p", "Choose."),)
        )
    )
    model = ModelVersion.objects.create(project=project, name="m", kind="api", location="hash")
    config = ensure_judge(
        project=project, constitution_version=version, model_version=model, engine="scripted"
    )
    run = launch_judge_run(
        project=project, config=config, selection=PairSelection(which="all"), start=False
    )
    run_job(JudgeRun, run.pk, lambda context: judge_with(context, config, engine))
    return judge_report(JudgeConfig.objects.get(pk=config.pk))


@pytest.mark.django_db(transaction=True)
def test_a_planted_bias_of_70_to_30_is_in_its_interval_and_averaging_orders_removes_it(
    project: Project,
) -> None:
    rng = np.random.default_rng(2)
    taste = {pk: float(np.clip(rng.normal(0.5, 0.15), 0.05, 0.95)) for pk in range(PAIRS)}

    def prefers(request: Request) -> float:
        asked = request.messages[-1].content
        number = int(asked.split("First answer ")[1].split(".")[0])
        first_shown = asked.index("First answer") < asked.index("Second answer")
        return taste[number] if first_shown else 1 - taste[number]

    report = judged(project, position_biased_judge(0.7, prefers))

    position = report.position
    assert position.equal_worth.value == pytest.approx(0.7)
    assert position.equal_worth.low == pytest.approx(0.7)
    # Where completions differ, the same pull moves the probability by less.
    assert 0.65 < (position.first_shown.value or 0) < 0.7
    assert (position.inconsistent.value or 0) > 0.3
    p_first = list(Label.objects.filter(rater__kind="judge").values_list("p_first", flat=True))
    assert np.mean([p or 0 for p in p_first]) == pytest.approx(
        np.mean(list(taste.values())), abs=0.01
    )


@pytest.mark.django_db(transaction=True)
def test_the_figures_agree_with_those_of_scikit_learn(project: Project) -> None:
    rng = random.Random(6)
    said = {number: rng.random() for number in range(PAIRS)}

    def choose(request: Request, _options: object) -> tuple[float, float]:
        asked = request.messages[-1].content
        number = int(asked.split("First answer ")[1].split(".")[0])
        first_shown = asked.index("First answer") < asked.index("Second answer")
        p = said[number]
        return (p, 1 - p) if first_shown else (1 - p, p)

    report = judged(project, ScriptedEngine(chooser=choose))

    human, judge = [], []
    for pair in Pair.objects.filter(project=project).order_by("pk"):
        votes = list(pair.labels.filter(rater__kind="human").values_list("choice", flat=True))
        human.append(max(set(votes), key=votes.count))
        judge.append(pair.labels.get(rater__kind="judge").choice)
    assert report.compared == PAIRS
    assert report.kappa["value"] == pytest.approx(cohen_kappa_score(human, judge), abs=1e-9)
    assert report.confusion == confusion_matrix(human, judge, labels=list(CATEGORIES)).tolist()
    assert report.agreement["value"] == pytest.approx(np.mean(np.array(human) == judge), abs=1e-9)
    assert sum(one.n for one in report.bins) == PAIRS
    assert report.position.first_shown.value == pytest.approx(0.5)
    assert report.position.inconsistent.value == 0.0


FOREIGN = [
    {
        "prompt": f"Question {number}?",
        "response_a": "Yes.",
        "response_b": "No, not at all.",
        "labels": [
            {"rater": "ann", "choice": "a" if number % 3 else "b"},
            {"rater": "their judge", "kind": "judge", "order": "ab", "p_a": 0.8},
            {"rater": "their judge", "kind": "judge", "order": "ba", "p_a": 0.4},
        ],
    }
    for number in range(12)
]


@pytest.mark.django_db
def test_a_judge_whose_verdicts_were_imported_gets_the_same_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in FOREIGN))
    call_command("import_pairs", "harbour", str(path), "--json")
    capsys.readouterr()

    call_command("judge_report", "harbour", "their judge", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["labels"], report["verdicts"]["ok"], report["compared"]) == (12, 24, 12)
    assert report["position"]["first_shown"]["value"] == pytest.approx(0.7)
    assert report["agreement"]["value"] == pytest.approx(8 / 12)
    call_command("judge_report", "harbour")
    told = capsys.readouterr().out
    assert "their judge: 12 labels, 24 verdicts, 0 unreadable" in told
    assert "wins 0.700" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "no project 'nowhere'"),
        (("harbour",), "does not have exactly one judge; name one of: 'one', 'two'"),
        (("harbour", "three"), "no judge 'three'; it has: 'one', 'two'"),
    ],
)
@pytest.mark.django_db
def test_the_command_names_the_judges_that_there_are(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    project = make_project("harbour")
    for name in ("one", "two"):
        rater = make_rater(project, name, Rater.Kind.JUDGE)
        JudgeConfig.objects.create(project=project, rater=rater)
    with pytest.raises(SystemExit) as end:
        call_command("judge_report", *arguments)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.django_db
def test_a_judge_without_labels_has_reasons_in_the_place_of_figures() -> None:
    project = make_project()
    config = JudgeConfig.objects.create(
        project=project, rater=make_rater(project, "idle", Rater.Kind.JUDGE)
    )
    report = judge_report(config)
    assert (report.labels, report.compared, report.ece) == (0, 0, None)
    assert report.kappa["value"] is None
    assert report.position.first_shown.reason
    assert report.length.reason
