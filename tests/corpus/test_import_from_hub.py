"""A dataset of a hub goes in by its name, pinned to a commit; one that is not there is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command

from annotation.models import Label
from corpus.errors import ImportFileError
from corpus.importers.files.hub import HubDataset, rows
from corpus.models import Import, Pair, Project
from tests.dataset_hub import COMMIT, dataset_hub
from tests.hub import unreachable_hub

pytestmark = pytest.mark.django_db

ROWS = [
    {
        "prompt": f"Question {n}?",
        "chosen": f"Yes {n}.",
        "chosen_model": "m1",
        "rejected": f"No {n}.",
        "rejected_model": "m2",
        "subset": "own",
        "id": n,
    }
    for n in range(5)
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that another test fetched is found again."""
    for name in ("HF_DATASETS_CACHE", "HF_MODULES_CACHE"):
        monkeypatch.setattr(f"datasets.config.{name}", tmp_path / "cache")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def lines(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(*rows: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink)
    return bytes(sink.getvalue())


def run(name: str, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    call_command("import_pairs", "harbour", name, "--json", *options)
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def refused(name: str, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The one line that is said of what cannot be imported; nothing was stored."""
    with pytest.raises(SystemExit) as stopped:
        run(name, capsys, *options)
    assert stopped.value.code == 2
    [said] = capsys.readouterr().err.splitlines()
    assert not Project.objects.exists()
    return said


def test_a_dataset_goes_in_by_its_name_and_is_pinned_to_its_commit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with dataset_hub(monkeypatch, {"own/bench": {"data/train-0.parquet": parquet(*ROWS)}}):
        report = run("hub:own/bench", capsys)

    assert (report["format"], report["rows"], report["pairs_added"]) == ("rewardbench", 5, 5)
    assert Label.objects.filter(rater__name="rewardbench").count() == 5
    job = Import.objects.get()
    assert job.hub is not None
    assert (job.name, job.hub["revision"], job.hub["split"]) == ("own/bench", COMMIT, "train")
    assert set(Pair.objects.values_list("prompt__source", flat=True)) == {"own/bench"}


def test_another_split_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"train.jsonl": lines(*ROWS), "test.jsonl": lines(*ROWS[:2])}
    with dataset_hub(monkeypatch, {"own/bench": files}):
        report = run("hub:own/bench@main", capsys, "--split", "test")

    assert report["pairs_added"] == 2


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("hub:own/none", (), "There is no dataset own/none on the hub, or this installation may"),
        ("hub:own/bench@v9", (), "The dataset own/bench has no revision v9"),
        ("hub:own/bench", ("--split", "dev"), "Bad split: dev. Available splits: ['train']"),
        ("hub:own bench", (), "names no dataset; write hub:OWNER/NAME"),
    ],
)
def test_what_is_not_there_is_said_in_one_line_and_leaves_nothing(
    name: str,
    options: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with dataset_hub(monkeypatch, {"own/bench": {"train.jsonl": lines(*ROWS)}}):
        assert said in refused(name, capsys, *options)


@pytest.mark.parametrize("name", ["text", "json", "secrets", "own/secrets", ".."])
def test_the_name_of_a_dataset_never_reads_files_of_this_machine(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path, tmp_path / "secrets", tmp_path / "own/secrets", tmp_path / "own"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "train.txt").write_text("SECRET_KEY=1")
        (folder / "train.json").write_text('{"secret": 1}')
    monkeypatch.chdir(tmp_path / "own" if name == ".." else tmp_path)
    with (
        dataset_hub(monkeypatch, {"own/bench": {"train.jsonl": lines(*ROWS)}}),
        pytest.raises(ImportFileError),
    ):
        next(rows(HubDataset(name=name)))


def test_a_dataset_whose_card_names_files_of_this_machine_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET_KEY=1")
    card = f"---\nconfigs:\n- config_name: default\n  data_files: {secret}\n---\n".encode()
    with (
        dataset_hub(monkeypatch, {"own/bench": {"README.md": card, "train.jsonl": lines(*ROWS)}}),
        pytest.raises(ImportFileError),
    ):
        next(rows(HubDataset(name="own/bench")))


def test_a_hub_out_of_reach_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unreachable_hub(monkeypatch)

    assert "own/bench cannot be read from the hub" in refused("hub:own/bench", capsys)


def test_an_installation_that_is_offline_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    assert "this installation is offline (HF_HUB_OFFLINE)" in refused("hub:own/bench", capsys)
