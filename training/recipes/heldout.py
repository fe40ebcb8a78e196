"""What a run says about held-out pairs, before and after training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from training.recipes.data import Split
from training.recipes.evaluate import logp_margins, preference_accuracy, prompts_of
from training.recipes.run_dir import RunDir
from training.recipes.spec import TrainingSpec


def _margins(
    trainer: Any, model: Any, heldout: Split | None, batch_size: int, tick: Callable[[], None]
) -> list[float]:
    if heldout is None:
        return []
    return logp_margins(
        model,
        heldout,
        pad_token_id=trainer.processing_class.pad_token_id,
        batch_size=batch_size,
        autocast=trainer.accelerator.autocast,
        tick=tick,
    )


def start_margins(
    trainer: Any, heldout: Split | None, spec: TrainingSpec, run: RunDir
) -> tuple[list[float], list[float]]:
    """The held-out margins under the start policy and under the reference, often the same."""
    size = spec.eval_batch_size
    before = _margins(trainer, trainer.model, heldout, size, run.tick)
    if spec.reference_model is not None:
        return before, _margins(trainer, trainer.ref_model, heldout, size, run.tick)
    if spec.base_adapter is not None and spec.reference == "base":
        with trainer.model.disable_adapter():
            return before, _margins(trainer, trainer.model, heldout, size, run.tick)
    return before, before


def measure_after(
    trainer: Any,
    heldout: Split | None,
    spec: TrainingSpec,
    run: RunDir,
    before: list[float],
    reference: list[float],
) -> dict[str, object]:
    """Held-out accuracy of the start and of the trained policy, and of the implicit reward.

    Args:
        before: margins of the held-out pairs under the start policy, nats.
        reference: the same under the reference policy.

    Returns:
        The `heldout` part of the result.
    """
    model = trainer.accelerator.unwrap_model(trainer.model)
    # Only beating: whoever cancels now is too late, the training is done and not thrown away.
    after = _margins(trainer, model, heldout, spec.eval_batch_size, run.beat)
    if heldout is None or not after:
        name = heldout.name if heldout else None
        reason = "neither validation nor test has a usable pair"
        empty = {"before": None, "after": None, "reward_accuracy_after": None}
        return {"split": name, "n": 0, "reason": reason, **empty}
    prompts = prompts_of(heldout)
    rewards = [now - then for now, then in zip(after, reference, strict=True)]
    return {
        "split": heldout.name,
        "n": len(after),
        "before": asdict(preference_accuracy(before, prompts)),
        "after": asdict(preference_accuracy(after, prompts)),
        "reward_accuracy_after": preference_accuracy(rewards, prompts).accuracy,
    }
