"""What every recipe does around its own part: command line, run folder, loop, result.

A recipe gives `build`, which loads model and data and says how the run is measured; everything
else is here, so that a run of any method is started, cancelled, resumed and followed alike.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.recipes.run_dir import Cancelled, RunDir
from training.recipes.spec import SpecError, TrainingSpec, load_spec

# torch and its relatives take seconds to import: a wrong spec is refused before that, so they are
# imported by the functions that need them.
if TYPE_CHECKING:
    from training.recipes.callbacks import RunFolderCallback
    from training.recipes.data import Split

Report = dict[str, Any]
LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


class TrainingDivergedError(RuntimeError):
    """Training ended with weights that are not finite."""


@dataclass(frozen=True, slots=True)
class RecipeJob:
    """A run ready to train."""

    spec: TrainingSpec
    run: RunDir
    tokenizer: Any
    trainer: Any
    callback: RunFolderCallback
    measure: Callable[[], dict[str, object]]
    """The `heldout` part of the result, called after training."""


Build = Callable[[TrainingSpec, RunDir, Report], RecipeJob]
ReadSplit = Callable[[str, Path], "Split"]
"""(name of the split, scratch folder of this process) -> the tokenised split."""


def prepare(spec: TrainingSpec) -> None:
    """Quiet libraries, and as many threads as the spec says."""
    import torch
    import transformers

    hide_progress: Any = transformers.utils.logging.disable_progress_bar
    hide_progress()
    if spec.hardware.threads is not None:
        torch.set_num_threads(spec.hardware.threads)


def train(job: RecipeJob, report: Report) -> None:
    """Train, from the latest whole checkpoint where there is one, and fill in `report`.

    Raises:
        Cancelled: the cancel file appeared; a checkpoint was written when a step had been done.
        TrainingDivergedError: a trained weight is not finite.
    """
    from training.recipes.checkpoints import latest_valid_checkpoint, remove_incomplete_checkpoints
    from training.recipes.loading import save_model, weights_are_finite

    run, trainer = job.run, job.trainer
    if run.writes:
        remove_incomplete_checkpoints(run.checkpoints)
    checkpoint = latest_valid_checkpoint(run.checkpoints)
    run.tick()
    spare_last_step(trainer)
    _train_from(checkpoint, trainer)
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    report["steps"] = trainer.state.global_step
    report["train_loss"] = sum(losses) / len(losses) if losses else None
    if job.callback.cancelled:
        raise Cancelled
    model = trainer.accelerator.unwrap_model(trainer.model)
    if not weights_are_finite(model):
        raise TrainingDivergedError(
            f"a weight is not finite after step {report['steps']}; a lower learning_rate than "
            f"{job.spec.learning_rate} may help"
        )
    report["heldout"] = job.measure()
    if run.writes:
        with run.beating():
            run.publish_model(lambda folder: save_model(model, job.tokenizer, folder))
            report["model"] = _describe_model(job)
    trainer.accelerator.wait_for_everyone()


def spare_last_step(trainer: Any) -> None:
    """Let warm-up leave a step to learn in.

    Warm-up begins at a learning rate of 0 and its steps are rounded up: a run of a single step
    would be all warm-up and end with the weights that it began with.
    """
    create = trainer.create_scheduler

    def create_scheduler(num_training_steps: int, optimizer: Any = None) -> Any:
        arguments = trainer.args
        if arguments.get_warmup_steps(num_training_steps) >= num_training_steps:
            arguments.warmup_steps = num_training_steps - 1
        return create(num_training_steps, optimizer)

    trainer.create_scheduler = create_scheduler


def run_recipe(build: Build, method: str, argv: Sequence[str] | None = None) -> int:
    """Run a recipe from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m training.recipes.{method}")
    parser.add_argument("spec", type=Path, help="YAML or JSON file")
    parser.add_argument("--run-dir", type=Path, help="default: SPEC's name with -run, next to it")
    parser.add_argument("--dry-run", action="store_true", help="print the resolved spec and exit")
    args = parser.parse_args(argv)
    try:
        spec = load_spec(args.spec)
        if spec.method != method:
            raise SpecError(f"method: got {spec.method!r}: this recipe is for {method}")
        if args.dry_run:
            sys.stdout.write(json.dumps(spec.model_dump(mode="json"), indent=2) + "\n")
            return 0
        _check_processes(spec)
        run = RunDir(
            args.run_dir or args.spec.with_name(f"{args.spec.stem}-run"),
            writes=os.environ.get("RANK", "0") == "0",
        )
        run.open(spec)
    except SpecError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"run folder {args.run_dir or 'beside the spec'}: {error}\n")
        return 2
    try:
        return _run(build, spec, run)
    finally:
        run.close()


def _run(build: Build, spec: TrainingSpec, run: RunDir) -> int:
    """Build and train, and write down how it ended, whatever happens on the way."""
    started = time.monotonic()
    report: Report = {
        "status": "succeeded",
        "error": None,
        "method": spec.method,
        "steps": 0,
        "train_loss": None,
        "train_pairs": None,
        "truncated": {},
        "dropped": {},
        "splits": {},
        "heldout": None,
        "model": None,
        "base_model": spec.base_model,
        "base_adapter": spec.base_adapter,
    }
    try:
        train(build(spec, run, report), report)
    except Cancelled:
        report["status"] = "cancelled"
    except Exception as error:  # noqa: BLE001 - the result must say how it ended, whatever it was
        report["status"] = "failed"
        report["error"] = {"type": type(error).__name__, "message": str(error)}
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    report["seconds"] = round(time.monotonic() - started, 3)
    report["versions"] = {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in LIBRARIES
    }
    run.write_result(report)
    return 1 if report["status"] == "failed" else 0


def _check_processes(spec: TrainingSpec) -> None:
    wanted, present = spec.hardware.processes, int(os.environ.get("WORLD_SIZE", "1"))
    if wanted != present:
        raise SpecError(
            f"hardware.processes: got {wanted}, but {present} were started; start "
            f"{wanted} with accelerate launch --num_processes {wanted}, or set the field"
        )
    if wanted == 1:
        # One process that sees several GPUs is refused by the trainer.
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")


def common_arguments(spec: TrainingSpec, run: RunDir) -> dict[str, Any]:
    """The spec in the words of transformers, for every trainer made on it."""
    import torch

    hardware = spec.hardware
    use_cpu = hardware.use_cpu if hardware.use_cpu is not None else not torch.cuda.is_available()
    every = spec.checkpoint_every_steps
    return {
        "output_dir": str(run.checkpoints),
        "use_cpu": use_cpu,
        "bf16": hardware.precision == "bf16",
        "gradient_checkpointing": not use_cpu,
        "dataloader_pin_memory": not use_cpu,
        "max_length": None,  # the sequences were cut, and counted, when they were read
        "padding_free": False,
        "ddp_find_unused_parameters": False,  # every trained weight takes part in every step
        "remove_unused_columns": False,
        "learning_rate": spec.learning_rate,
        "num_train_epochs": spec.epochs or 1.0,
        "max_steps": spec.max_steps or -1,
        "per_device_train_batch_size": spec.batch_size,
        "gradient_accumulation_steps": spec.gradient_accumulation,
        "warmup_steps": spec.warmup_ratio,  # below 1 it is a share of the steps
        "lr_scheduler_type": spec.lr_scheduler,
        "weight_decay": spec.weight_decay,
        "max_grad_norm": spec.max_grad_norm,
        "seed": spec.seed,
        "data_seed": spec.seed,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # it would report the loss before it broke
        "save_strategy": "no" if every is None else "steps",
        "save_steps": every or 1,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
    }


def read_splits(
    spec: TrainingSpec, run: RunDir, tokenizer: Any, report: Report, read: ReadSplit
) -> tuple[Split, Split | None]:
    """Tokenise the training and the held-out split by `read` and count them into `report`.

    Raises:
        DataError: nothing is left to train on, or the dataset cannot be used.
    """
    from training.recipes.data import DataError, heldout_split, within_context

    folder = Path(spec.dataset)
    measured = heldout_split(folder)
    # every process reads for itself: no shared file, no waiting
    scratch = run.scratch / os.environ.get("RANK", "0")
    splits = {name: read(name, scratch) for name in ("train", measured) if name is not None}
    counts = {name: asdict(split.counts) for name, split in splits.items()}
    report["splits"] = counts
    report["max_length"] = within_context(spec.max_length, tokenizer)
    report["truncated"] = {name: count["truncated"] for name, count in counts.items()}
    for count in counts.values():
        for reason, number in count["dropped"].items():
            report["dropped"][reason] = report["dropped"].get(reason, 0) + number
    report["train_pairs"] = counts["train"]["kept"]
    if not report["train_pairs"]:
        raise DataError(f"{folder}/train.parquet has no usable pair: {counts['train']}")
    return splits["train"], splits.get(measured or "")


def new_adapter(spec: TrainingSpec) -> Any:
    """The configuration of the LoRA adapter that the spec asks for; None without one."""
    from peft import LoraConfig

    if spec.lora is None:
        return None
    targets = spec.lora.target_modules
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=spec.lora.r,
        lora_alpha=spec.lora.alpha,
        lora_dropout=spec.lora.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
    )


def _train_from(checkpoint: Path | None, trainer: Any) -> None:
    """Train to the end, from the start or from a checkpoint."""
    from transformers import TrainerState

    if checkpoint is not None:
        state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        if state.global_step >= state.max_steps:
            # transformers 5.17 would do one step more before it sees that the last was done
            trainer._load_from_checkpoint(str(checkpoint))
            trainer.state = state
            return
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def _describe_model(job: RecipeJob) -> dict[str, str]:
    from inference.weights import weights_sha256

    return {
        "path": job.run.model.name,
        "kind": "full" if job.spec.adapter == "none" else "adapter",
        "weights_sha256": weights_sha256(job.run.model),
    }
