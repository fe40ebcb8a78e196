"""Supervised fine-tuning on completions, of all weights or of a LoRA adapter.

    python -m training.recipes.sft SPEC [--run-dir DIR] [--dry-run]
    accelerate launch --num_processes N -m training.recipes.sft SPEC     (hardware.processes: N)

Reads a spec and a dataset folder of the kind `sft`, writes a run folder (`run_dir.py` lists the
files), goes on from its checkpoints when started again, and measures the held-out completions
before and after. The loss is of the completion's tokens alone, each counting the same.
Leaves out: packing, quantised training, FSDP and DeepSpeed.

Exits 0 when it succeeded or was cancelled, 1 when it failed, 2 on a spec that cannot be run.

Source: the SL-CAI stage of Bai et al. 2022, arXiv 2212.08073, §3; the loop is `trl.SFTTrainer`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
)
from training.recipes.spec import TrainingSpec

if TYPE_CHECKING:
    from training.recipes.callbacks import RunFolderCallback
    from training.recipes.data import Split


def build(spec: TrainingSpec, run: RunDir, report: Report) -> RecipeJob:
    """Load everything, count the data into `report`, measure the start policy.

    Raises:
        Cancelled: the cancel file appeared.
        DataError: the dataset cannot be used.
    """
    from training.recipes.callbacks import RunFolderCallback
    from training.recipes.loading import load_tokenizer
    from training.recipes.sft_data import read_samples
    from training.recipes.sft_heldout import heldout_report, sample_losses

    prepare(spec)
    with run.beating():
        arguments = _arguments(spec, run)
        tokenizer = load_tokenizer(spec.base_model)

    def read(name: str, scratch: Path) -> Split:
        return read_samples(
            Path(spec.dataset),
            name,
            tokenizer,
            max_length=spec.max_length,
            scratch=scratch,
            tick=run.tick,
        )

    train_split, heldout = read_splits(spec, run, tokenizer, report, read)
    callback = RunFolderCallback(run)
    with run.beating():
        trainer = _trainer(spec, arguments, tokenizer, train_split, callback)
    before = sample_losses(trainer, heldout, spec.eval_batch_size, run.tick)

    def measure() -> dict[str, object]:
        # Only beating: whoever cancels now is too late, the training is done and not thrown away.
        after = sample_losses(trainer, heldout, spec.eval_batch_size, run.beat)
        return heldout_report(heldout, before, after)

    return RecipeJob(spec, run, tokenizer, trainer, callback, measure)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the recipe from the command line; returns the exit status."""
    return run_recipe(build, "sft", argv)


def _arguments(spec: TrainingSpec, run: RunDir) -> Any:
    """The spec in TRL's words. What is not said here keeps TRL 1.16's default."""
    from trl.trainer.sft_config import SFTConfig

    return SFTConfig(
        **common_arguments(spec, run),
        dataset_kwargs={"skip_prepare_dataset": True},  # sft_data.py did
        packing=False,
    )


def _trainer(
    spec: TrainingSpec, arguments: Any, tokenizer: Any, data: Split, callback: RunFolderCallback
) -> Any:
    from transformers.trainer_callback import PrinterCallback
    from trl.trainer.sft_trainer import SFTTrainer

    from training.recipes.loading import load_model

    trainer: Any = SFTTrainer(
        model=load_model(spec.base_model, spec.base_adapter, trainable=True),
        args=arguments,
        train_dataset=data.rows,
        processing_class=tokenizer,
        peft_config=new_adapter(spec),
        callbacks=[callback],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


if __name__ == "__main__":
    sys.exit(main())
