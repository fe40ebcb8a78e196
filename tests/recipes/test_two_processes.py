"""Two data-parallel processes train as one with twice the batch, and stop together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.recipes.builders import read_metrics, read_result, write_spec
from training.recipes import dpo
from training.recipes.checkpoints import latest_valid_checkpoint

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]


@pytest.mark.slow
def test_two_processes_equal_one_with_twice_the_batch_and_cancel_together(
    tmp_path: Path, tiny_model: Path, dataset: Path
) -> None:
    # A constant rate, so that the length of the run does not matter to its first steps.
    rate: dict[str, Any] = {"warmup_ratio": 0.0, "lr_scheduler": "constant"}
    hardware = {"use_cpu": True, "threads": 1}
    one = write_spec(tmp_path / "one.json", tiny_model, dataset, max_steps=20, batch_size=4, **rate)
    assert dpo.main([str(one), "--run-dir", str(tmp_path / "one")]) == 0
    expected = read_metrics(tmp_path / "one")
    two = write_spec(
        tmp_path / "two.json",
        tiny_model,
        dataset,
        max_steps=5000,
        batch_size=2,
        hardware=hardware | {"processes": 2},
        **rate,
    )
    folder = tmp_path / "two"
    command = [*LAUNCH, "-m", "training.recipes.dpo", str(two), "--run-dir", str(folder)]
    with subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
        deadline = time.monotonic() + 90
        while not (folder / "metrics.jsonl").exists() or len(read_metrics(folder)) < 20:
            assert process.poll() is None, "it ended before it was asked to"
            assert time.monotonic() < deadline, "it did not get to step 20"
            time.sleep(0.02)
        (folder / "cancel").touch()
        assert process.wait(timeout=60) == 0
    result = read_result(folder)
    assert result["status"] == "cancelled"
    checkpoint = latest_valid_checkpoint(folder / "checkpoints")
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{result['steps']}"
    # 40 pairs make 10 steps an epoch in both; sums in another order differ in the last digits.
    seen = [line["loss"] for line in read_metrics(folder)[:20]]
    assert seen == pytest.approx([line["loss"] for line in expected], rel=1e-4)
    margins = [line["reward_margin"] for line in read_metrics(folder)[:20]]
    assert margins == pytest.approx([line["reward_margin"] for line in expected], abs=1e-3)
