"""Dataset versions: what goes in, what the hash means, and what verification finds."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from annotation.models import Label, Rater, RaterCheck
from corpus.models import Pair, Project
from exports.consensus import Consensus, Vote, consensus
from exports.errors import NothingToFreezeError, UnknownDatasetError
from exports.models import DatasetVersion
from exports.services import FreezeFilters, freeze
from exports.splits import SPLITS, split_of
from exports.verifying import verify
from tests.builders import make_cast, make_label, make_pair, make_project, make_rater

HALF = FreezeFilters(validation=0.25, test=0.25)


def make_labelled(slug: str = "harbour", count: int = 24, *, backwards: bool = False) -> Project:
    """Pairs of which every third prefers its second; `backwards` makes them in another order."""
    project = make_project(slug)
    rater = make_rater(project, "ann")
    numbers = range(count)
    for number in reversed(numbers) if backwards else numbers:
        make_label(make_pair(project, number), rater, "second" if number % 3 == 0 else "first")
    return project


def rows(dataset: DatasetVersion) -> list[dict[str, Any]]:
    return [
        row
        for split in SPLITS
        for row in pq.read_table(dataset.folder / f"{split}.parquet").to_pylist()
    ]


@pytest.mark.django_db
def test_the_same_labels_have_the_same_hash_in_any_order_in_any_project() -> None:
    one = freeze(project=make_labelled("one"), name="d", filters=HALF)
    other = freeze(project=make_labelled("two", backwards=True), name="e", filters=HALF)

    assert one.sha256 == other.sha256


@pytest.mark.django_db
def test_equal_rows_of_two_projects_share_a_folder_and_nothing_that_is_said_of_them(
    client: Client,
) -> None:
    cast = make_cast()
    project, there = make_labelled("one"), cast.project
    rater = make_rater(there, "someone else")
    for number in range(24):
        pair = make_pair(there, number)
        make_label(pair, rater, "second" if number % 3 == 0 else "first")
    first = freeze(project=project, name="first", filters=HALF)
    second = freeze(project=there, name="second", filters=HALF)

    assert second.sha256 == first.sha256
    assert [one["name"] for one in second.manifest["labels"]["raters"]] == ["someone else"]
    client.force_login(cast.dan)
    for name in ("manifest.json", "README.md"):
        answer = client.get(f"/projects/{there.slug}/datasets/{second.sha256}/files/{name}")
        text = answer.content.decode()
        assert "someone else" in text
        assert "ann" not in re.findall(r"\w+", text)
    page = client.get(f"/projects/{there.slug}/datasets/{second.sha256}/").content.decode()
    assert "someone else" in page
    assert ">ann<" not in page


@pytest.mark.django_db
def test_another_label_or_another_split_is_another_hash() -> None:
    project = make_labelled()
    first = freeze(project=project, name="d", filters=HALF)
    other_split = freeze(project=project, name="d", filters=HALF.model_copy(update={"seed": 1}))
    make_label(make_pair(project, 99), Rater.objects.get(), "first")
    more = freeze(project=project, name="d", filters=HALF)

    assert len({first.sha256, other_split.sha256, more.sha256}) == 3
    assert [one.number for one in (first, other_split, more)] == [1, 2, 3]


@pytest.mark.django_db
def test_the_same_rows_under_the_same_name_are_the_version_that_is_there() -> None:
    project = make_labelled()

    assert freeze(project=project, name="d") == freeze(project=project, name="d")
    assert DatasetVersion.objects.count() == 1


@pytest.mark.django_db
def test_the_chosen_is_what_the_raters_preferred() -> None:
    dataset = freeze(project=make_labelled(), name="d", filters=HALF)

    found = rows(dataset)
    assert len(found) == 24
    for row in found:
        number = int(row["prompt"][0]["content"].removeprefix("Question ").rstrip("?"))
        assert row["chosen"][0]["content"].startswith("Second" if number % 3 == 0 else "First")
        assert row["p_chosen"] == 1.0
        assert row["n_human"] == 1


@pytest.mark.django_db
def test_the_folder_reads_with_datasets_and_has_trls_columns() -> None:
    import datasets

    dataset = freeze(project=make_labelled(), name="d", filters=HALF)
    files = {split: str(dataset.folder / f"{split}.parquet") for split in SPLITS}

    loaded = datasets.load_dataset(
        "parquet", data_files=files, cache_dir=str(dataset.folder.parent / "cache")
    )

    assert {"prompt", "chosen", "rejected"} <= set(loaded["train"].column_names)
    assert loaded["train"][0]["chosen"][0]["role"] == "assistant"
    counts = {split: loaded[split].num_rows for split in SPLITS}
    assert counts == {split: about["rows"] for split, about in dataset.manifest["splits"].items()}


@pytest.mark.django_db
def test_the_card_says_how_far_humans_agree_with_all_raters_and_judges_beside_them() -> None:
    project = make_project()
    ann, ben, judge = (
        make_rater(project, name, kind)
        for name, kind in (("ann", "human"), ("ben", "human"), ("gpt", "judge"))
    )
    for number in range(24):
        pair = make_pair(project, number)
        for rater, choice in ((ann, number % 2), (ben, number % 2), (judge, number % 3 == 0)):
            make_label(pair, rater, "second" if choice else "first")

    dataset = freeze(project=project, name="d", filters=HALF)

    agreement = dataset.manifest["agreement"]
    assert agreement["krippendorff_alpha"]["value"] == pytest.approx(1)
    assert agreement["all_krippendorff_alpha"]["value"] < 0.7
    assert agreement["judge_krippendorff_alpha"]["n"] == 0
    card = (dataset.folder / "README.md").read_text()
    assert "| human raters | 1.00 (" in card
    assert "| judges | – | – | 0 |" in card


@pytest.mark.django_db
@pytest.mark.parametrize("status", Rater.CALIBRATING)
def test_labels_of_a_rater_who_never_passed_calibration_stay_out(status: str) -> None:
    project = make_labelled(count=12)
    learner = make_rater(project, "ben")
    Rater.objects.filter(pk=learner.pk).update(status=status)
    for number in range(6):
        make_label(make_pair(project, 100 + number), learner)

    dataset = freeze(project=project, name="d", filters=HALF)
    assert dataset.manifest["dropped"]["human_not_certified"] == 6
    assert dataset.manifest["labels"]["kept_out"] == {"ben": "not_certified"}
    assert len(rows(dataset)) == 12
    everything = HALF.model_copy(update={"include_uncertified": True})
    assert len(rows(freeze(project=project, name="d", filters=everything))) == 18

    RaterCheck.objects.create(
        rater=learner,
        kind=RaterCheck.Kind.CALIBRATION,
        n=20,
        threshold=0.6,
        kappa=0.9,
        decision=RaterCheck.Decision.ADMIT,
        created_at=timezone.now(),
    )
    assert len(rows(freeze(project=project, name="d", filters=HALF))) == 18


@pytest.mark.django_db
def test_withdrawn_superseded_and_suspended_labels_do_not_count() -> None:
    project = make_project()
    ann, eve = make_rater(project, "ann"), make_rater(project, "eve")
    kept, corrected, withdrawn, distrusted = (make_pair(project, n) for n in range(4))
    make_label(kept, ann, "first")
    wrong = make_label(corrected, ann, "first")
    Label.objects.create(
        project=project,
        pair=corrected,
        rater=ann,
        choice="second",
        supersedes=wrong,
        created_at=timezone.now(),
    )
    taken_back = make_label(withdrawn, ann, "first")
    Label.objects.create(
        project=project,
        pair=withdrawn,
        rater=ann,
        choice="first",
        supersedes=taken_back,
        withdrawn=True,
        created_at=timezone.now(),
    )
    make_label(distrusted, eve, "first")
    Rater.objects.filter(pk=eve.pk).update(status=Rater.Status.SUSPENDED)

    dataset = freeze(project=project, name="d", filters=FreezeFilters(validation=0, test=0))

    assert {row["pair_sha256"] for row in rows(dataset)} == {kept.sha256, corrected.sha256}
    assert dataset.manifest["dropped"] == {"no_label": 2}
    by_pair = {row["pair_sha256"]: row["chosen"][0]["content"] for row in rows(dataset)}
    assert by_pair[corrected.sha256].startswith("Second")


@pytest.mark.django_db
def test_nothing_to_freeze_says_why_and_leaves_nothing_behind() -> None:
    project = make_project()
    make_label(make_pair(project, 1), make_rater(project, "ann"), "equal")
    make_pair(project, 2)

    with pytest.raises(NothingToFreezeError, match=r"a tie \(1\)"):
        freeze(project=project, name="d")

    assert DatasetVersion.objects.count() == 0
    assert list(Path(settings.DATASETS_FOLDER).iterdir()) == []


def vote(choice: str, kind: str = "human", p: float | None = None) -> Vote:
    return Vote(kind="judge" if kind == "judge" else "human", choice=choice, p_first=p)


@pytest.mark.parametrize(
    ("votes", "result"),
    [
        ([vote("first")], Consensus(1.0, 1, 0)),
        ([vote("first"), vote("first"), vote("second")], Consensus(2 / 3, 3, 0)),
        ([vote("first"), vote("equal")], Consensus(0.75, 2, 0)),
        ([vote("first", "judge", 0.8)], Consensus(0.8, 0, 1)),
        # Humans speak before judges.
        ([vote("second"), vote("first", "judge", 0.99)], Consensus(0.0, 1, 1)),
        ([vote("first"), vote("second")], "tie"),
        ([vote("first", "judge", 0.54)], "tie"),
        ([vote("both_bad")], "both_bad"),
        ([vote("first"), vote("both_bad")], "both_bad"),
        ([vote("first"), vote("first"), vote("both_bad")], Consensus(1.0, 3, 0)),
        ([], "no_label"),
    ],
)
def test_the_consensus_of_a_pair(votes: list[Vote], result: Consensus | str) -> None:
    assert consensus(votes, tie_band=0.05, min_labels=1) == result


def test_too_few_labels_are_too_few() -> None:
    assert consensus([vote("first")], tie_band=0.05, min_labels=2) == "too_few_labels"


@given(st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0, 2**31))
def test_a_prompts_split_depends_on_it_alone(sha256: str, seed: int) -> None:
    first = split_of(sha256, seed=seed, validation=0.2, test=0.2)

    assert first == split_of(sha256, seed=seed, validation=0.2, test=0.2)
    # A larger validation share takes from train alone.
    if first != "train":
        assert split_of(sha256, seed=seed, validation=0.5, test=0.2) == first


@pytest.mark.django_db
def test_no_prompt_stands_in_two_splits() -> None:
    project = make_project()
    rater = make_rater(project, "ann")
    for number in range(30):
        pair = make_pair(project, number)
        make_label(pair, rater)
        first, second = pair.first, pair.second
        third = type(first).objects.create(
            prompt=pair.prompt, text=f"third {number}", sha256=f"{number:064x}"
        )
        other = Pair.objects.create(
            project=project,
            prompt=pair.prompt,
            first=second,
            second=third,
            sha256=f"{number:063x}f",
            origin="import",
        )
        make_label(other, rater)

    dataset = freeze(project=project, name="d", filters=HALF)

    homes: dict[str, set[str]] = {}
    for split in SPLITS:
        for row in pq.read_table(dataset.folder / f"{split}.parquet").to_pylist():
            homes.setdefault(row["prompt_sha256"], set()).add(split)
    assert len(homes) == 30
    assert all(len(splits) == 1 for splits in homes.values())
    assert {next(iter(splits)) for splits in homes.values()} == set(SPLITS)


@pytest.mark.django_db
def test_another_writer_of_the_same_values_has_the_same_hash() -> None:
    dataset = freeze(project=make_labelled(), name="d", filters=HALF)
    for split in SPLITS:
        path = dataset.folder / f"{split}.parquet"
        frame = pd.read_parquet(path)
        frame[sorted(frame.columns)].to_parquet(path, compression="gzip", row_group_size=3)

    assert verify(dataset.sha256).ok


def edit_parquet(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(path)).to_parquet(path)


def edit_manifest(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def swap_label(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(p_chosen=0.6)


TAMPERINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a value": (lambda f: edit_parquet(f / "train.parquet", swap_label), "not those that were"),
    "a row less": (
        lambda f: edit_parquet(f / "train.parquet", lambda d: d[1:]),
        "the manifest says",
    ),
    "another order": (lambda f: edit_parquet(f / "train.parquet", lambda d: d[::-1]), "not those"),
    "a column": (
        lambda f: edit_parquet(f / "test.parquet", lambda d: d.rename(columns={"weight": "w"})),
        "columns differ: w, weight",
    ),
    "no file": (lambda f: (f / "test.parquet").unlink(), "test.parquet is missing"),
    "garbage": (lambda f: (f / "test.parquet").write_bytes(b"PAR1"), "not a readable Parquet"),
    "a strange file": (lambda f: (f / "x.pkl").write_bytes(b""), "x.pkl does not belong"),
    "the manifest's hash": (
        lambda f: edit_manifest(f / "manifest.json", sha256="0" * 64),
        "another sha256",
    ),
    "no manifest": (lambda f: (f / "manifest.json").write_text("{"), "cannot be read"),
    "splits swapped": (
        lambda f: shutil.copy(f / "train.parquet", f / "validation.parquet"),
        "is in both train and validation",
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found_and_named(what: str) -> None:
    dataset = freeze(project=make_labelled(), name="d", filters=HALF)
    assert verify(dataset.sha256).ok
    tamper, reason = TAMPERINGS[what]

    tamper(dataset.folder)

    found = verify(dataset.sha256)
    assert not found.ok
    assert reason in found.reason


@pytest.mark.django_db
def test_a_renamed_folder_is_found() -> None:
    dataset = freeze(project=make_labelled(), name="d")
    dataset.folder.rename(dataset.folder.with_name("f" * 64))

    assert "the folder is named" in verify("f" * 64).reason


@pytest.mark.django_db
def test_a_damaged_folder_is_built_again() -> None:
    project = make_labelled()
    dataset = freeze(project=project, name="d")
    (dataset.folder / "train.parquet").write_bytes(b"")

    assert freeze(project=project, name="d") == dataset
    assert verify(dataset.sha256).ok


@pytest.mark.parametrize("wrong", ["", "../../etc", "A" * 64, "0" * 63, "0" * 64])
def test_what_is_no_dataset_is_unknown(wrong: str) -> None:
    with pytest.raises(UnknownDatasetError):
        verify(wrong)


@pytest.mark.django_db
def test_the_commands_speak_json_and_exit_as_they_should(
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = make_labelled()
    call_command("freeze", project.slug, "d", "--validation", "0.2", "--dry-run", "--json")
    told = json.loads(capsys.readouterr().out)
    assert sum(told["rows"].values()) == 24
    assert "mean little" in told["warning"]
    assert told["larger_share"] is None
    assert not DatasetVersion.objects.exists()
    call_command("freeze", project.slug, "d", "--validation", "0.2", "--json")
    frozen = json.loads(capsys.readouterr().out)
    assert frozen["rows"]["train"] > frozen["rows"]["validation"]
    assert frozen["rows"] == told["rows"]
    assert frozen["warning"] == told["warning"]
    assert sum(frozen["rows"].values()) == 24

    call_command("verify_dataset", frozen["sha256"], "--json")
    assert json.loads(capsys.readouterr().out)["ok"] is True
    call_command("verify_dataset", frozen["sha256"])
    assert f"{frozen['sha256']}: intact" in capsys.readouterr().out

    (Path(frozen["folder"]) / "train.parquet").unlink()
    for arguments, status in (
        (("verify_dataset", frozen["sha256"]), 1),
        (("verify_dataset", "nothing"), 2),
        (("freeze", "no-such-project", "d"), 2),
        (("freeze", project.slug, "d", "--test", "1.5"), 2),
        (("freeze", project.slug, "not a slug"), 2),
        (("freeze", project.slug, "d", "--domain", "nowhere"), 2),
    ):
        with pytest.raises(SystemExit) as ended:
            call_command(*arguments)
        assert ended.value.code == status, arguments
        said = capsys.readouterr()
        assert len((said.err or said.out).strip().splitlines()) == 1, arguments
