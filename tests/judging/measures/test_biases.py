"""Formatting, self-preference, length by bins: pure, with faults planted in them."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.models import Choice
from corpus.models import ModelVersion, Pair, Project
from judging.measures.attacks import policy_for
from judging.measures.bias import Figure, formatting_bias, self_preference, wins_by_length
from judging.measures.formatting import formatting_marks
from judging.measures.marks import Mark, mark_of, marks_of
from judging.measures.report import judge_report, report_of
from tests.builders import make_label, make_pair, make_project, make_rater
from tests.judging.judges import by_number, make_judge, run_judge


def test_formatting_is_counted_in_markdowns_usual_spellings() -> None:
    text = "# Head\n\n- one\n- two\n1. three\n\n**bold** and **more**\n\n```py\nx\n```\n> said\n"
    assert formatting_marks(text) == 1 + 3 + 2 + 2 + 1
    assert formatting_marks("| a | b |\n|---|---|\n| 1 | 2 |") == 3
    assert formatting_marks("Plain words: 2 * 3 - 4, #tag, a|b.") == 0
    assert formatting_marks("") == 0


def test_a_love_of_formatting_is_found_at_the_same_length_and_a_sound_judge_has_none() -> None:
    rng = np.random.default_rng(5)
    n = 2_000
    marks_first, marks_second = rng.integers(0, 5, n), rng.integers(0, 5, n)
    # Formatted answers are longer too: length alone must not pass for formatting.
    first = np.exp(rng.normal(5, 0.5, n)) * (1 + 0.1 * marks_first)
    second = np.exp(rng.normal(5, 0.5, n)) * (1 + 0.1 * marks_second)
    human = np.where(rng.random(n) < 0.5, 1.0, -1.0)
    loves = 1.2 * human + 1.0 * np.sign(marks_first - marks_second)
    by_length = 1.2 * human + 2.0 * np.log(first / second)

    def winners(odds: np.ndarray) -> np.ndarray:
        return np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), 0.9, 0.1)

    found = formatting_bias(winners(loves), marks_first, marks_second, first, second, human)
    assert found.low is not None
    assert found.low < 1.0 < (found.high or 0)
    assert found.low > 0.5
    sound = formatting_bias(winners(by_length), marks_first, marks_second, first, second, human)
    assert sound.low is not None
    assert sound.low < 0 < (sound.high or 0)


def test_self_preference_is_what_a_judge_gives_its_own_beyond_what_humans_do() -> None:
    rng = np.random.default_rng(6)
    deserved = (rng.random(800) < 0.4).astype(float)
    fair = np.clip(deserved * 0.6 + 0.2 + rng.normal(0, 0.05, 800), 0, 1)
    fond = np.clip(fair + 0.2, 0, 1)

    assert self_preference(deserved, deserved).value == 0.0
    found = self_preference(fond, fair)
    assert found.value == pytest.approx(float(np.mean(fond - fair)))
    assert found.low is not None
    assert found.low > 0.15
    assert self_preference([], []).reason.startswith("No human-labelled pair")


def test_win_rates_of_the_longer_are_binned_by_doublings() -> None:
    bins = wins_by_length(
        [0.9, 0.1, 0.9, 0.5], [200, 100, 110, 100], [100, 200, 100, 300], [1, 0, -1, 1]
    )
    # Twice as long wins both times; a tenth longer once; the undecided pair is in none.
    assert [(one.low, one.n, one.judge, one.humans) for one in bins] == [
        (0.0, 1, 1.0, 0.0),
        (0.5, 2, 1.0, 1.0),
    ]


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.mark.django_db(transaction=True)
def test_the_report_tells_strata_principles_and_kin_apart(project: Project) -> None:
    config = make_judge(project)
    assert config.model_version is not None
    tuned = ModelVersion.objects.create(
        project=project, name="tuned", kind="adapter", parent=config.model_version
    )
    other = ModelVersion.objects.create(project=project, name="other", kind="api")
    human = make_rater(project, "human")
    for number in range(40):
        pair = make_pair(project, number)
        pair.prompt.domain = "law" if number < 20 else "home"
        pair.prompt.save()
        pair.first.model_version, pair.second.model_version = tuned, other
        pair.first.save()
        pair.second.save()
        make_label(pair, human, Choice.FIRST if number % 2 else Choice.SECOND)

    # Right in law; at home it takes its own family's answer whatever humans say.
    run_judge(config, by_number(lambda n: 0.9 if n % 2 or n >= 20 else 0.1))
    report = judge_report(config)

    strata = {(one.of, one.name): one for one in report.strata}
    assert strata["domain", "law"].accuracy.value == 1.0
    assert strata["domain", "home"].accuracy.value == 0.5
    assert [one.name for one in report.principles] == ["polite"]
    assert report.principles[0].accuracy.value == 0.75
    # By 0.9 − 0 where humans prefer the other, half of the time at home, and −0.1 and 0.1 else.
    expected = (10 * -0.1 + 10 * 0.1 + 10 * -0.1 + 10 * 0.9) / 40
    assert report.self_preference.value == pytest.approx(expected)
    assert report.self_preference.n == 40
    assert sum(report.first_shown_histogram) == 40

    marks = {one.key: one for one in marks_of(report, policy_for(project))}
    assert marks["self_preference"].over is True
    assert "20.0 points more often than humans do" in marks["self_preference"].sentence
    assert marks["first_shown"].over is False
    assert marks["formatting"].over is None
    assert report_of(config).self_preference == report_of(config).self_preference


def test_a_mark_is_sure_when_its_whole_interval_is_beyond_the_bound() -> None:
    figure = Figure(0.9, 50, 0.75, 1.05)
    sure = mark_of("x", "X", figure, 0.7, lambda value: f"{value}")
    maybe = mark_of("x", "X", Figure(0.8, 9, 0.2, 1.4), 0.7, lambda value: f"{value}")
    assert (sure.over, sure.surely, maybe.over, maybe.surely) == (True, True, True, False)
    assert isinstance(sure, Mark)
    assert 0 <= float(sure.picture["low"]) <= float(sure.picture["value"]) <= 200


@pytest.mark.django_db
def test_an_empty_project_has_reasons_everywhere(project: Project) -> None:
    Pair.objects.all().delete()
    report = report_of(make_judge(project))
    said = report.as_json()
    assert set(said["reasons"]) == {
        *("consistency", "kappa_between_orders", "first_shown_share", "accuracy_gold"),
        *("kappa_consensus", "length_coefficient", "ece"),
    }
    assert all(mark.over is None for mark in marks_of(report, policy_for(project)))
