"""How the training loop speaks to its run folder."""

from __future__ import annotations

import time
from typing import Any

import torch
from accelerate.utils import reduce
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.recipes.run_dir import RunDir

# TRL's names for figures, and ours
METRIC_NAMES = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "rewards/margins": "reward_margin",
    "rewards/accuracies": "reward_accuracy",
    "grad_norm": "grad_norm",
}


class RunFolderCallback(TrainerCallback):
    """Beats, appends metrics, and stops the loop with a checkpoint when asked to."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.cancelled = False
        self._tokens = 0
        self._since = time.monotonic()

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.run.beat()
        self._since = time.monotonic()

    def on_substep_end(self, *_: Any, **__: Any) -> None:
        self.run.beat()

    def on_save(self, *_: Any, **__: Any) -> None:
        self.run.beat()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.run.beat()
        if self._asked_to_stop(args.world_size, args.device):
            # A request that meets the last step has nothing to stop any more.
            self.cancelled = state.global_step < state.max_steps
            control.should_save = True
            control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if logs is None or "loss" not in logs:
            return  # the summary at the end, which the result holds
        line: dict[str, object] = {
            "step": state.global_step,
            "epoch": state.epoch,
            "total_steps": state.max_steps,
            "time": time.time(),
        }
        line |= {ours: logs[theirs] for theirs, ours in METRIC_NAMES.items() if theirs in logs}
        line["tokens_per_second"] = self._tokens_per_second(int(logs["num_tokens"]))
        self.run.append_metrics(line)

    def _tokens_per_second(self, tokens_so_far: int) -> float:
        """Tokens through the policy since the last line, padding left out, by the second."""
        moment = time.monotonic()
        rate = (tokens_so_far - self._tokens) / max(moment - self._since, 1e-9)
        self._tokens, self._since = tokens_so_far, moment
        return rate

    def _asked_to_stop(self, world_size: int, device: torch.device) -> bool:
        """Whether any process sees the cancel file; all must agree, or some would wait forever."""
        asked = self.run.cancel_requested()
        if world_size == 1:
            return asked
        total = reduce(torch.tensor(float(asked), device=device), reduction="sum")
        return bool(total.item() > 0)
