"""What an SFT run says about held-out completions, before and after training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from training.recipes.data import Split
from training.recipes.sft_data import IGNORED


class SampleLoss(NamedTuple):
    """−log π(completion | prompt) in nats, summed over the completion's tokens."""

    nats: float
    tokens: int


@dataclass(frozen=True, slots=True)
class TokenLoss:
    """Mean loss per completion token, in nats, with its 95 % interval."""

    loss: float
    low: float
    high: float


def token_loss(losses: Sequence[SampleLoss], *, z: float = 1.959963984540054) -> TokenLoss:
    """The mean over tokens, with an interval that takes the samples, not the tokens, as drawn.

    Args:
        losses: one per sample, at least one, each of at least one token.

    Raises:
        ValueError: no samples, or a loss that is not finite (a model with broken weights).

    Source: the linearised variance of a ratio estimator, Cochran 1977, "Sampling Techniques",
        §6.4.
    """
    if not losses:
        raise ValueError("no samples")
    if not all(math.isfinite(one.nats) for one in losses):
        raise ValueError("a log-probability is not finite: the model's weights are broken")
    n = len(losses)
    tokens = sum(one.tokens for one in losses)
    ratio = math.fsum(one.nats for one in losses) / tokens
    if n == 1:
        return TokenLoss(ratio, ratio, ratio)
    residuals = math.fsum((one.nats - ratio * one.tokens) ** 2 for one in losses)
    half = z * math.sqrt(residuals / (n * (n - 1))) / (tokens / n)
    return TokenLoss(ratio, ratio - half, ratio + half)


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
            "reason": "validation and test have no completion that can be measured",
            "before": None,
            "after": None,
        }
    return {
        "metric": "completion_loss",
        "split": heldout.name,
        "n": len(after),
        "before": asdict(token_loss(before)),
        "after": asdict(token_loss(after)),
    }
