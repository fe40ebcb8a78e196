"""Win rates by few humans and many judgements: valid however wrong the judge is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.core.management import call_command

from annotation.models import Rater
from corpus.models import Completion, ModelVersion, Project
from judging.budget.model_pairs import win_rates
from judging.budget.win_rates import win_rate
from judging.models import JudgeConfig
from tests.builders import make_label, make_pair, make_project, make_rater

TRUTH = 0.6


def draw(rng: np.random.Generator, n: int, wrong: float) -> tuple[np.ndarray, np.ndarray]:
    """Humans' choices at a rate of TRUTH, and a judge that is wrong as often as `wrong`, and then
    always for the second."""
    human = (rng.uniform(size=n) < TRUTH).astype(float)
    judge = np.where(rng.uniform(size=n) < wrong, 0.1, 0.1 + 0.8 * human)
    return human, judge


@pytest.mark.parametrize(("wrong", "narrower"), [(0.0, 0.6), (0.3, 0.9), (1.0, 1.02)])
def test_a_judge_that_is_right_makes_the_interval_narrower_and_one_that_is_not_does_no_harm(
    wrong: float, narrower: float
) -> None:
    rng = np.random.default_rng(7)
    widths, human_widths = [], []
    for _ in range(50):
        human, judge = draw(rng, 100, wrong)
        _, more = draw(rng, 2_000, wrong)
        found = win_rate(human, judge, more)
        assert found.together.low is not None
        assert found.human.low is not None
        widths.append((found.together.high or 0) - found.together.low)
        human_widths.append((found.human.high or 0) - found.human.low)
    assert np.mean(widths) / np.mean(human_widths) < narrower


@pytest.mark.parametrize("n", [19, 49])
def test_what_rests_on_too_few_has_a_value_without_an_interval_and_the_reason(n: int) -> None:
    human, judge = draw(np.random.default_rng(2), n, 0.1)
    found = win_rate(human, judge, [0.7] * 100)
    assert (found.human.low is None) == (n < 20)
    assert found.together.value is not None
    assert found.together.low is None
    assert (
        found.together.reason
        == f"{n} pairs were labelled by both: no interval is given for fewer than 50."
    )


def test_pairs_of_one_prompt_do_not_count_as_many() -> None:
    rng = np.random.default_rng(4)
    human, judge = draw(rng, 60, 0.3)
    _, more = draw(rng, 200, 0.3)
    alone = win_rate(human, judge, more)
    copies = win_rate(
        np.tile(human, 5),
        np.tile(judge, 5),
        np.tile(more, 5),
        prompts=[*range(60)] * 5,
        prompts_alone=[*range(100, 300)] * 5,
    )
    for one, five in ((alone.human, copies.human), (alone.together, copies.together)):
        assert one.low is not None
        assert five.low is not None
        assert (five.high or 0) - five.low > 0.9 * ((one.high or 0) - one.low)


def test_a_biased_judge_alone_misses_the_truth_and_is_corrected() -> None:
    rng = np.random.default_rng(1)
    human, judge = draw(rng, 300, 0.3)
    _, more = draw(rng, 5_000, 0.3)
    found = win_rate(human, judge, more)

    assert found.judge.high is not None
    assert found.judge.high < TRUTH
    assert found.together.low is not None
    assert found.together.low <= TRUTH <= (found.together.high or 0)
    assert found.power is not None
    assert 0 < found.power <= 1


def test_without_tuning_the_value_is_that_of_the_formula() -> None:
    human, judge, more = [1.0, 0.0, 1.0, 0.5], [0.9, 0.2, 0.6, 0.5], [0.3, 0.8, 0.7]
    found = win_rate(human, judge, more)

    assert found.power is not None
    corrected = np.array(human) - found.power * np.array(judge)
    assert found.together.value == pytest.approx(found.power * np.mean(more) + corrected.mean())
    assert found.human.value == pytest.approx(0.625)
    assert found.human.n == 4
    assert (found.judge.n, found.together.n) == (7, 7)


def test_a_judge_that_always_says_the_same_counts_for_nothing() -> None:
    found = win_rate([1.0, 0.0, 1.0], [0.7] * 3, [0.7] * 50)
    assert found.power == 0.0
    assert found.together.value == pytest.approx(found.human.value)


@pytest.mark.parametrize(
    ("human", "judge", "more", "reason"),
    [
        ([], [], [0.5] * 5, "0 pairs were labelled by humans"),
        ([1.0], [0.5], [0.5] * 5, "1 pairs were labelled by humans"),
        ([1.0, 0.0], [0.5, 0.4], [], "0 pairs were labelled by the judge only"),
    ],
)
def test_too_little_has_a_reason_in_the_place_of_a_figure(
    human: list[float], judge: list[float], more: list[float], reason: str
) -> None:
    found = win_rate(human, judge, more).together
    assert found.value is None
    assert found.reason.startswith(reason)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a column"):
        win_rate([1.2], [0.5], [])
    with pytest.raises(ValueError, match="same pairs"):
        win_rate([1.0], [0.5, 0.5], [])


# --- On a project -------------------------------------------------------------------------------


@pytest.fixture
def project(db: object) -> Project:
    """Ten pairs of two models, whichever stands first; in all of them the model “b” is better."""
    project = make_project()
    models = [
        ModelVersion.objects.create(project=project, name=name, kind="api") for name in ("b", "a")
    ]
    judge, ann = make_rater(project, "judge", Rater.Kind.JUDGE), make_rater(project, "ann")
    JudgeConfig.objects.create(project=project, rater=judge)
    for number in range(10):
        pair = make_pair(project, number)
        b_is_first = number % 2 == 0
        first, second = models if b_is_first else models[::-1]
        Completion.objects.filter(pk=pair.first_id).update(model_version=first)
        Completion.objects.filter(pk=pair.second_id).update(model_version=second)
        p = 0.8 if b_is_first else 0.2
        make_label(pair, judge, "first" if b_is_first else "second", p_first=p)
        if number < 4:
            make_label(pair, ann, "equal" if number == 3 else "first" if b_is_first else "second")
    make_label(make_pair(project, 99), judge, p_first=0.5)
    return project


def test_models_are_compared_whichever_of_them_stands_first(project: Project) -> None:
    [found] = win_rates(JudgeConfig.objects.get())

    assert (found.model, found.other, found.pairs) == ("a", "b", 10)
    assert found.rate.human.value == pytest.approx(0.125)
    assert found.rate.judge.value == pytest.approx(0.2)
    assert (found.rate.human.n, found.rate.judge.n) == (4, 10)


def test_the_command_prints_three_estimates(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("win_rates", "harbour", "--json")
    [row] = json.loads(capsys.readouterr().out)["models"]
    assert row["rate"]["human"]["n"] == 4
    call_command("win_rates", "harbour")
    assert "a over b, 10 pairs: humans 12.5 % (" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_project_without_models_in_its_pairs_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = make_project("harbour")
    JudgeConfig.objects.create(
        project=project, rater=make_rater(project, "judge", Rater.Kind.JUDGE)
    )
    call_command("win_rates", "harbour")
    assert "This judge has not labelled any pair" in capsys.readouterr().out
