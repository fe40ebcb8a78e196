"""The agreement of a project, and the command that prints it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import krippendorff
import pytest
from django.core.management import call_command
from django.utils import timezone
from sklearn.metrics import cohen_kappa_score

from annotation.models import Label, Rater
from annotation.selectors import AgreementReport, RaterAgreement, agreement_report
from annotation.services import answer_gold
from corpus.models import Pair, Project, Prompt
from tests.builders import make_gold, make_label, make_pair, make_project, make_rater, make_user

pytestmark = pytest.mark.django_db

FIRST, SECOND, EQUAL, BAD = "first", "second", "equal", "both_bad"


def fill(project: Project, columns: dict[str, list[str]], kind: str = "human") -> list[Pair]:
    """One pair a row; each rater's choices in a column, "" where they did not label."""
    rows = len(next(iter(columns.values())))
    pairs = list(project.pairs.order_by("id")) or [make_pair(project, n) for n in range(rows)]
    for name, choices in columns.items():
        rater = make_rater(project, name, kind)
        for pair, choice in zip(pairs, choices, strict=True):
            if choice:
                make_label(pair, rater, choice)
    return pairs


def row(report: AgreementReport, name: str) -> RaterAgreement:
    return next(row for row in report.raters if row.rater == name)


def two_by_two(a: int, b: int, c: int, d: int) -> dict[str, list[str]]:
    """Ann in rows and Ben in columns of [[a, b], [c, d]] over first and second."""
    return {
        "ann": [FIRST] * (a + b) + [SECOND] * (c + d),
        "ben": [FIRST] * a + [SECOND] * b + [FIRST] * c + [SECOND] * d,
    }


def test_pairwise_kappa_is_that_of_the_table() -> None:
    project = make_project()
    # Observed .7; margins 25/50 and 30/50: expected .5; κ = .4 (a textbook's two readers).
    fill(project, two_by_two(20, 5, 10, 15))
    report = agreement_report(project)
    (pairwise,) = report.pairwise
    assert (pairwise.rater_a, pairwise.rater_b, pairwise.kappa.n) == ("ann", "ben", 50)
    assert pairwise.kappa.value == pytest.approx(0.4)
    assert [(one.rater, one.labels) for one in report.raters] == [("ann", 50), ("ben", 50)]
    # Pooled shares of first are 55/100, so by chance .505 agree.
    four = report.of_kinds.humans.four
    assert four.fleiss_kappa.value == pytest.approx((0.7 - 0.505) / 0.495)
    assert four.fleiss_kappa.n == four.krippendorff_alpha.n == 50


def test_superseded_and_withdrawn_labels_do_not_count() -> None:
    project = make_project()
    pairs = fill(project, two_by_two(20, 5, 10, 15))
    ann = Rater.objects.get(name="ann")
    before = agreement_report(project).as_json()
    wrong = make_label(make_pair(project, 99), ann, BAD)
    Label.objects.create(
        project=project,
        pair=wrong.pair,
        rater=ann,
        choice=BAD,
        supersedes=wrong,
        withdrawn=True,
        created_at=timezone.now(),
    )
    old = Label.objects.get(rater=ann, pair=pairs[0])
    Label.objects.create(
        project=project,
        pair=pairs[0],
        rater=ann,
        choice=FIRST,
        supersedes=old,
        created_at=timezone.now(),
    )
    assert agreement_report(project).as_json() == before


def test_a_repeated_pair_counts_once_with_the_newest_label() -> None:
    project = make_project()
    pairs = fill(project, two_by_two(20, 5, 10, 15))
    before = agreement_report(project)
    ann = Rater.objects.get(name="ann")
    Label.objects.filter(rater=ann, pair=pairs[0]).update(choice=BAD)
    make_label(pairs[0], ann, FIRST)
    after = agreement_report(project)
    assert after.pairwise == before.pairwise
    assert after.of_kinds == before.of_kinds
    assert row(after, "ann").labels == 51


def test_consensus_is_of_the_other_humans_and_needs_a_majority() -> None:
    project = make_project()
    fill(
        project,
        {
            "ann": [FIRST, FIRST, SECOND, EQUAL, FIRST, BAD],
            "ben": [FIRST, FIRST, SECOND, EQUAL, SECOND, ""],
            "cal": [FIRST, SECOND, SECOND, EQUAL, EQUAL, ""],
        },
    )
    fill(project, {"judge": [SECOND, SECOND, FIRST, EQUAL, FIRST, FIRST]}, kind="judge")
    report = agreement_report(project)
    # Ann: ben and cal agree on pairs 1, 3 and 4 alone; the judge has no vote.
    assert row(report, "ann").consensus.n == 3
    assert row(report, "ann").consensus.value == pytest.approx(1.0)
    # The judge: all three humans vote; a majority on pairs 1 to 4, and ann alone on pair 6.
    judge = row(report, "judge")
    assert judge.kind == "judge"
    assert judge.consensus.n == 5
    # Judge 2,2,1,=,1 against 1,1,2,=,bad: agree 1/5; expected (2·2 + 2·1 + 1·1)/25 = 7/25.
    assert judge.consensus.value == pytest.approx((0.2 - 0.28) / 0.72)


def test_gold_counts_where_it_is_settled() -> None:
    project = make_project()
    pairs = fill(project, {"ann": [FIRST, SECOND, FIRST, EQUAL]})
    bob, carol = make_user("bob"), make_user("carol")
    for pair, author, choice in (
        (pairs[0], bob, FIRST),
        (pairs[0], carol, FIRST),
        (pairs[1], bob, SECOND),
        (pairs[1], carol, EQUAL),
    ):
        answer_gold(pair=pair, author=author, choice=choice)
    make_gold(pairs[2], SECOND)
    gold = row(agreement_report(project), "ann").gold
    assert gold.n == 2
    # Ann first, first; gold first, second: 1/2 observed and expected.
    assert gold.value == pytest.approx(0)


def test_judges_are_raters_and_the_humans_have_their_own_figures() -> None:
    project = make_project()
    fill(project, two_by_two(20, 5, 10, 15))
    alone = agreement_report(project)
    fill(project, {"judge": [FIRST, SECOND] * 25}, kind="judge")
    report = agreement_report(project)
    assert report.of_kinds.humans == alone.of_kinds.humans
    everybody = report.of_kinds.everybody.four.krippendorff_alpha
    assert everybody.value != alone.of_kinds.everybody.four.krippendorff_alpha.value
    printed = report.as_json()
    assert printed["krippendorff_alpha"] == alone.as_json()["krippendorff_alpha"]
    assert printed["all_krippendorff_alpha"] == everybody.as_json()
    # One judge has no other judge to agree with.
    assert printed["judge_krippendorff_alpha"]["n"] == 0
    assert [(one.rater, one.kind) for one in report.raters] == [
        ("ann", "human"),
        ("ben", "human"),
        ("judge", "judge"),
    ]


def test_two_judges_agree_among_themselves_whatever_people_say() -> None:
    project = make_project()
    fill(project, two_by_two(20, 5, 10, 15))
    judges = {"one": [FIRST, SECOND] * 25, "two": [FIRST, SECOND] * 25}
    fill(project, judges, kind="judge")
    report = agreement_report(project)
    assert report.of_kinds.judges.four.krippendorff_alpha.value == pytest.approx(1)
    assert report.of_kinds.judges.four.raw_agreement.n == 50
    assert report.of_kinds.humans.four.raw_agreement.value == pytest.approx(0.7)
    printed = json.loads(command("harbour", "--json"))
    assert printed["judge_raw_agreement"]["value"] == 1
    assert "human raters" in command("harbour")


def test_another_project_and_raters_without_labels_are_left_out() -> None:
    project, elsewhere = make_project(), make_project("elsewhere")
    fill(project, two_by_two(2, 1, 1, 2))
    fill(elsewhere, {"charlie": [BAD] * 6})
    make_rater(project, "idle")
    assert [one.rater for one in agreement_report(project).raters] == ["ann", "ben"]


def test_a_project_without_labels_has_reasons_and_no_figures() -> None:
    report = agreement_report(make_project()).as_json()
    assert (report["raters"], report["pairwise"]) == ([], [])
    for name in ("fleiss_kappa", "krippendorff_alpha", "all_fleiss_kappa", "judge_fleiss_kappa"):
        figure = report[name]
        assert (figure["value"], figure["low"], figure["n"]) == (None, None, 0)
        assert figure["reason"]


def test_the_report_takes_as_many_queries_for_many_raters_as_for_few(
    django_assert_max_num_queries: pytest.FixtureRequest,
) -> None:
    project = make_project()
    fill(project, {f"rater {n}": [FIRST, SECOND, EQUAL, BAD] for n in range(12)})
    # The room to sort in (PostgreSQL), all counts, the raters' names.
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        assert len(agreement_report(project).pairwise) == 66


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("agreement", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_one_json_object() -> None:
    project = make_project()
    fill(project, {**two_by_two(20, 5, 10, 15), "lone": [""] * 50})
    make_label(make_pair(project, 99), Rater.objects.get(name="lone"), EQUAL)
    printed = json.loads(command("harbour", "--json"))
    ann = printed["raters"][0]
    assert {"rater", "kind", "labels", "kappa_gold", "kappa_consensus"} <= set(ann)
    assert ann["kappa_gold"] is None
    assert "kappa_gold" in ann["reason"]
    assert ann["kappa_consensus"] == pytest.approx(0.4)
    assert {"rater_a", "rater_b", "n", "kappa", "low", "high"} <= set(printed["pairwise"][0])
    apart = next(two for two in printed["pairwise"] if two["rater_b"] == "lone")
    assert (apart["n"], apart["kappa"]) == (0, None)
    assert apart["reason"]
    for name in ("fleiss_kappa", "krippendorff_alpha"):
        figure = printed[name]
        assert figure["low"] < figure["value"] < figure["high"]
        assert figure["n"] == 50


def test_the_command_prints_a_table() -> None:
    project = make_project()
    fill(project, two_by_two(20, 5, 10, 15))
    lines = command("harbour").splitlines()
    (line,) = [line for line in lines if line.startswith("ann    ben")]
    assert "0.400 [" in line
    assert "n 50" in line
    (alpha,) = [line for line in lines if line.startswith("Krippendorff's α")]
    assert alpha.count("n 50") == 2, "all raters and the humans"


def test_beside_kappa_stand_the_figures_that_prevalence_and_ties_leave_alone() -> None:
    project = make_project()
    # Feinstein and Cicchetti's skewed table: they agree on 85 of 100, and κ is .32.
    fill(project, two_by_two(80, 10, 5, 5))
    report = agreement_report(project)
    (two,) = report.pairwise
    assert two.beside is not None
    assert two.kappa.value == pytest.approx(0.32, abs=5e-3)
    assert two.beside.agreement.value == pytest.approx(0.85)
    # Four were offered: by chance .875·.125·2/3 agree, AC1 = (.85 - .0729) / .9271.
    assert two.beside.ac1.value == pytest.approx((0.85 - 0.21875 / 3) / (1 - 0.21875 / 3))
    assert report.of_kinds.humans.four.gwet_ac1.value == pytest.approx(two.beside.ac1.value)
    assert "88 % of the judgements are first" in two.beside.warning
    assert two.beside.warning == report.of_kinds.humans.warning
    assert row(report, "ann").beside_consensus.warning
    assert command("harbour").count("Note: 88 %") == 1


def test_decided_pairs_and_merged_ties_have_their_own_figures() -> None:
    project = make_project()
    fill(
        project,
        {
            "ann": [FIRST, SECOND, FIRST, SECOND, EQUAL, BAD, EQUAL],
            "ben": [FIRST, SECOND, SECOND, SECOND, BAD, FIRST, EQUAL],
        },
    )
    report = agreement_report(project)
    (two,) = report.pairwise
    assert two.beside is not None
    # Four pairs are decided by both: [[1, 1], [0, 2]], κ = (3/4 - 1/2) / (1/2).
    assert two.beside.kappa_decided.n == 4
    assert two.beside.kappa_decided.value == pytest.approx(0.5)
    assert report.of_kinds.humans.decided.raw_agreement.value == pytest.approx(3 / 4)
    # Of seven, ann and ben agree on four, and on a fifth when equal and both bad are one.
    assert report.of_kinds.humans.four.raw_agreement.value == pytest.approx(4 / 7)
    assert report.of_kinds.humans.three.raw_agreement.value == pytest.approx(5 / 7)


def test_strength_is_an_ordinal_scale() -> None:
    project = make_project()
    ann, ben = make_rater(project, "ann"), make_rater(project, "ben")
    said: list[tuple[tuple[str, int | None], tuple[str, int | None]]] = [
        ((FIRST, 3), (FIRST, 2)),
        ((SECOND, 3), (SECOND, 2)),
        ((FIRST, 1), (EQUAL, None)),
    ]
    said += [((SECOND, 1), (SECOND, None)), ((BAD, None), (FIRST, 3))]
    for number, choices in enumerate(said):
        pair = make_pair(project, number)
        for rater, (choice, strength) in zip((ann, ben), choices, strict=True):
            Label.objects.create(
                project=project,
                pair=pair,
                rater=rater,
                choice=choice,
                strength=strength,
                created_at=timezone.now(),
            )
    report = agreement_report(project)
    (two,) = report.pairwise
    assert two.beside is not None
    assert two.beside.kappa_strength is not None
    assert two.beside.kappa_strength.n == 4, "both bad says nothing of an order"
    reference = cohen_kappa_score([0, 6, 2, 4], [1, 5, 3, 5], weights="quadratic", labels=range(7))
    assert two.beside.kappa_strength.value == pytest.approx(reference)
    alpha = krippendorff.alpha(
        reliability_data=[[0, 6, 2, 4], [1, 5, 3, 5]], level_of_measurement="ordinal"
    )
    assert report.of_kinds.humans.strength_alpha.value == pytest.approx(alpha)
    assert report.of_kinds.humans.strength_alpha.n == 4


def test_a_rater_who_always_presses_the_same_can_be_told_by_the_interval() -> None:
    project = make_project()
    pairs = fill(project, {"ann": [FIRST] * 60})
    for number, pair in enumerate(pairs):
        make_gold(pair, SECOND if number % 2 else FIRST)
    gold = row(agreement_report(project), "ann").gold
    assert (gold.value, gold.n) == (0, 60)
    assert gold.high is not None
    assert gold.high < 0.3
    assert "single category" in gold.reason


def by(part: str) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(command("harbour", "--by", part, "--json"))
    assert printed["by"] == part
    return printed


def test_the_command_breaks_agreement_down_by_part() -> None:
    project = make_project()
    pairs = fill(project, two_by_two(20, 5, 10, 15))
    Prompt.objects.filter(pk__in=[pair.prompt_id for pair in pairs[:25]]).update(
        domain="law", difficulty="hard", language="de"
    )
    Label.objects.update(criteria={"honest": EQUAL}, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    law = next(one for one in by("domain")["parts"] if one["part"] == "law")
    # Rows of ann: [[20, 5]] of the first 25 pairs.
    assert law["raw_agreement"]["value"] == pytest.approx(0.8)
    assert law["fleiss_kappa"]["n"] == law["all_fleiss_kappa"]["n"] == 25
    assert [one["part"] for one in by("difficulty")["parts"]] == ["", "hard"]
    assert [one["part"] for one in by("language")["parts"]] == ["", "de"]
    (week,) = by("week")["parts"]
    assert week["part"] == "2026-W01"
    assert week["fleiss_kappa"] == agreement_report(project).as_json()["fleiss_kappa"]
    (honest,) = by("criterion")["parts"]
    assert (honest["part"], honest["raw_agreement"]["value"]) == ("honest", 1.0)
    assert honest["fleiss_kappa"]["value"] is None
    assert "100 % of the judgements are equal" in honest["warning"]
    ann, ben = by("rater-week")["parts"]
    assert (ann["rater"], ann["week"], ben["rater"]) == ("ann", "2026-W01", "ben")
    assert ann["consensus"]["value"] == pytest.approx(0.4)
    assert ann["gold"]["value"] is None


@pytest.mark.parametrize("part", ["domain", "week", "criterion", "rater-week"])
def test_the_command_prints_a_line_a_part(part: str) -> None:
    project = make_project()
    assert len(command("harbour", "--by", part).splitlines()) == 3, "title and heads alone"
    fill(project, two_by_two(20, 5, 10, 15))
    Label.objects.update(criteria={"honest": FIRST})
    lines = command("harbour", "--by", part).splitlines()[3:]
    assert len(lines) == (2 if part == "rater-week" else 1)
    assert "n 50" in lines[0]


def test_the_summary_shows_the_twos_that_agree_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.management.commands.agreement.TWOS", 1)
    project = make_project()
    fill(project, {**two_by_two(20, 5, 10, 15), "cal": [FIRST] * 25 + [SECOND] * 25})
    printed = command("harbour")
    # Ann and cal agree on all; ben agrees with both on 35 of 50.
    assert "ann    cal" not in printed
    assert "2 more with higher agreement" in printed


def test_an_unknown_project_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    errors = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("agreement", "nowhere", stderr=errors)
    assert left.value.code == 2
    assert errors.getvalue().splitlines() == ["There is no project 'nowhere'."]
    assert capsys.readouterr().out == ""
