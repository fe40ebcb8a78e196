"""What an SFT run says about held-out completions, before and after training."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from figures.intervals import ratio_of
from training.recipes.data import Split
from training.recipes.sft_data import IGNORED


class SampleLoss(NamedTuple):
    """−log π(completion | prompt) in nats, summed over the completion's tokens."""

    nats: float
    tokens: int


@dataclass(frozen=True, slots=True)
class TokenLoss:
    """Mean loss per completion token, in nats, with its 95 % interval over `prompts`; `low` and
    `high` are None where so few have no interval that holds, and `reason` says so."""

    loss: float
    low: float | None
    high: float | None
    prompts: int
    reason: str = ""


def token_loss(losses: Sequence[SampleLoss], prompts: Sequence[Hashable]) -> TokenLoss:
    """The mean over tokens, with an interval that takes the prompts, not the tokens, as drawn.

    Args:
        losses: one per sample, at least one, each of at least one token.
        prompts: the prompt of each sample: samples of one prompt are alike.

    Raises:
        ValueError: no samples, or a loss that is not finite (a model with broken weights).
    """
    if not losses:
        raise ValueError("no samples")
    if not all(math.isfinite(one.nats) for one in losses):
        raise ValueError("a log-probability is not finite: the model's weights are damaged")
    found = ratio_of(
        [one.nats for one in losses],
        [one.tokens for one in losses],
        prompts,
        units="completions",
    )
    return TokenLoss(found.value, found.low, found.high, found.groups, found.reason)


def prompts_of(split: Split) -> list[Hashable]:
    """The prompt of each sample of a split, as its tokens."""
    return [
        tuple(
            id_
            for id_, label in zip(row["input_ids"], row["labels"], strict=True)
            if label == IGNORED
        )
        for row in split.rows
    ]


def sample_losses(
    trainer: Any, heldout: Split | None, batch_size: int, tick: Callable[[], None]
) -> list[SampleLoss]:
    """The loss of each held-out sample under the trainer's model as it is now, in order."""
    import torch

    if heldout is None:
        return []
    model = trainer.accelerator.unwrap_model(trainer.model)
    was_training = model.training
    model.eval()
    found: list[SampleLoss] = []
    try:
        with torch.inference_mode():
            for start in range(0, len(heldout.rows), batch_size):
                stop = min(start + batch_size, len(heldout.rows))
                rows = [heldout.rows[index] for index in range(start, stop)]
                batch = trainer.data_collator(rows)
                labels = batch.pop("labels").to(model.device)
                inputs = {name: value.to(model.device) for name, value in batch.items()}
                with trainer.accelerator.autocast():
                    logits = model(**inputs, use_cache=False).logits
                losses = torch.nn.functional.cross_entropy(
                    logits[:, :-1].float().transpose(1, 2),
                    labels[:, 1:],
                    ignore_index=IGNORED,
                    reduction="none",
                )
                counts = (labels[:, 1:] != IGNORED).sum(dim=1)
                found += [
                    SampleLoss(nats, int(tokens))
                    for nats, tokens in zip(
                        losses.sum(dim=1).tolist(), counts.tolist(), strict=True
                    )
                ]
                tick()
    finally:
        model.train(was_training)
    return found


def heldout_report(
    heldout: Split | None, before: Sequence[SampleLoss], after: Sequence[SampleLoss]
) -> dict[str, object]:
    """The `heldout` part of the result."""
    if heldout is None or not after:
        return {
            "metric": "completion_loss",
            "split": heldout.name if heldout else None,
            "n": 0,
            "reason": "neither validation nor test has a usable completion",
            "before": None,
            "after": None,
        }
    prompts = prompts_of(heldout)
    return {
        "metric": "completion_loss",
        "split": heldout.name,
        "n": len(after),
        "before": asdict(token_loss(before, prompts)),
        "after": asdict(token_loss(after, prompts)),
    }
