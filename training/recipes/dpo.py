"""Direct preference optimisation with soft labels, of all weights or of a LoRA adapter.

    python -m training.recipes.dpo SPEC [--run-dir DIR] [--dry-run]
    accelerate launch --num_processes N -m training.recipes.dpo SPEC     (hardware.processes: N)

Reads a spec and a dataset folder, writes a run folder (`run_dir.py` lists the files), goes on from
its checkpoints when started again, and measures held-out preference accuracy before and after.
Leaves out: sampling, judging, merging adapters, quantised training, FSDP and DeepSpeed.

Exits 0 when it succeeded or was cancelled, 1 when it failed, 2 on a spec that cannot be run.

Source: Rafailov et al. 2023, "Direct Preference Optimization", arXiv 2305.18290; the loss is in
`losses.py`, the training loop is `trl.DPOTrainer`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.recipes.run_dir import RunDir
from training.recipes.running import (
    RecipeJob,
    Report,
    common_arguments,
    new_adapter,
    prepare,
    read_splits,
    run_recipe,
    train,
)
from training.recipes.spec import TrainingSpec

if TYPE_CHECKING:
    from training.recipes.callbacks import RunFolderCallback
    from training.recipes.data import Split

__all__ = ["Job", "build", "main", "train"]


@dataclass(frozen=True, slots=True)
class Job(RecipeJob):
    """A DPO run ready to train."""

    heldout: Split | None
    before: list[float]
    """Margins of the held-out pairs under the start policy, nats."""
    reference: list[float]
    """The same under the reference policy."""


def build(spec: TrainingSpec, run: RunDir, report: Report) -> Job:
    """Load everything, count the data into `report`, measure the start policy.

    Raises:
        Cancelled: the cancel file appeared.
        DataError: the dataset cannot be used.
    """
    from training.recipes.callbacks import RunFolderCallback
    from training.recipes.data import read_split
    from training.recipes.heldout import measure_after, start_margins
    from training.recipes.loading import load_tokenizer

    prepare(spec)
    with run.beating():
        arguments = _arguments(spec, run)
        tokenizer = load_tokenizer(spec.base_model)

    def read(name: str, scratch: Path) -> Split:
        return read_split(
            Path(spec.dataset),
            name,
            tokenizer,
            max_length=spec.max_length,
            scratch=scratch,
            use_soft_labels=spec.use_soft_labels,
            tick=run.tick,
        )

    train_split, heldout = read_splits(spec, run, tokenizer, report, read)
    callback = RunFolderCallback(run)
    with run.beating():
        trainer = _trainer(spec, arguments, tokenizer, train_split, callback)
    before, reference = start_margins(trainer, heldout, spec, run)

    def measure() -> dict[str, object]:
        return measure_after(trainer, heldout, spec, run, before, reference)

    return Job(spec, run, tokenizer, trainer, callback, measure, heldout, before, reference)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the recipe from the command line; returns the exit status."""
    return run_recipe(build, "dpo", argv)


def _arguments(spec: TrainingSpec, run: RunDir) -> Any:
    """The spec in TRL's words. What is not said here keeps TRL 1.16's default."""
    from trl.trainer.dpo_config import DPOConfig

    return DPOConfig(
        **common_arguments(spec, run),
        beta=spec.beta,
        disable_dropout=False,  # loading.py did; TRL would silence the adapter's dropout too
    )


def _trainer(
    spec: TrainingSpec, arguments: Any, tokenizer: Any, data: Split, callback: RunFolderCallback
) -> Any:
    """The trainer, with the reference that the spec asks for.

    TRL takes as reference: the model it is given; for a new adapter the model without it; for an
    adapter that is trained further a frozen copy, made here at the start and named `ref`.
    """
    import torch
    from transformers.trainer_callback import PrinterCallback

    from training.recipes.loading import load_model
    from training.recipes.soft_dpo import REFERENCE_ADAPTER, SoftDPOTrainer, SoftPreferenceCollator

    reference = None
    if spec.adapter == "none":
        reference = load_model(spec.reference_model or spec.base_model)
    trainer: Any = SoftDPOTrainer(
        model=load_model(spec.base_model, spec.base_adapter, trainable=True),
        ref_model=reference,
        args=arguments,
        data_collator=SoftPreferenceCollator(pad_token_id=tokenizer.pad_token_id),
        train_dataset=data.rows,
        processing_class=tokenizer,
        peft_config=new_adapter(spec),
        callbacks=[callback],
    )
    trainer.remove_callback(PrinterCallback)
    if spec.base_adapter is not None and spec.reference == "base":
        # Without the copy TRL falls back to the base model, its adapters switched off.
        trainer.model.delete_adapter(REFERENCE_ADAPTER)
    for name, module in trainer.model.named_modules():
        if isinstance(module, torch.nn.Dropout) and name.endswith(f".{REFERENCE_ADAPTER}"):
            module.p = 0.0  # a reference that is noisy is not fixed
    return trainer


if __name__ == "__main__":
    sys.exit(main())
