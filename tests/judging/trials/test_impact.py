"""What a draft would change: audit sets, runs with a scripted judge, and the figures."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binomtest

from annotation.models import Label, Rater
from constitution.errors import NotADraftError
from constitution.models import ConstitutionVersion
from constitution.services import (
    PrincipleText,
    create_draft,
    draft_from,
    edit_principle,
    publish_version,
    version_sha256,
)
from corpus.models import ModelVersion, Pair, Project
from inference.engine import Request
from inference.errors import EngineUnavailableError
from inference.scripted import ScriptedEngine
from jobs.models import JobState
from jobs.runner import run_job
from judging.asking.arithmetic import Reading
from judging.errors import NoAuditSetError, NothingToTryError
from judging.models import ImpactRun, ImpactVerdict
from judging.trials.impact import draw_audit_set, launch_impact, measure_impact_with
from judging.trials.impact_figures import (
    Judged,
    Principle,
    figures,
    human_outcome,
    p_first_by,
    paired_change,
)
from tests.builders import make_label, make_pair, make_project, make_rater

PAIRS = 12


def both(p_first: float) -> list[Reading]:
    return [Reading("ab", p_first), Reading("ba", p_first)]


def judged(pair: int, human: str, **p_first: float) -> Judged:
    return Judged(
        pair, human, {"domain": f"d{pair % 2}"}, {key: both(p) for key, p in p_first.items()}
    )


OLD, NEW = Principle("polite", "old", 1.0), Principle("polite", "new", 1.0)


def test_the_figures_of_a_draft_that_comes_nearer_to_humans() -> None:
    rows = [
        judged(1, "first", old=0.9, new=0.8),
        judged(2, "first", old=0.2, new=0.7),
        judged(3, "second", old=0.6, new=0.1),
        judged(4, "equal", old=0.5, new=0.52),
        judged(5, "second", old=0.3, new=0.9),
    ]
    found = figures(rows, [NEW], [OLD], tie_band=0.05)

    assert (found["n"], found["unreadable"], found["flipped"]) == (5, 0, 3)
    assert found["before"]["agreement"]["value"] == pytest.approx(3 / 5)
    assert found["after"]["agreement"]["value"] == pytest.approx(4 / 5)
    assert found["change"]["value"] == pytest.approx(1 / 5)
    assert found["change"]["low"] is None
    assert found["change"]["reason"].startswith("5 pairs")
    # The surest of the new verdicts first; of equals, the first pair.
    assert [flip["pair"] for flip in found["flips"]] == [3, 5, 2]
    assert found["flips"][0] == {
        "pair": 3,
        "human": "second",
        "before": "first",
        "after": "second",
        "p_before": 0.6,
        "p_after": 0.1,
    }
    assert {row["stratum"]: row["after"]["agreement"]["n"] for row in found["strata"]} == {
        "d0": 2,
        "d1": 3,
    }


def test_a_pair_that_cannot_be_read_under_both_is_in_no_figure() -> None:
    half = Judged(2, "first", {}, {"old": both(0.9), "new": [Reading("ab", 0.9)]})
    found = figures([judged(1, "first", old=0.9, new=0.9), half], [NEW], [OLD], tie_band=0.05)

    assert (found["n"], found["unreadable"]) == (1, 1)
    assert p_first_by(half, [NEW]) is None


def test_the_first_version_has_nothing_before_it() -> None:
    found = figures([judged(1, "first", new=0.9)], [NEW], [], tie_band=0.05)

    assert (found["before"], found["change"], found["flips"]) == (None, None, [])
    assert found["principles"][0]["status"] == "added"


def test_principles_are_said_to_be_changed_reweighed_added_or_removed() -> None:
    rows = [judged(1, "first", a=0.9, b=0.2, c=0.5, d=0.5)]
    base = [Principle("p", "a", 1.0), Principle("q", "b", 1.0), Principle("r", "c", 1.0)]
    draft = [Principle("p", "d", 1.0), Principle("q", "b", 2.0), Principle("s", "c", 1.0)]
    found = figures(rows, draft, base, tie_band=0.05)

    assert {row["name"]: row["status"] for row in found["principles"]} == {
        "p": "changed",
        "q": "weight",
        "s": "added",
        "r": "removed",
    }
    alone = {row["name"]: row for row in found["principles"]}
    assert alone["r"]["after"] is None
    assert alone["q"]["before"]["agreement"]["n"] == 1


def test_weights_count_as_in_a_judges_label() -> None:
    one = judged(1, "first", a=0.9, b=0.3)
    principles = [Principle("p", "a", 3.0), Principle("q", "b", 1.0)]
    assert p_first_by(one, principles) == pytest.approx((3 * 0.9 + 0.3) / 4)


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(10, 2, 100), (0, 0, 50), (3, 3, 10), (0, 7, 7), (0, 27, 27)]
)
def test_a_paired_change_has_mcnemars_p_and_an_interval(gained: int, lost: int, n: int) -> None:
    rest = n - gained - lost
    found = paired_change(
        [False] * gained + [True] * lost + [True] * rest,
        [True] * gained + [False] * lost + [True] * rest,
    )

    assert found.value == pytest.approx((gained - lost) / n)
    if n < 20:
        assert (found.low, found.high) == (None, None)
        assert found.reason.startswith(f"{n} pairs")
    else:
        assert found.low is not None
        assert found.high is not None
        assert -1 <= found.low <= found.value <= found.high <= 1
    changed = gained + lost
    assert found.p_value == pytest.approx(
        1.0 if not changed else binomtest(gained, changed, 0.5).pvalue
    )


@pytest.mark.parametrize(("before", "after"), [([], []), ([True], []), ([True], [True, False])])
def test_a_change_of_no_pairs_is_refused(before: list[bool], after: list[bool]) -> None:
    with pytest.raises(ValueError, match="pairs before"):
        paired_change(before, after)


def test_both_bad_is_no_preference() -> None:
    assert human_outcome("both_bad") == human_outcome("equal") == "equal"


# --- On a project -------------------------------------------------------------------------------


@pytest.fixture
def project(db: object) -> Project:
    project = make_project()
    ann, ben = make_rater(project, "ann"), make_rater(project, "ben")
    for number in range(PAIRS):
        pair = make_pair(project, number)
        make_label(pair, ann, "first")
        if number == 0:
            make_label(pair, ben, "second")
    make_pair(project, 99)
    return project


@pytest.fixture
def model(project: Project) -> ModelVersion:
    return ModelVersion.objects.create(project=project, name="m", kind="api", location="hash")


@pytest.fixture
def draft(project: Project) -> ConstitutionVersion:
    texts = [
        PrincipleText("polite", "Choose the politer."),
        PrincipleText("short", "Choose the shorter."),
        PrincipleText("off", "Never asked.", weight=0.0),
    ]
    version = publish_version(
        version=create_draft(project=project, slug="c", name="C", principles=texts)
    )
    second = draft_from(version=version)
    edit_principle(
        version=second,
        principle_id=second.principles.get(name="polite").pk,
        fields={"comparison": "Choose the kinder."},
        seen=99,
    )
    return second


def choose(request: Request, _options: object) -> tuple[float, float]:
    """The kinder is always the first, the politer the second, the shorter neither."""
    asked = request.messages[-1].content
    first_shown = asked.index("First answer") < asked.index("Second answer")
    p_first = 0.9 if "kinder" in asked else 0.1 if "politer" in asked else 0.5
    return (p_first, 1 - p_first) if first_shown else (1 - p_first, p_first)


def measure(run: ImpactRun, engine: Any = None) -> ImpactRun:
    engine = engine or ScriptedEngine(chooser=choose)
    run_job(ImpactRun, run.pk, lambda context: measure_impact_with(context, engine))
    run.refresh_from_db()
    return run


def test_an_audit_set_holds_what_humans_decided_and_stays(project: Project) -> None:
    drawn = draw_audit_set(project=project, size=5)
    again = draw_audit_set(project=project, size=5)
    other = draw_audit_set(project=project, size=5, seed=1)

    def pairs(audit: Any) -> set[int]:
        return set(audit.audit_pairs.values_list("pair", flat=True))

    assert [drawn.number, again.number, other.number] == [1, 2, 3]
    assert pairs(drawn) == pairs(again) != pairs(other)
    whole = draw_audit_set(project=project)
    # Neither the pair on which two differ nor the one that nobody labelled.
    assert whole.audit_pairs.count() == PAIRS - 1
    assert set(whole.audit_pairs.values_list("choice", "humans")) == {("first", 1)}

    Label.objects.filter(rater__name="ann").update(choice="second")
    assert set(drawn.audit_pairs.values_list("choice", flat=True)) == {"first"}


def test_pairs_that_are_held_back_or_that_judges_alone_labelled_stay_out(
    project: Project,
) -> None:
    Pair.objects.filter(prompt__messages__0__content="Question 1?").update(held_back="identity")
    unlabelled = Pair.objects.get(labels__isnull=True)
    make_label(unlabelled, make_rater(project, "judge", Rater.Kind.JUDGE))

    drawn = draw_audit_set(project=project)

    assert drawn.audit_pairs.count() == PAIRS - 2
    assert not drawn.audit_pairs.filter(pair=unlabelled).exists()


@pytest.mark.django_db
def test_a_project_without_human_labels_has_no_audit_set() -> None:
    with pytest.raises(NoAuditSetError, match="no pairs decided by humans"):
        draw_audit_set(project=make_project("empty"))


@pytest.mark.django_db(transaction=True)
def test_a_run_asks_each_text_once_and_tells_what_flips(
    project: Project, model: ModelVersion, draft: ConstitutionVersion
) -> None:
    run = measure(launch_impact(version=draft, model=model, engine="scripted", start=False))

    pairs = PAIRS - 1
    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    # Three texts with a weight between the two versions, in both orders.
    assert ImpactVerdict.objects.filter(run=run).count() == 3 * 2 * pairs
    assert run.result["before"]["agreement"]["value"] == 0.0
    assert run.result["after"]["agreement"]["value"] == 1.0
    assert run.result["flipped"] == pairs
    assert run.draft_sha256 == version_sha256(draft)
    # Nothing of it is a label.
    assert not Label.objects.filter(rater__kind=Rater.Kind.JUDGE).exists()


class Dying(ScriptedEngine):
    """Answers some calls, then its server goes away."""

    def __init__(self, calls: int) -> None:
        super().__init__(chooser=choose)
        self.batch_requests = 4
        self.calls = calls

    def choose(self, requests, options):  # type: ignore[no-untyped-def]
        self.calls -= bool(requests)
        if self.calls < 0:
            raise EngineUnavailableError("the server went away")
        return super().choose(requests, options)


@pytest.mark.django_db(transaction=True)
def test_a_run_cut_off_goes_on_where_it_was(
    project: Project,
    model: ModelVersion,
    draft: ConstitutionVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("judging.trials.impact.STORE_VERDICTS", 4)
    run = launch_impact(version=draft, model=model, engine="scripted", start=False)
    measure(run, Dying(5))
    assert run.state == JobState.QUEUED
    stored = ImpactVerdict.objects.filter(run=run).count()
    assert stored > 0
    measure(run)

    assert run.state == JobState.SUCCEEDED
    assert ImpactVerdict.objects.filter(run=run).count() == 3 * 2 * (PAIRS - 1)
    assert run.result["n"] == PAIRS - 1


@pytest.mark.django_db(transaction=True)
def test_impact_is_measured_of_drafts_that_can_be_judged_by(
    project: Project, model: ModelVersion, draft: ConstitutionVersion
) -> None:
    empty = create_draft(
        project=project, slug="e", name="E", principles=[PrincipleText("p", "", "Say.", "Mend.")]
    )
    with pytest.raises(NothingToTryError, match="nothing to judge with"):
        launch_impact(version=empty, model=model, engine="scripted", start=False)
    assert not ImpactRun.objects.exists()
    publish_version(version=draft)
    draft.refresh_from_db()
    with pytest.raises(NotADraftError):
        launch_impact(version=draft, model=model)
