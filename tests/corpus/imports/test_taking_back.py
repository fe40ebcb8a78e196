"""An import is taken back: exactly what it added goes, while nothing stands on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from pytest_django import Settings

from annotation.models import (
    Adjudication,
    Choice,
    CompletionLabel,
    GoldAnswer,
    GoldPair,
    Label,
    Rater,
    Slot,
)
from annotation.services import Judgement, answer_gold, claim_next_slot, submit_label
from corpus.errors import DependedOnError
from corpus.imports.running import run_import
from corpus.imports.services import import_file
from corpus.imports.taking_back import plan_taking_back, take_back
from corpus.models import Completion, Import, Pair, Project, Prompt
from corpus.pair_sets import pick_pairs
from corpus.writing import Answer, NewPair, write_pairs
from exports.services import FreezeFilters, freeze
from jobs.runner import run_job
from judging.models import JudgeConfig, Verdict
from tests.builders import Cast, make_cast, make_label, make_rater, rater_for

pytestmark = pytest.mark.django_db

COUNTED = (
    *(Pair, Prompt, Completion, Label, GoldAnswer, GoldPair, Slot, Rater, JudgeConfig, Verdict),
    CompletionLabel,
)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project


@pytest.fixture
def bring(tmp_path: Path, project: Project) -> Callable[[list[dict[str, Any]]], Import]:
    def import_them(lines: list[dict[str, Any]]) -> Import:
        path = tmp_path / f"{Import.objects.count()}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        import_file(slug=project.slug, path=path)
        return Import.objects.latest("pk")

    return import_them


Bring = Callable[[list[dict[str, Any]]], Import]


def line(number: int, **more: Any) -> dict[str, Any]:
    return {
        "prompt": f"Question {number}?",
        "response_a": f"Yes {number}.",
        "response_b": f"No {number}.",
        **more,
    }


def human(rater: str, choice: str) -> dict[str, Any]:
    return {"rater": rater, "choice": choice}


def judge(rater: str, p_a: float) -> list[dict[str, Any]]:
    return [{"rater": rater, "kind": "judge", "order": order, "p_a": p_a} for order in ("ab", "ba")]


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in COUNTED}


def rich(number: int) -> dict[str, Any]:
    return line(
        number, gold="a", labels=[human("kim", "a"), human("lee", "b"), *judge("some-judge", 0.8)]
    )


def test_all_that_an_import_added_goes_and_its_report_stays(
    project: Project, bring: Bring, cast: Cast
) -> None:
    before = counts()
    job = bring([rich(1), rich(2), {"prompt": "bad"}])
    assert Verdict.objects.count() == 4
    taken = take_back(job=job, user=cast.carol)
    assert counts() == before
    assert dict(taken.deleted)["pairs"] == 2
    job.refresh_from_db()
    assert job.taken_back_by == cast.carol
    assert job.report["pairs_added"] == 2
    assert job.rejections.count() == 1
    with pytest.raises(DependedOnError, match="taken back already"):
        take_back(job=job)
    again = bring([rich(1), rich(2)])
    assert again.report["pairs_added"] == 2


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_overlapping_imports_leave_nothing_in_whatever_order_they_can_be_taken_back(
    bring: Bring, order: tuple[int, ...]
) -> None:
    """One that others met waits for them; each that is taken back restores what was before."""
    before = counts()
    jobs = [
        bring([rich(1), line(2)]),
        bring([line(2, labels=[human("kim", "b")]), line(3, gold="b")]),
        bring([line(1, response_b="Perhaps."), line(3, labels=[human("mo", "a")])]),
    ]
    waiting = list(order)
    while waiting:
        free = [place for place in waiting if not plan_taking_back(jobs[place]).in_the_way]
        blocked = set(waiting) - set(free)
        for place in blocked:
            untouched = counts()
            with pytest.raises(DependedOnError, match="take that back first"):
                take_back(job=jobs[place])
            assert counts() == untouched
        take_back(job=jobs[free[0]])
        waiting.remove(free[0])
    assert counts() == before


def test_a_second_import_is_taken_back_to_what_the_first_had_made(bring: Bring) -> None:
    bring([rich(1), line(2)])
    before = counts()
    second = bring([line(1, labels=[human("kim", "b")]), line(2, gold="b"), line(3)])
    assert counts() != before
    take_back(job=second)
    assert counts() == before
    kim = Label.objects.get(rater__name="kim")
    assert (kim.choice, hasattr(kim, "superseded_by")) == ("first", False)


def test_prompts_and_completions_that_others_use_are_kept_and_belong_to_them(
    bring: Bring, project: Project
) -> None:
    first = bring([line(1)])
    second = bring([line(1, response_b="Perhaps.")])
    write_pairs(
        project=project,
        pairs=[
            NewPair([{"role": "user", "content": "Question 1?"}], Answer("No 1."), Answer("Never."))
        ],
        origin=Pair.Origin.IMPORT,
    )
    take_back(job=first)
    assert set(Pair.objects.values_list("source_import", flat=True)) == {second.pk, None}
    kept = dict(Completion.objects.values_list("text", "source_import"))
    assert kept == {"Yes 1.": second.pk, "Perhaps.": second.pk, "No 1.": None, "Never.": None}
    assert Prompt.objects.get().source_import_id == second.pk
    take_back(job=second)
    assert set(Completion.objects.values_list("text", flat=True)) == {"No 1.", "Never."}
    assert Prompt.objects.get().source_import_id is None


def labelled(cast: Cast) -> None:
    alice = rater_for(cast.alice, cast.project)
    slot = claim_next_slot(rater=alice)
    assert slot is not None
    assert slot.lease is not None
    submit_label(
        slot_id=slot.pk, rater=alice, lease=slot.lease, judgement=Judgement(pressed="left")
    )


def claimed(cast: Cast) -> None:
    assert claim_next_slot(rater=rater_for(cast.alice, cast.project)) is not None


def gold_by_a_senior(cast: Cast) -> None:
    answer_gold(pair=Pair.objects.get(), author=cast.bob, choice="first")


def adjudicated(cast: Cast) -> None:
    Adjudication.objects.create(project=cast.project, pair=Pair.objects.get(), reason="flag")


def judged(cast: Cast) -> None:
    config = JudgeConfig.objects.create(
        project=cast.project, rater=make_rater(cast.project, "j", kind="judge")
    )
    Verdict.objects.create(config=config, pair=Pair.objects.get(), order="ab", status="failed")


def frozen(cast: Cast) -> None:
    freeze(project=cast.project, name="help", filters=FreezeFilters())


def by_hand(cast: Cast) -> None:
    make_label(Pair.objects.get(), make_rater(cast.project, "anybody"), Choice.FIRST)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (labelled, "1 label"),
        (claimed, "1 rater task"),
        (gold_by_a_senior, "1 gold answer"),
        (adjudicated, "1 adjudication"),
        (judged, "1 verdict"),
        (frozen, "the dataset help v1"),
        (by_hand, "1 label"),
    ],
)
def test_what_was_made_of_an_import_keeps_it_from_being_taken_back(
    cast: Cast, bring: Bring, build: Callable[[Cast], None], said: str
) -> None:
    job = bring([line(1, labels=[human("kim", "a")])])
    build(cast)
    before = counts()
    with pytest.raises(DependedOnError, match=said):
        take_back(job=job)
    assert counts() == before


def test_an_import_that_runs_cannot_be_taken_back(project: Project) -> None:
    job = Import.objects.create(project=project, name="f", state=Import.State.RUNNING)
    with pytest.raises(DependedOnError, match="cancel it first"):
        take_back(job=job)


def test_labels_of_an_import_on_pairs_in_a_dataset_keep_it(cast: Cast, bring: Bring) -> None:
    bring([line(1, labels=[human("kim", "a")])])
    second = bring([line(1, labels=[human("lee", "a")])])
    freeze(project=cast.project, name="help", filters=FreezeFilters())
    with pytest.raises(DependedOnError, match="the dataset help v1"):
        take_back(job=second)


def test_an_account_that_a_file_names_keeps_its_place_among_the_raters(
    cast: Cast, bring: Bring
) -> None:
    name = rater_for(cast.alice, cast.project).name
    job = bring([line(1, labels=[human(name, "a")])])
    take_back(job=job)
    assert rater_for(cast.alice, cast.project)
    assert User.objects.filter(username="alice").exists()


def test_what_is_in_the_way_is_called_as_people_know_it(cast: Cast, bring: Bring) -> None:
    job = bring([line(1), line(2)])
    pairs = list(Pair.objects.order_by("pk").values_list("pk", flat=True))
    pick_pairs(project=cast.project, pairs=pairs)
    claim_next_slot(rater=rater_for(cast.alice, cast.project))
    assert plan_taking_back(job).in_the_way == [
        "2 places in pair sets",
        "1 rater task",
    ]


def test_the_command_says_what_it_deletes_and_what_is_in_the_way(
    cast: Cast, bring: Bring, capsys: pytest.CaptureFixture[str]
) -> None:
    job = bring([line(1)])
    call_command("take_back", "harbour", str(job.pk), "--dry-run")
    assert "1 pair would be deleted" in capsys.readouterr().out
    adjudicated(cast)
    with pytest.raises(SystemExit) as stopped:
        call_command("take_back", "harbour", str(job.pk))
    assert stopped.value.code == 2
    assert "because of 1 adjudication" in capsys.readouterr().err
    Adjudication.objects.all().delete()
    call_command("take_back", "harbour", str(job.pk), "--json")
    assert json.loads(capsys.readouterr().out)["deleted"] == {
        "pairs": 1,
        "completions": 2,
        "prompts": 1,
    }
    assert not Pair.objects.exists()


def test_an_older_import_that_ran_later_keeps_what_it_found(
    bring: Callable[[list[dict[str, Any]]], Import], project: Project, tmp_path: Path
) -> None:
    path = tmp_path / "older.jsonl"
    path.write_text(json.dumps(line(1)) + "\n" + json.dumps(line(2)) + "\n")
    older = Import.objects.create(project=project, name=path.name, path=str(path))
    younger = bring([line(2), line(3)])
    run_job(Import, older.pk, run_import)

    with pytest.raises(DependedOnError, match=f"import {older.pk} \\({older.name}\\)"):
        take_back(job=younger)

    older.refresh_from_db()
    take_back(job=older)
    take_back(job=younger)
    assert not Pair.objects.filter(project=project).exists()


def test_of_two_imports_that_met_each_other_the_younger_goes_first(
    bring: Callable[[list[dict[str, Any]]], Import],
    project: Project,
    tmp_path: Path,
    settings: Settings,
) -> None:
    settings.IMPORT_BATCH_PAIRS = 1
    older, younger = (Import.objects.create(project=project, name=name) for name in ("a", "b"))
    # As they would have been cut off and resumed in turn.
    for job, numbers in ((older, [1]), (younger, [2, 1]), (older, [1, 2])):
        path = tmp_path / job.name
        path.write_text("".join(json.dumps(line(one)) + "\n" for one in numbers))
        Import.objects.filter(pk=job.pk).update(path=str(path), state=Import.State.QUEUED)
        run_job(Import, job.pk, run_import)

    with pytest.raises(DependedOnError, match=r"\(b\), whose file holds"):
        take_back(job=older)
    take_back(job=younger)
    take_back(job=older)
    assert not Pair.objects.filter(project=project).exists()
