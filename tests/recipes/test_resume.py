"""A run that was broken off and started again ends as the unbroken one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.recipes.builders import last_of_each_step, read_metrics, read_result, write_spec
from training.recipes import dpo
from training.recipes.checkpoints import latest_valid_checkpoint

STEPS = 60
KINDS = ["full", "new adapter", "continued adapter", "continued adapter, base reference"]


@pytest.fixture
def fields(request: pytest.FixtureRequest, adapter: Path) -> dict[str, Any]:
    """The spec of each kind of run; dropout makes the random state matter as well."""
    common: dict[str, Any] = {"max_steps": STEPS, "checkpoint_every_steps": 4}
    lora = {"adapter": "lora", "learning_rate": 3e-3}
    return {
        "full": common,
        "new adapter": common
        | lora
        | {"lora": {"r": 4, "dropout": 0.1}, "gradient_accumulation": 3},
        "continued adapter": common | lora | {"base_adapter": str(adapter)},
        "continued adapter, base reference": common
        | lora
        | {"base_adapter": str(adapter), "reference": "base"},
    }[request.param]


@pytest.fixture(scope="module")
def unbroken_runs() -> dict[str, Path]:
    """The unbroken run of each kind, made when first wanted."""
    return {}


@pytest.fixture
def unbroken(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    unbroken_runs: dict[str, Path],
    spec: Path,
) -> Path:
    kind = request.node.callspec.params["fields"]
    if kind not in unbroken_runs:
        unbroken_runs[kind] = tmp_path_factory.mktemp("unbroken")
        run(spec, unbroken_runs[kind])
    return unbroken_runs[kind]


@pytest.fixture
def spec(tmp_path: Path, tiny_model: Path, dataset: Path, fields: dict[str, Any]) -> Path:
    return write_spec(tmp_path / "spec.json", tiny_model, dataset, **fields)


def run(spec: Path, folder: Path) -> dict[str, Any]:
    assert dpo.main([str(spec), "--run-dir", str(folder)]) == 0
    return read_result(folder)


def wait_for(condition: Any, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.001)


def assert_same_end(folder: Path, resumed: dict[str, Any], unbroken: Path) -> None:
    """Weights to the bit, figures, and a metrics file without a gap."""
    expected = read_result(unbroken)
    assert resumed["status"] == "succeeded"
    assert resumed["steps"] == expected["steps"] == STEPS
    assert resumed["model"] == expected["model"]
    assert resumed["heldout"] == expected["heldout"]
    assert resumed["train_loss"] == pytest.approx(expected["train_loss"])
    seen, wanted = (last_of_each_step(read_metrics(path)) for path in (folder, unbroken))
    assert sorted(seen) == list(range(1, STEPS + 1))
    for name in ("loss", "reward_margin", "learning_rate"):
        assert [seen[step][name] for step in sorted(seen)] == [
            wanted[step][name] for step in sorted(wanted)
        ]


@pytest.mark.parametrize("fields", KINDS, indirect=True)
def test_a_cancelled_run_started_again_ends_as_the_unbroken_one(
    tmp_path: Path, spec: Path, unbroken: Path
) -> None:
    folder = tmp_path / "broken"
    metrics, cancel = folder / "metrics.jsonl", folder / "cancel"

    def ask_to_stop() -> None:
        wait_for(metrics.exists)
        cancel.touch()

    asker = threading.Thread(target=ask_to_stop)
    asker.start()
    result = run(spec, folder)
    asker.join()
    assert (result["status"], result["model"]) == ("cancelled", None)
    assert 0 < result["steps"] < STEPS
    checkpoint = latest_valid_checkpoint(folder / "checkpoints")
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{result['steps']}"
    cancel.unlink()
    assert_same_end(folder, run(spec, folder), unbroken)
    # It went on and did not begin anew: no step was written twice.
    assert len(read_metrics(folder)) == STEPS


@pytest.mark.slow
@pytest.mark.parametrize("fields", KINDS[:3], indirect=True)
def test_a_killed_run_started_again_ends_as_the_unbroken_one(
    tmp_path: Path, spec: Path, unbroken: Path
) -> None:
    folder = tmp_path / "broken"
    command = [sys.executable, "-m", "training.recipes.dpo", str(spec), "--run-dir", str(folder)]
    with subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
        wait_for(lambda: latest_valid_checkpoint(folder / "checkpoints") or process.poll())
        process.kill()
    assert process.returncode == -9
    assert not (folder / "result.json").exists()
    checkpoint = latest_valid_checkpoint(folder / "checkpoints")
    assert checkpoint is not None
    reached = int(checkpoint.name.removeprefix("checkpoint-"))
    # A later one that the kill left half written must not be gone on from.
    (folder / "checkpoints" / f"checkpoint-{reached + 4}").mkdir(exist_ok=True)
    before = len(read_metrics(folder))
    assert_same_end(folder, run(spec, folder), unbroken)
    assert read_metrics(folder)[before]["step"] == reached + 1


def test_a_finished_run_started_again_ends_the_same(
    tmp_path: Path, tiny_model: Path, dataset: Path
) -> None:
    fields: dict[str, Any] = {"max_steps": 6, "checkpoint_every_steps": 4}
    spec = write_spec(tmp_path / "spec.json", tiny_model, dataset, **fields)
    first, second = run(spec, tmp_path / "run"), run(spec, tmp_path / "run")
    for name in ("status", "steps", "train_loss", "heldout", "model"):
        assert first[name] == second[name]
    assert len(read_metrics(tmp_path / "run")) == 6
