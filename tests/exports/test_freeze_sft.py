"""SFT datasets: which revisions go in, what is mixed in, and that the same rows have one hash."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from django.core.management import call_command

from annotation.models import Choice, Rater
from constitution.models import Chain, RevisionRun
from constitution.services import mark_chain
from corpus.models import Project, Prompt
from exports.errors import BadFilterError, NothingToFreezeError
from exports.models import DatasetVersion
from exports.services import FreezeFilters, SftFilters, freeze, freeze_sft
from exports.verifying import verify
from tests.builders import make_label, make_pair, make_project, make_rater, make_user
from tests.judging.workshop import make_revision_run

pytestmark = pytest.mark.django_db(transaction=True)

PROMPTS = 8
ALL_TRAIN = {"validation": 0.0, "test": 0.0}


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def run(project: Project) -> RevisionRun:
    return make_revision_run(project, PROMPTS)


def frozen(run: RevisionRun, **filters: Any) -> DatasetVersion:
    given = {**ALL_TRAIN, "runs": (run.pk,), **filters}
    return freeze_sft(project=run.project, name="sft", filters=SftFilters.model_validate(given))


def rows(dataset: DatasetVersion, split: str = "train") -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = pq.read_table(dataset.folder / f"{split}.parquet").to_pylist()
    return content


def test_the_last_revision_of_each_chain_goes_in_with_where_it_comes_from(
    run: RevisionRun,
) -> None:
    dataset = frozen(run)

    found = rows(dataset)
    assert len(found) == PROMPTS
    assert dataset.kind == DatasetVersion.Kind.SFT
    assert verify(dataset.sha256).ok
    for row in found:
        question = row["prompt"][0]["content"]
        assert row["completion"] == [
            {"role": "assistant", "content": f"ANSWER to {question} please please"}
        ]
        assert (row["role"], row["round"], row["model"]) == ("revision", 2, "m")
        assert sorted(row["principles"]) == ["polite", "short"]
        assert row["constitution_sha256"] == run.constitution_version.sha256
    [about] = dataset.manifest["runs"]
    assert (about["run"], about["constitution"]) == (run.pk, "c@1")


def test_all_rounds_go_in_where_they_are_wanted(run: RevisionRun) -> None:
    found = rows(frozen(run, revisions="all"))

    assert sorted(row["round"] for row in found) == [1] * PROMPTS + [2] * PROMPTS


def test_the_same_rows_have_one_hash_and_others_another(run: RevisionRun) -> None:
    one, again = frozen(run), frozen(run)
    assert one == again
    assert frozen(run, revisions="all").sha256 != one.sha256


def test_what_is_bad_or_not_preferred_or_came_to_nothing_stays_out_and_is_counted(
    run: RevisionRun,
) -> None:
    chains = list(Chain.objects.filter(run=run).select_related("pair"))
    mark_chain(chain=chains[0], bad=True, user=make_user("carol"), reason="No.")
    Chain.objects.filter(pk=chains[1].pk).update(finding=Chain.Finding.REFUSES)
    Chain.objects.filter(pk=chains[2].pk).update(finding=Chain.Finding.NOTHING_FOUND)
    judge = make_rater(run.project, "judge", Rater.Kind.JUDGE)
    against = chains[3]
    assert against.pair is not None
    initial = Choice.SECOND if against.revision_is_first else Choice.FIRST
    make_label(against.pair, judge, initial)

    dataset = frozen(run)

    assert len(rows(dataset)) == PROMPTS - 4
    assert dataset.manifest["dropped"] == {
        "marked_bad": 1,
        "refuses": 1,
        "nothing_found": 1,
        "initial_answer_preferred": 1,
    }
    with_more = frozen(run, untouched=True, judged=False)
    assert sorted(row["role"] for row in rows(with_more)) == ["initial"] + ["revision"] * (
        PROMPTS - 3
    )


def test_two_runs_that_agree_make_one_row(run: RevisionRun) -> None:
    other = make_revision_run(
        run.project, 0, version=run.constitution_version, model=run.model_version
    )
    dataset = frozen(run, runs=(run.pk, other.pk))

    assert len(rows(dataset)) == PROMPTS
    assert dataset.manifest["dropped"] == {"duplicate": PROMPTS}


def test_helpful_responses_are_mixed_in_by_their_share(run: RevisionRun) -> None:
    project = run.project
    rater = make_rater(project, "ann")
    for number in range(30):
        make_label(make_pair(project, number, prompt=f"Help {number}?"), rater)
    helpful = freeze(
        project=project, name="helpful", filters=FreezeFilters(raters="human", **ALL_TRAIN)
    )

    dataset = frozen(run, helpful=helpful.sha256, helpful_share=0.6)

    found = rows(dataset)
    roles = [row["role"] for row in found]
    assert (roles.count("revision"), roles.count("helpful")) == (PROMPTS, 12)
    chosen = next(row for row in found if row["role"] == "helpful")
    assert chosen["completion"][0]["content"].startswith("First answer")
    assert dataset.manifest["parents"] == [helpful.sha256]
    assert frozen(run, helpful=helpful.sha256, helpful_share=0.6).sha256 == dataset.sha256


def test_no_prompt_stands_in_two_splits_and_the_files_are_read_by_other_tools(
    project: Project,
) -> None:
    run = make_revision_run(project, 60)
    dataset = frozen(run, validation=0.3, test=0.2, revisions="all")

    prompts = {
        split: {row["prompt_sha256"] for row in rows(dataset, split)}
        for split in ("train", "validation", "test")
    }
    assert sum(map(len, prompts.values())) == 60
    assert not prompts["train"] & prompts["validation"]
    loaded = load_dataset(str(dataset.folder))
    assert set(loaded) == {"train", "validation", "test"}
    assert {"prompt", "completion"} <= set(loaded["train"].column_names)


def test_a_changed_file_is_known(run: RevisionRun) -> None:
    dataset = frozen(run)
    table = pq.read_table(dataset.folder / "train.parquet")
    pq.write_table(table.slice(1), dataset.folder / "train.parquet")

    assert "has 7 rows, the manifest says 8" in verify(dataset.sha256).reason


def test_filters_that_name_what_is_not_there_are_refused(run: RevisionRun) -> None:
    elsewhere = make_revision_run(make_project("elsewhere"), 1)
    with pytest.raises(BadFilterError, match=f"no critique run {elsewhere.pk}"):
        frozen(run, runs=(run.pk, elsewhere.pk))
    with pytest.raises(BadFilterError, match="no dataset version"):
        frozen(run, helpful="f" * 64)
    RevisionRun.objects.filter(pk=run.pk).update(state="running")
    with pytest.raises(BadFilterError, match="wait until it is finished"):
        frozen(run)


def test_an_sft_dataset_is_no_source_of_helpful_responses(run: RevisionRun) -> None:
    with pytest.raises(BadFilterError, match="of kind sft"):
        frozen(run, helpful=frozen(run).sha256)


def test_nothing_left_is_told_with_the_reasons(run: RevisionRun) -> None:
    Chain.objects.update(finding=Chain.Finding.UNCHANGED)
    with pytest.raises(NothingToFreezeError, match=r"revision is unchanged \(8\)"):
        frozen(run)
    assert not DatasetVersion.objects.exists()


def test_the_command_freezes_and_tells(
    run: RevisionRun, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("freeze_sft", "harbour", "polite", str(run.pk), "--test", "0", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["roles"] == {"revision": PROMPTS}
    assert DatasetVersion.objects.get().sha256 == report["sha256"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "x", "1"), "no project"),
        (("harbour", "no slug", "1"), "'no slug' is not a valid dataset name"),
        (("harbour", "x", "999999"), "no critique run 999999"),
        (("harbour", "x", "1", "--helpful-share", "1.5"), "helpful_share"),
        (("harbour", "x", "1", "--validation", "0.6", "--test", "0.5"), "must leave a share"),
    ],
)
def test_the_command_tells_bad_input_in_one_line(
    run: RevisionRun,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("freeze_sft", *arguments)
    assert end.value.code == 2
    assert message in capsys.readouterr().err
    assert Prompt.objects.count() == PROMPTS
