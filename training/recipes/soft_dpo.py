"""TRL's DPO trainer with a soft label and a weight per pair.

TRL 1.16 has neither: its collator drops such columns, `label_smoothing` is one number for all
pairs and is ignored by the sigmoid loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel, set_peft_model_state_dict
from safetensors.torch import load_file
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer

from training.recipes.losses import soft_label_dpo_loss

ADAPTER = "default"
REFERENCE_ADAPTER = "ref"


@dataclass
class SoftPreferenceCollator(DataCollatorForPreference):
    """TRL's collator, with `p_chosen` (B,) and `weight` (B,) float32 beside its tensors."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = super().torch_call(examples)
        for name in ("p_chosen", "weight"):
            batch[name] = torch.tensor([row[name] for row in examples], dtype=torch.float32)
        return batch


class SoftDPOTrainer(DPOTrainer):
    """`trl.DPOTrainer` on token ids made by `data.read_split`.

    It changes three things: the dataset comes tokenised (`_prepare_dataset`), the loss reads the
    soft labels (`_compute_loss`), and a continued adapter survives a resume
    (`_load_from_checkpoint`).
    """

    def _prepare_dataset(self, dataset: Dataset, *_: object) -> Dataset:
        """Pass on what `data.read_split` tokenised, cut and counted."""
        return dataset

    def _compute_loss(
        self, model: torch.nn.Module, inputs: dict[str, torch.Tensor], return_outputs: bool
    ) -> torch.Tensor:
        """The mean of `soft_label_dpo_loss` over the batch.

        `inputs` holds (2B, L) `input_ids`, `attention_mask` and `completion_mask`, chosen rows
        first, and (B,) `p_chosen` and `weight`.
        """
        if return_outputs:
            raise NotImplementedError("evaluate with training.recipes.evaluate instead")
        batch = dict(inputs)
        p_chosen, weight = batch.pop("p_chosen"), batch.pop("weight")
        labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
        # The head that TRL adds to the model returns token log-probabilities, 0 where the label
        # is -100, and never builds the (2B, L, V) logits.
        outputs = model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            use_cache=False,
            labels=labels,
            fused_lm_head=True,
        )
        chosen, rejected = outputs.log_probs.sum(dim=1).chunk(2)
        with torch.no_grad():
            compute_reference: Any = self.compute_ref_log_probs
            ref_chosen, ref_rejected = compute_reference(self.ref_model or self.model, batch)
        delta = (chosen - ref_chosen) - (rejected - ref_rejected)
        self._record(delta.detach(), batch["attention_mask"])
        return soft_label_dpo_loss(delta, p_chosen, weight, beta=self.beta).mean()

    def _record(self, delta: torch.Tensor, attention_mask: torch.Tensor) -> None:
        """Add this batch to the figures that `log` averages until the next line."""
        margins = self.accelerator.gather(self.beta * delta)
        metrics = self._metrics["train"]
        metrics["rewards/margins"].append(margins.mean().item())
        # A tie counts one half, as it does in the held-out accuracy.
        wins = (margins > 0).float() + 0.5 * (margins == 0).float()
        metrics["rewards/accuracies"].append(wins.mean().item())
        self._total_train_tokens += int(self.accelerator.gather(attention_mask.sum()).sum())
        metrics["num_tokens"] = [self._total_train_tokens]

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: torch.nn.Module | None = None
    ) -> None:
        """Load the trained adapter back, not only the reference.

        The method of transformers loads either the adapters in subfolders or the one in the
        folder itself. A run that continues an adapter has both: `ref/`, and its own weights
        beside it, which would stay at their start while step and optimiser go on.
        """
        target = self.model if model is None else model
        if not isinstance(target, PeftModel):
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        weights = load_file(Path(resume_from_checkpoint) / "adapter_model.safetensors")
        outcome: Any = set_peft_model_state_dict(target, weights, adapter_name=ADAPTER)
        if outcome.unexpected_keys:
            raise ValueError(
                f"{resume_from_checkpoint} is for another adapter: it contains "
                f"{outcome.unexpected_keys[:3]}"
            )
