"""Held-out preference accuracy: how often a model finds the preferred completion likelier.

    python -m training.recipes.evaluate --model M [--adapter A] --dataset DIR --split test --out F

Writes one JSON object to `--out`, renamed into place at the end. Exits 0 when it was measured, 1
when it failed (the file says why), 2 on bad arguments with one line on standard error. It measures
log-likelihood of given texts; it generates nothing and says nothing of how good samples are.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures.intervals import share_of
from training.recipes.run_dir import write_json

if TYPE_CHECKING:
    import torch

    from training.recipes.data import Split

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share of pairs and its 95 % interval, all in [0, 1]; `prompts` is how many the pairs are
    of. `low` and `high` are None where so few have no interval that holds, and `reason` says so."""

    accuracy: float
    low: float | None
    high: float | None
    prompts: int
    reason: str = ""


def preference_accuracy(margins: Sequence[float], prompts: Sequence[Hashable]) -> Accuracy:
    """The share of positive margins, a margin of exactly 0 counting one half, clustered by prompt.

    Args:
        margins: one per pair, at least one, in nats.
        prompts: the prompt of each pair: pairs of one prompt are alike.

    Raises:
        ValueError: no margins, or one that is not finite (a model with broken weights).
    """
    if not margins:
        raise ValueError("no pairs")
    if not all(math.isfinite(margin) for margin in margins):
        raise ValueError("a log-probability is not finite: the model's weights are damaged")
    wins = [1.0 if margin > 0 else 0.5 if margin == 0 else 0.0 for margin in margins]
    found = share_of(wins, prompts)
    return Accuracy(sum(wins) / len(wins), found.low, found.high, found.groups, found.reason)


def prompts_of(split: Split) -> list[Hashable]:
    """The prompt of each pair of a split, as its tokens."""
    return [tuple(ids) for ids in split.rows["prompt_ids"]]


def logp_margins(
    model: Any,
    split: Split,
    *,
    pad_token_id: int,
    batch_size: int,
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
    tick: Callable[[], None] = lambda: None,
) -> list[float]:
    """log π(chosen | prompt) − log π(rejected | prompt) of each pair, in nats and in order.

    Sums over completion tokens, without normalising by length, as DPO's rewards do.

    Args:
        model: from `loading.load_scorer` or inside a trainer, on the device where it computes.
        split: the tokenised pairs.
        pad_token_id: fills up short rows; masked out.
        batch_size: pairs per forward pass.
        autocast: makes the context of a forward pass.
        tick: called after each batch; may raise to stop.
    """
    import torch

    from training.recipes.soft_dpo import SoftPreferenceCollator

    collate = SoftPreferenceCollator(pad_token_id=pad_token_id)
    was_training = model.training
    model.eval()
    margins: list[float] = []
    try:
        with torch.inference_mode():
            for start in range(0, len(split.rows), batch_size):
                stop = min(start + batch_size, len(split.rows))
                rows = [split.rows[index] for index in range(start, stop)]
                with autocast():
                    margins += _batch_margins(model, rows, collate(rows))
                tick()
    finally:
        model.train(was_training)
    return margins


def _batch_margins(
    model: Any, rows: list[dict[str, Any]], batch: dict[str, torch.Tensor]
) -> list[float]:
    batch = {name: value.to(model.device) for name, value in batch.items()}
    # Label −100 leaves a token out of the sum.
    labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
    token_logps = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        use_cache=False,
        labels=labels,
        fused_lm_head=True,
    ).log_probs
    chosen, rejected = token_logps.float().sum(dim=1).chunk(2)
    # Equal texts are a tie by meaning; two rows of one batch may still differ in the last bit.
    return [
        0.0 if row["chosen_ids"] == row["rejected_ids"] else margin
        for row, margin in zip(rows, (chosen - rejected).tolist(), strict=True)
    ]


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    problem = _problem(args)
    if problem is not None:
        sys.stderr.write(f"{problem}\n")
        return 2
    started = time.monotonic()
    args.out.unlink(missing_ok=True)
    about = {"model": args.model, "adapter": args.adapter, "dataset": str(args.dataset)}
    try:
        outcome: dict[str, object] = {"status": "succeeded", "error": None} | _measure(args)
    except Exception as error:  # noqa: BLE001 - the file must say how it ended, whatever it was
        failure = {"type": type(error).__name__, "message": str(error)}
        outcome = {"status": "failed", "error": failure, "split": args.split}
        sys.stderr.write(f"{failure['type']}: {failure['message']}\n")
    seconds = time.monotonic() - started
    write_json(args.out, about | outcome | {"seconds": round(seconds, 3)})
    return 0 if outcome["status"] == "succeeded" else 1


def _measure(args: argparse.Namespace) -> dict[str, object]:
    import torch

    from inference.weights import weights_sha256
    from training.recipes.data import read_split
    from training.recipes.loading import load_scorer, load_tokenizer

    device = "cuda" if torch.cuda.is_available() and not args.cpu else "cpu"
    model = load_scorer(args.model, args.adapter).to(device)
    tokenizer = load_tokenizer(args.model)
    with tempfile.TemporaryDirectory() as scratch:
        split = read_split(
            args.dataset, args.split, tokenizer, max_length=args.max_length, scratch=Path(scratch)
        )
        margins = logp_margins(
            model, split, pad_token_id=tokenizer.pad_token_id, batch_size=args.batch_size
        )
    weights = Path(args.adapter or args.model)
    report: dict[str, object] = {
        "split": args.split,
        "n": len(margins),
        "truncated": split.counts.truncated,
        "dropped": split.counts.dropped,
        "weights_sha256": weights_sha256(weights) if weights.is_dir() else None,
    }
    if not margins:
        reason = f"{args.split} has no usable pair"
        return report | {"accuracy": None, "low": None, "high": None, "reason": reason}
    mean = sum(margins) / len(margins)
    return report | asdict(preference_accuracy(margins, prompts_of(split))) | {"mean_margin": mean}


def _problem(args: argparse.Namespace) -> str | None:
    """What is wrong with the arguments, in one line."""
    if not (args.dataset / f"{args.split}.parquet").is_file():
        return f"--dataset: {args.dataset} has no {args.split}.parquet"
    if not args.out.resolve().parent.is_dir():
        return f"--out: the folder {args.out.resolve().parent} does not exist"
    for name, value, marker in (
        ("--model", args.model, "config.json"),
        ("--adapter", args.adapter, "adapter_config.json"),
    ):
        if value is not None and Path(value).is_dir() and not (Path(value) / marker).is_file():
            return f"{name}: {value} has no {marker}"
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.recipes.evaluate")
    parser.add_argument("--model", required=True, help="model folder or hub name")
    parser.add_argument("--adapter", help="LoRA adapter folder or hub name")
    parser.add_argument("--dataset", required=True, type=Path, help="dataset folder")
    parser.add_argument("--split", default="test", choices=SPLITS)
    parser.add_argument("--out", required=True, type=Path, help="JSON file to write")
    parser.add_argument("--batch-size", type=_positive, default=16, help="pairs per forward pass")
    parser.add_argument(
        "--max-length", type=_positive, default=1024, help="maximum sequence length in tokens"
    )
    parser.add_argument("--cpu", action="store_true", help="use the CPU only")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"got {text}, must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
