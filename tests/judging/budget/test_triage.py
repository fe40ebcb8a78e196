"""What people look at first, who labels what within a budget, and scalings that are kept."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from annotation.models import Adjudication, Choice, Label, Slot
from annotation.services import claim_next_slot
from corpus.models import Pair, Project
from judging.budget.planner import Prices, plan
from judging.budget.triage import plan_labels, send_to_raters, send_to_seniors, triage
from judging.errors import NotCalibratableError
from judging.measures.calibration import expected_calibration_error
from judging.measures.report import unscaled
from judging.measures.scaling import calibrate, scaled, use_calibration
from judging.models import Calibration, JudgeConfig
from tests.builders import make_cast, make_label, make_pair, make_project, make_rater
from tests.judging.judges import by_number, make_judge, run_judge

db = pytest.mark.django_db(transaction=True)
PRICES = Prices(human_cost=1.0, human_hours=0.01, judge_cost=0.0)


def number(pair_number: int) -> float:
    """The judge's probability for first: unsure of the first ten pairs, surer of the others."""
    return 0.5 + 0.01 * pair_number if pair_number < 10 else 0.95


@pytest.fixture
def project() -> Project:
    project = make_project()
    for place in range(40):
        make_pair(project, place)
    return project


@pytest.fixture
def judge(project: Project) -> JudgeConfig:
    config = make_judge(project)
    run_judge(config, by_number(number))
    return config


@db
def test_unsure_pairs_go_to_raters_before_all_others_and_each_once(
    project: Project, judge: JudgeConfig
) -> None:
    unsure = list(Pair.objects.order_by("pk")[:10])
    # One is in the queue already, one a human has labelled, and one is gold.
    Slot.objects.create(pair=unsure[0], project=project)
    make_label(unsure[1], make_rater(project, "human"))
    for pair in Pair.objects.order_by("pk")[20:30]:
        Slot.objects.create(pair=pair, project=project, priority=5)
    found = triage(judge, within=0.2)
    assert (found.unsure, found.abstained, found.human_done) == (9, 0, 1)
    assert found.unsure_pairs[0]["pair_id"] == unsure[0].pk

    assert send_to_raters(config=judge, within=0.2) == 9
    assert send_to_raters(config=judge, within=0.2) == 9

    assert Slot.objects.filter(priority=100, state="open").count() == 9
    rater = make_rater(project, "rater")
    first = claim_next_slot(rater=rater)
    assert first is not None
    assert first.pair_id in {pair.pk for pair in unsure}


@db
def test_strong_disagreements_wait_for_seniors(project: Project, judge: JudgeConfig) -> None:
    human = make_rater(project, "human")
    for pair in Pair.objects.order_by("pk")[10:14]:
        make_label(pair, human, Choice.SECOND)

    assert send_to_seniors(project=project) == 4
    assert triage(judge).disputed == 4
    assert set(Adjudication.objects.values_list("reason", flat=True)) == {"judge"}


def test_a_plan_gives_humans_what_the_judge_is_least_sure_of_as_long_as_they_are_better() -> None:
    p = [0.5, 0.6, 0.7, 0.95, 0.04]
    found = plan(p, human_accuracy=0.9, prices=PRICES, money=10.0)
    assert (found.chosen.human, found.chosen.judge) == (3, 2)
    assert found.chosen.accuracy == pytest.approx((3 * 0.9 + 0.95 + 0.96) / 5)
    assert found.chosen.below == pytest.approx(0.7)
    assert found.judge_only.accuracy == pytest.approx((0.5 + 0.6 + 0.7 + 0.95 + 0.96) / 5)
    assert found.human_only.accuracy == pytest.approx(0.9)
    # Less money, fewer pairs; and hours bind as money does.
    assert plan(p, human_accuracy=0.9, prices=PRICES, money=2.0).chosen.human == 2
    assert plan(p, human_accuracy=0.9, prices=PRICES, hours=0.01).chosen.human == 1
    both = plan(p, human_accuracy=0.9, prices=PRICES, money=2.0, hours=0.01)
    assert both.chosen.human == 1


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.floats(0, 1),
    st.floats(0, 100),
)
def test_no_other_split_within_the_budget_is_better(
    p: list[float], human_accuracy: float, money: float
) -> None:
    found = plan(p, human_accuracy=human_accuracy, prices=PRICES, money=money)
    assert found.chosen.cost <= money + 1e-9 or found.chosen.human == 0
    affordable = [one for one in found.curve if one.cost <= money]
    assert all(found.chosen.accuracy >= one.accuracy - 1e-9 for one in affordable)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give a budget"),
        ({"money": -1.0}, "0 or more"),
        ({"money": 1.0, "human_accuracy": 2.0}, "must be in"),
    ],
)
def test_a_plan_without_sense_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan([0.5], prices=PRICES, **{"human_accuracy": 0.9, **options})


@db
def test_the_plan_of_a_project_takes_what_its_labels_say(
    project: Project, judge: JudgeConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    made = plan_labels(
        judge, money=None, hours=1.0, hourly_wage=36.0, human_accuracy=0.9, human_seconds=100.0
    )
    assert made.pairs == 40
    assert made.chosen.human == 10
    assert made.chosen.hours == pytest.approx(1000 / 3600)
    assert made.chosen.cost == pytest.approx(10.0)

    call_command("triage", project.slug, "--hours", "1", "--send", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["sent_to_raters"], said["plan"]["pairs"]) == (10, 40)
    for wrong in (("--within", "0.7"), ("--money", "-1"), ("--limit", "0")):
        with pytest.raises(SystemExit) as ended:
            call_command("triage", project.slug, *wrong)
        assert ended.value.code == 2


# --- Scalings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
@db
def test_an_over_sure_judge_is_mended_by_half_and_its_later_labels_are_scaled(
    project: Project, method: str
) -> None:
    rng = np.random.default_rng(3)
    human = make_rater(project, "human")
    truth = {}
    for place in range(40, 340):
        pair = make_pair(project, place)
        truth[place] = float(rng.uniform(0.3, 0.7))
        make_label(pair, human, "first" if rng.random() < truth[place] else "second")

    def too_sure(place: int) -> float:
        said = truth.get(place, 0.65)
        odds = (said / (1 - said)) ** 6
        return odds / (1 + odds)

    config = make_judge(project)
    run_judge(config, by_number(too_sure))
    p, y = unscaled(config)
    assert len(p) == 300
    made = calibrate(
        config=config, method="isotonic" if method == "isotonic" else "temperature", p=p, y=y
    )

    assert made.error_after < made.error_before / 2
    later = np.array([scaled(made, one) for one in p])
    assert (expected_calibration_error(later, y) or 0) < made.error_before / 2
    assert scaled(made, 0.5) == pytest.approx(0.5)
    assert scaled(made, 0.8) == pytest.approx(1 - scaled(made, 0.2))

    before = {label.pair_id: label.p_first for label in Label.objects.filter(rater=config.rater)}
    use_calibration(config=config, calibration=made)
    run_judge(config, by_number(too_sure), which="all")
    for label in Label.objects.effective().filter(rater=config.rater):
        assert label.p_first == pytest.approx(scaled(made, before[label.pair_id] or 0))
    # What it is learnt from are the verdicts, which no scaling touches.
    assert unscaled(config)[0] == pytest.approx(p)
    use_calibration(config=config, calibration=None)
    assert not Calibration.objects.filter(in_use=True).exists()


@db
def test_too_few_decided_pairs_are_no_scaling(project: Project, judge: JudgeConfig) -> None:
    with pytest.raises(NotCalibratableError, match="Humans decided only 0 of the pairs"):
        calibrate(config=judge, method="temperature", p=np.array([]), y=np.array([]))
    with pytest.raises(SystemExit) as ended:
        call_command("judge_calibrate", project.slug)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("money", "hours", "cost", "time"),
    [
        (None, 1e300, 0.0, 1e-20),
        (1e300, None, 1e-20, 0.0),
    ],
)
def test_a_budget_for_more_pairs_than_can_be_counted_is_one_for_all(
    money: float | None, hours: float | None, cost: float, time: float
) -> None:
    prices = Prices(human_cost=cost, human_hours=time, judge_cost=0.0)
    assert (
        plan([0.6, 0.7], human_accuracy=1, prices=prices, money=money, hours=hours).chosen.human
        == 2
    )


@pytest.mark.parametrize("wrong", [float("inf"), float("nan"), 1e308])
def test_a_price_without_a_sum_is_refused(wrong: float) -> None:
    prices = Prices(human_cost=wrong, human_hours=0.01, judge_cost=0.0)
    with pytest.raises(ValueError, match="too large"):
        plan([0.6] * 20, human_accuracy=1, prices=prices, money=1.0)


@db
@pytest.mark.parametrize("figure", ["1e400", "nan", "1e308"])
def test_a_budget_that_cannot_be_is_refused_by_api_and_page(figure: str) -> None:
    cast = make_cast()
    judge = make_judge(cast.project, name="judge")
    client = Client()
    client.force_login(cast.dan)
    asked = {"money": figure, "hourly_wage": figure, "human_seconds": figure}
    address = f"/api/projects/harbour/judges/{judge.pk}/plan"
    answer = client.post(address, asked, content_type="application/json")
    assert answer.status_code == 400, answer.content
    page = client.get(
        "/projects/harbour/judge/triage/", {"judge": str(judge.pk), "within": "0.1", **asked}
    )
    assert page.status_code == 400
