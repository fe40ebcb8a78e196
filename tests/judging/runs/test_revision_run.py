"""Critique–revise runs with a scripted reviser: every step stored once, pairs, labels, marks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from annotation.models import Choice, Label, Rater, Slot
from constitution.errors import (
    NothingToReviseError,
    NotPublishedError,
    ReasonMissingError,
    UnknownTemplateError,
)
from constitution.models import Chain, Revision, RevisionRun
from constitution.revision.runner import revise_with
from constitution.selectors import run_counts
from constitution.services import (
    PrincipleText,
    create_draft,
    launch_revision_run,
    mark_chain,
    publish_version,
)
from corpus.models import Pair, Project, Prompt
from corpus.prompts import PromptSelection, selected_prompts
from inference.engine import Request
from inference.errors import BadRequestError, EngineUnavailableError
from inference.scripted import ScriptedEngine
from jobs.models import JobState
from jobs.runner import JobContext, run_job
from judging.runs.revision_results import other_judgements, publish_results, reviser_of
from serving.models import Usage
from serving.selectors import usage_of_run
from tests.builders import make_label, make_project, make_prompt, make_rater, make_user
from tests.judging.workshop import POLITE, make_model, make_version, reply

pytestmark = pytest.mark.django_db(transaction=True)

PROMPTS = 7


@pytest.fixture
def project() -> Project:
    project = make_project()
    for number in range(PROMPTS):
        make_prompt(project, f"Question {number}?")
    return project


def launch(project: Project, **options: Any) -> RevisionRun:
    return launch_revision_run(
        project=project,
        constitution_version=options.pop("version", None) or make_version(project),
        model_version=options.pop("model", None) or make_model(project),
        engine="scripted",
        start=False,
        **options,
    )


def do(
    run: RevisionRun, script: Callable[[Request, int], str] = reply, engine: Any = None
) -> RevisionRun:
    def work(context: JobContext[RevisionRun]) -> None:
        revise_with(context, engine or ScriptedEngine(reply=script))
        publish_results(context)

    run_job(RevisionRun, run.pk, work)
    run.refresh_from_db()
    return run


def test_every_step_is_stored_and_a_chain_ends_when_nothing_is_found(project: Project) -> None:
    run = do(launch(project))

    assert (run.state, run.error) == (JobState.SUCCEEDED, "")
    assert (run.progress_done, run.progress_total) == (PROMPTS, PROMPTS)
    for chain in Chain.objects.filter(run=run):
        steps = list(chain.revisions.all())
        assert [step.status for step in steps] == ["revised", "revised", "nothing_found"]
        assert {steps[0].principle.name, steps[1].principle.name} == {"polite", "short"}
        assert [step.before for step in steps] == [
            chain.initial,
            f"{chain.initial} please",
            f"{chain.initial} please please",
        ]
        assert [step.after for step in steps[:2]] == [step.before for step in steps[1:]]
        assert steps[0].critique == "It lacks a please."
        assert chain.finding == Chain.Finding.REVISED
    took = usage_of_run(Usage.Purpose.CRITIQUE, run.pk)
    assert took.requests == PROMPTS * (1 + 2 + 2 + 1)


def test_the_number_of_rounds_is_a_bound_and_stopping_early_can_be_left_out(
    project: Project,
) -> None:
    version, model = make_version(project), make_model(project)
    short = do(launch(project, version=version, model=model, rounds=1))
    whole = do(launch(project, version=version, model=model, rounds=4, stop_early=False))

    assert Revision.objects.filter(chain__run=short).count() == PROMPTS
    assert Revision.objects.filter(chain__run=whole).count() == 4 * PROMPTS
    assert run_counts(whole).rounds == {1: PROMPTS, 2: PROMPTS}


def test_a_good_chain_becomes_a_pair_that_prefers_the_revision(project: Project) -> None:
    run = do(launch(project, ask_raters=True))

    pairs = Pair.objects.filter(origin=Pair.Origin.REVISION, batch=run.batch)
    assert pairs.count() == PROMPTS
    rater = reviser_of(run)
    for pair in pairs.select_related("first", "second"):
        label = Label.objects.get(pair=pair)
        better, worse = pair.first, pair.second
        if label.choice == Choice.SECOND:
            better, worse = worse, better
        assert better.text == f"{worse.text} please please"
        assert (label.rater, label.p_first) == (rater, float(label.choice == Choice.FIRST))
    assert rater.kind == Rater.Kind.JUDGE
    assert rater.judge_config.constitution_version == run.constitution_version
    assert Slot.objects.filter(pair__in=pairs).count() >= PROMPTS


class Dying(ScriptedEngine):
    """Answers some calls, then its server goes away."""

    def __init__(self, calls: int) -> None:
        super().__init__(reply=reply)
        self.batch_requests = 2
        self.calls = calls

    def generate(self, requests, sampling):  # type: ignore[no-untyped-def]
        self.calls -= bool(requests)
        if self.calls < 0:
            raise EngineUnavailableError("the server went away")
        return super().generate(requests, sampling)


@pytest.mark.parametrize("calls", range(1, 24, 3))
def test_a_run_cut_off_anywhere_ends_as_the_unbroken_one(
    project: Project, settings: Settings, calls: int
) -> None:
    settings.REVISE_PAGE_PROMPTS = 4
    version, model = make_version(project), make_model(project)
    unbroken = do(launch(project, version=version, model=model))
    expected = steps_of(unbroken)
    run = launch(project, version=version, model=model)

    do(run, engine=Dying(calls))
    assert run.state == JobState.QUEUED
    do(run)

    assert (run.state, run.error, run.attempts) == (JobState.SUCCEEDED, "", 2)
    assert steps_of(run) == expected
    assert Label.objects.filter(rater=reviser_of(run)).count() == PROMPTS


def steps_of(run: RevisionRun) -> list[tuple[Any, ...]]:
    rows = Revision.objects.filter(chain__run=run).order_by("chain__prompt", "round")
    return list(rows.values_list("chain__prompt", "round", "principle", "before", "after"))


def test_publishing_the_results_again_adds_nothing(project: Project) -> None:
    run = do(launch(project, ask_raters=True))
    labels, slots = Label.objects.count(), Slot.objects.count()

    again = launch(project, version=run.constitution_version, model=run.model_version)
    do(again)

    # The same pairs: found, not doubled, and their label is there.
    assert (Label.objects.count(), Slot.objects.count()) == (labels, slots)
    assert Pair.objects.count() == PROMPTS


@pytest.mark.parametrize(
    ("revision", "finding"),
    [
        ("same", Chain.Finding.UNCHANGED),
        ("I'm sorry, but I can't help with that.", Chain.Finding.REFUSES),
        ("It lacks a please.", Chain.Finding.REPEATS),
    ],
)
def test_what_is_no_better_answer_is_counted_and_makes_no_pair(
    project: Project, revision: str, finding: str
) -> None:
    def script(request: Request, index: int) -> str:
        if not request.messages[-1].content.startswith("Make it"):
            return reply(request, index)
        same = next(turn.content for turn in request.messages if "ANSWER" in turn.content)
        return same if revision == "same" else revision

    run = do(launch(project, rounds=1), script)

    counts = run_counts(run)
    assert counts.findings[finding] == PROMPTS
    assert counts.kept == 0
    assert not Pair.objects.exists()


def test_to_refuse_a_red_team_prompt_is_no_fault(project: Project) -> None:
    Prompt.objects.update(sensitive=True)

    def script(request: Request, index: int) -> str:
        revising = request.messages[-1].content.startswith("Make it")
        return "I cannot help with that." if revising else reply(request, index)

    run = do(launch(project, rounds=1), script)

    assert run_counts(run).kept == PROMPTS
    assert run_counts(run).refusals == PROMPTS


def test_a_prompt_that_cannot_be_answered_fails_alone(project: Project) -> None:
    class Choosy(ScriptedEngine):
        batch_requests = 1

        def generate(self, requests, sampling):  # type: ignore[no-untyped-def]
            if any("Question 3" in str(one.messages) for one in requests):
                raise BadRequestError("too long")
            return super().generate(requests, sampling)

    engine = Choosy(reply=reply)
    run = do(launch(project), engine=engine)

    assert run.state == JobState.SUCCEEDED
    failed = Chain.objects.get(finding=Chain.Finding.FAILED)
    assert "too long" in failed.reason
    assert run_counts(run).kept == PROMPTS - 1


def test_a_bad_chain_takes_its_pair_out_and_gives_it_back(project: Project) -> None:
    run = do(launch(project))
    chain, user = Chain.objects.filter(run=run)[0], make_user("carol")

    with pytest.raises(ReasonMissingError):
        mark_chain(chain=chain, bad=True, user=user, reason=" ")
    chain = mark_chain(chain=chain, bad=True, user=user, reason="It rambles.")

    assert (chain.bad, chain.bad_by, chain.bad_reason) == (True, user, "It rambles.")
    assert held_back(chain) == Pair.HeldBack.BAD_CHAIN
    assert (run_counts(run).kept, run_counts(run).bad) == (PROMPTS - 1, 1)
    mark_chain(chain=chain, bad=False, user=user)
    assert held_back(chain) == ""


def held_back(chain: Chain) -> str:
    return Pair.objects.get(chains=chain).held_back


def test_a_pair_that_a_senior_set_aside_is_not_given_back_by_a_chain(project: Project) -> None:
    run = do(launch(project))
    chain, user = Chain.objects.filter(run=run)[0], make_user("carol")
    Pair.objects.filter(chains=chain).update(held_back=Pair.HeldBack.SET_ASIDE)

    mark_chain(chain=chain, bad=True, user=user, reason="Bad.")
    mark_chain(chain=chain, bad=False, user=user)

    assert held_back(chain) == Pair.HeldBack.SET_ASIDE


def test_what_others_say_of_the_revisions_is_counted(project: Project) -> None:
    run = do(launch(project))
    judge = make_rater(project, "judge", Rater.Kind.JUDGE)
    chains = list(Chain.objects.filter(run=run).select_related("pair"))
    for chain, prefers_initial in zip(chains[:3], (True, False, None), strict=True):
        assert chain.pair is not None
        first = bool(chain.revision_is_first) != bool(prefers_initial)
        choice = Choice.FIRST if first else Choice.SECOND
        make_label(chain.pair, judge, Choice.EQUAL if prefers_initial is None else choice)

    said = other_judgements(run)

    assert (said.judged, said.prefer_initial, said.undecided) == (3, 1, 1)


def test_prompts_are_selected_by_what_they_are(project: Project) -> None:
    Prompt.objects.filter(pk__in=list(Prompt.objects.values_list("pk", flat=True)[:2])).update(
        source="red team", sensitive=True, domain="harm"
    )

    def count(**selection: Any) -> int:
        return selected_prompts(project.pk, PromptSelection(**selection)).count()

    assert count() == PROMPTS
    assert count(source="red team") == count(sensitive=True) == count(domain="harm") == 2
    assert count(sensitive=False) == PROMPTS - 2
    assert count(limit=3) == 3
    assert count(source="none") == 0


def test_what_cannot_be_run_is_refused_before_it_begins(project: Project) -> None:
    model = make_model(project)
    draft = create_draft(project=project, slug="d", name="D", principles=(POLITE,))
    without = create_draft(
        project=project, slug="w", name="W", principles=(PrincipleText("p", "Choose."),)
    )
    publish_version(version=without)
    without.refresh_from_db()
    version = make_version(project)
    with pytest.raises(NotPublishedError, match="publish it first"):
        launch(project, version=draft, model=model)
    with pytest.raises(NothingToReviseError, match="no principle with a critique request"):
        launch(project, version=without, model=model)
    with pytest.raises(NothingToReviseError, match="no prompt"):
        launch(project, version=version, model=model, selection=PromptSelection(source="nowhere"))
    with pytest.raises(NothingToReviseError, match="rounds is 17"):
        launch(project, version=version, model=model, rounds=17)
    with pytest.raises(UnknownTemplateError, match="choose from critique-v1"):
        launch(project, version=version, model=model, template="other")
    model.context_tokens = 256
    model.save()
    with pytest.raises(NothingToReviseError, match="max_tokens is 300"):
        launch(project, version=version, model=model, max_tokens=300)
    assert launch(project, version=version, model=model).max_tokens == 64
    assert RevisionRun.objects.count() == 1


def test_the_command_prints_what_it_counted(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    make_version(project)
    make_model(project)
    arguments = ("harbour", "--constitution", "c", "--engine", "scripted", "--model", "m")

    call_command("critique", *arguments, "--rounds", "2", "--json")

    report = json.loads(capsys.readouterr().out)
    assert (report["state"], report["chains"], report["batch"]) == (
        "succeeded",
        PROMPTS,
        f"critique-{report['run']}",
    )
    assert sum(report["findings"].values()) == PROMPTS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "--constitution", "c"), "no project 'nowhere'"),
        (("harbour", "--constitution", "other"), "no published constitution 'other'"),
        (("harbour", "--constitution", "c", "--model", "x"), "no model version 'x'"),
        (("harbour", "--constitution", "c", "--temperature", "-1"), "temperature"),
        (("harbour", "--constitution", "c", "--limit", "0"), "--limit is 0"),
        (("harbour", "--constitution", "c", "--rounds", "0"), "rounds is 0"),
    ],
)
def test_the_command_tells_bad_input_in_one_line(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    make_version(project)

    with pytest.raises(SystemExit) as end:
        call_command("critique", *arguments)

    assert end.value.code == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.strip().splitlines()) == 1
