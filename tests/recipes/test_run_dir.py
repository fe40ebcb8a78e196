"""The run folder keeps its protocol whatever state it is found in."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from training.recipes.run_dir import Cancelled, RunDir, write_json
from training.recipes.spec import SpecError, TrainingSpec


def spec(**fields: object) -> TrainingSpec:
    content = {"method": "dpo", "base_model": "some/model", "dataset": "data"} | fields
    return TrainingSpec.model_validate(content).resolved()


def test_opening_writes_the_spec_and_removes_an_old_result(tmp_path: Path) -> None:
    write_json(tmp_path / "result.json", {"status": "failed"})
    (tmp_path / "model.draft").mkdir()
    run = RunDir(tmp_path)
    run.open(spec())
    assert not (tmp_path / "result.json").exists()
    assert not (tmp_path / "model.draft").exists()
    assert (tmp_path / "heartbeat").exists()
    written = json.loads((tmp_path / "resolved_spec.json").read_text())
    assert TrainingSpec.model_validate(written) == spec()
    run.close()


def test_a_second_process_is_refused_and_the_first_keeps_its_files(tmp_path: Path) -> None:
    first = RunDir(tmp_path)
    first.open(spec())
    first.scratch.mkdir()
    with pytest.raises(SpecError, match="another process"):
        RunDir(tmp_path).open(spec())
    assert first.scratch.exists()
    first.close()
    second = RunDir(tmp_path)
    second.open(spec())
    second.close()


def test_checkpoints_of_another_spec_are_refused(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.open(spec(beta=0.1))
    (run.checkpoints / "checkpoint-5").mkdir(parents=True)
    run.close()
    with pytest.raises(SpecError, match="a different beta, seed"):
        RunDir(tmp_path).open(spec(beta=0.2, seed=9))
    # Elsewhere the same run may go on.
    again = RunDir(tmp_path)
    again.open(spec(beta=0.1, hardware={"threads": 2}))
    again.close()


def test_what_is_not_finite_becomes_null(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.append_metrics({"step": 1, "loss": math.nan, "grad_norm": math.inf})
    run.append_metrics({"step": 2, "loss": 0.5})
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 1, "loss": None, "grad_norm": None},
        {"step": 2, "loss": 0.5},
    ]
    run.write_result({"heldout": {"after": [math.nan, 1.0]}})
    assert json.loads((tmp_path / "result.json").read_text()) == {"heldout": {"after": [None, 1.0]}}


def test_a_half_line_of_a_killed_process_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2, "lo')
    run = RunDir(tmp_path)
    run.open(spec())
    assert path.read_text() == '{"step": 1}\n'
    run.close()


def test_the_cancel_file_stops_a_phase_without_steps(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.open(spec())
    run.tick()
    (tmp_path / "cancel").touch()
    with pytest.raises(Cancelled):
        run.tick()
    run.close()


def test_a_long_phase_keeps_beating_and_stops_beating_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.recipes.run_dir.HEARTBEAT_SECONDS", 0.01)
    run = RunDir(tmp_path)
    run.open(spec())
    with run.beating():
        before = (tmp_path / "heartbeat").stat().st_mtime_ns
        deadline = time.monotonic() + 5
        while (tmp_path / "heartbeat").stat().st_mtime_ns == before:
            assert time.monotonic() < deadline, "no beat came"
            time.sleep(0.005)
    after = (tmp_path / "heartbeat").stat().st_mtime_ns
    time.sleep(0.05)
    assert (tmp_path / "heartbeat").stat().st_mtime_ns == after
    run.close()


def test_a_model_that_cannot_be_saved_leaves_the_old_one(tmp_path: Path) -> None:
    run = RunDir(tmp_path)

    def finish(folder: Path) -> None:
        (folder / "weights").write_text("old")

    def break_off(folder: Path) -> None:
        (folder / "weights").write_text("half")
        raise OSError("disk full")

    run.publish_model(finish)
    with pytest.raises(OSError, match="disk full"):
        run.publish_model(break_off)
    assert (run.model / "weights").read_text() == "old"


def test_only_the_main_process_writes(tmp_path: Path) -> None:
    other = RunDir(tmp_path, writes=False)
    other.open(spec())
    other.beat()
    other.append_metrics({"step": 1})
    other.write_result({"status": "succeeded"})
    other.close()
    assert list(tmp_path.iterdir()) == []
