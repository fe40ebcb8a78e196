"""The trainer's loss, against TRL's and against the reference rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import torch
from peft import PeftModel
from trl.trainer.dpo_trainer import DPOTrainer

from tests.recipes.builders import row, rows, write_dataset, write_spec
from training.recipes import dpo
from training.recipes.data import Split, SplitCounts
from training.recipes.evaluate import logp_margins
from training.recipes.loading import load_model, load_scorer
from training.recipes.losses import soft_label_dpo_loss
from training.recipes.run_dir import RunDir
from training.recipes.spec import load_spec


class JobMaker(Protocol):
    def __call__(self, model: Path, dataset: Path, **fields: Any) -> dpo.Job: ...


@pytest.fixture
def make_job(tmp_path: Path) -> Iterator[JobMaker]:
    """Builds jobs, each in a run folder of its own, and gives the folders free afterwards."""
    opened: list[RunDir] = []

    def make(model: Path, dataset: Path, **fields: Any) -> dpo.Job:
        spec = load_spec(write_spec(tmp_path / "spec.json", model, dataset, **fields))
        run = RunDir(tmp_path / f"run-{len(opened)}")
        run.open(spec)
        opened.append(run)
        return dpo.build(spec, run, {"dropped": {}})

    yield make
    for run in opened:
        run.close()


def some_pairs(trainer: Any, size: int) -> Split:
    return Split("train", trainer.train_dataset.select(range(size)), SplitCounts())


def first_batch(trainer: Any, size: int) -> dict[str, torch.Tensor]:
    batch: dict[str, torch.Tensor] = trainer.data_collator(
        [trainer.train_dataset[i] for i in range(size)]
    )
    return batch


def perturb(trainer: Any) -> None:
    """Move the policy off the reference, so that Δ is not zero."""
    generator = torch.Generator().manual_seed(1)
    for weight in trainer.model.parameters():
        if weight.requires_grad:
            weight.data += 0.02 * torch.randn(weight.shape, generator=generator)


def test_with_hard_labels_and_unit_weights_the_loss_is_that_of_trl(
    make_job: JobMaker, tmp_path: Path, tiny_model: Path
) -> None:
    content = [row(f"q{n}", f"yes {n}", f"no no {n}") for n in range(6)]
    dataset = write_dataset(tmp_path / "data", train=content)
    trainer = make_job(tiny_model, dataset).trainer
    perturb(trainer)
    batch = first_batch(trainer, 6)
    ours = trainer._compute_loss(trainer.model, dict(batch), False)
    ours.backward()
    gradients = [weight.grad.clone() for weight in trainer.model.parameters()]
    trainer.model.zero_grad()
    del batch["p_chosen"], batch["weight"]
    loss_of_trl: Any = DPOTrainer._compute_loss
    theirs = loss_of_trl(trainer, trainer.model, batch, False)
    theirs.backward()
    assert ours.item() != pytest.approx(0.6931, abs=1e-3)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)
    for mine, weight in zip(gradients, trainer.model.parameters(), strict=True):
        torch.testing.assert_close(mine, weight.grad, rtol=1e-4, atol=1e-7)


def test_soft_labels_and_weights_reach_the_loss(
    make_job: JobMaker, tmp_path: Path, tiny_model: Path
) -> None:
    content = [row(f"q{n}", f"yes {n}", f"no {n}", p_chosen=0.6, weight=3.0) for n in range(4)]
    content += [row("q", "same", "other", p_chosen=0.5, weight=0.5)]
    built = make_job(tiny_model, write_dataset(tmp_path / "data", train=content), beta=0.5)
    trainer = built.trainer
    perturb(trainer)
    loss = trainer._compute_loss(trainer.model, first_batch(trainer, 5), False)

    policy = logp_margins(trainer.model, some_pairs(trainer, 5), pad_token_id=0, batch_size=5)
    reference = logp_margins(
        trainer.ref_model, some_pairs(trainer, 5), pad_token_id=0, batch_size=5
    )
    expected = soft_label_dpo_loss(
        torch.tensor(policy) - torch.tensor(reference),
        torch.tensor([0.6] * 4 + [0.5]),
        torch.tensor([3.0] * 4 + [0.5]),
        beta=0.5,
    )
    assert loss.item() == pytest.approx(expected.mean().item(), rel=1e-4)


def reference_margins(trainer: Any, size: int) -> list[float]:
    """What the trainer compares with, as its own loss sees it."""
    batch = first_batch(trainer, size)
    del batch["p_chosen"], batch["weight"]
    chosen, rejected = trainer.compute_ref_log_probs(trainer.ref_model or trainer.model, batch)
    return [float(value) for value in chosen - rejected]


@pytest.mark.parametrize("reference", ["start", "base"])
def test_a_continued_adapter_is_compared_with_what_the_spec_says(
    make_job: JobMaker,
    tmp_path: Path,
    tiny_model: Path,
    adapter: Path,
    dataset: Path,
    reference: str,
) -> None:
    built = make_job(
        tiny_model,
        dataset,
        adapter="lora",
        base_adapter=str(adapter),
        reference=reference,
    )
    trainer = built.trainer
    start = load_scorer(str(tiny_model), str(adapter))
    base = load_scorer(str(tiny_model))
    wanted, other = (start, base) if reference == "start" else (base, start)
    perturb(trainer)

    margins = reference_margins(trainer, 8)
    right, wrong = (
        logp_margins(model, some_pairs(trainer, 8), pad_token_id=0, batch_size=8)
        for model in (wanted, other)
    )
    assert margins == pytest.approx(right, abs=1e-4)
    assert margins != pytest.approx(wrong, abs=1e-2)
    # The held-out figures use the same two policies.
    assert built.heldout is not None
    for model, measured in ((start, built.before), (wanted, built.reference)):
        again = logp_margins(model, built.heldout, pad_token_id=0, batch_size=16)
        assert measured == pytest.approx(again, abs=1e-4)


def test_a_new_adapter_is_compared_with_the_base_model(
    make_job: JobMaker, tmp_path: Path, tiny_model: Path, dataset: Path
) -> None:
    trainer = make_job(tiny_model, dataset, adapter="lora").trainer
    perturb(trainer)

    base = load_scorer(str(tiny_model))
    expected = logp_margins(base, some_pairs(trainer, 8), pad_token_id=0, batch_size=8)
    assert reference_margins(trainer, 8) == pytest.approx(expected, abs=1e-4)


def test_a_later_round_of_full_training_may_keep_an_earlier_reference(
    make_job: JobMaker, tmp_path: Path, tiny_model: Path, dataset: Path
) -> None:
    later = tmp_path / "later"
    start = load_scorer(str(tiny_model))
    moved = load_model(str(tiny_model))
    for weight in moved.parameters():
        weight.data *= 1.1
    moved.save_pretrained(later)
    for path in tiny_model.iterdir():
        if not (later / path.name).exists():
            (later / path.name).write_bytes(path.read_bytes())
    built = make_job(later, dataset, reference="base", reference_model=str(tiny_model))

    expected = logp_margins(start, some_pairs(built.trainer, 8), pad_token_id=0, batch_size=8)
    assert reference_margins(built.trainer, 8) == pytest.approx(expected, abs=1e-4)
    assert built.before != pytest.approx(built.reference, abs=1e-3)


def test_dropout_is_the_adapters_alone_and_never_the_references(
    make_job: JobMaker, tmp_path: Path, tiny_model: Path, dataset: Path
) -> None:
    lora = {"r": 2, "dropout": 0.5}
    spec = write_spec(
        tmp_path / "first.json", tiny_model, dataset, adapter="lora", lora=lora, max_steps=1
    )
    assert dpo.main([str(spec), "--run-dir", str(tmp_path / "first")]) == 0
    adapter = tmp_path / "first" / "model"
    trainer = make_job(tiny_model, dataset, adapter="lora", base_adapter=str(adapter)).trainer
    assert isinstance(trainer.model, PeftModel)
    rates = {
        name.rsplit(".", 1)[-1]: module.p
        for name, module in trainer.model.named_modules()
        if isinstance(module, torch.nn.Dropout)
    }
    assert rates == {"default": 0.5, "ref": 0.0}
    trainer.model.train()
    assert reference_margins(trainer, 8) == reference_margins(trainer, 8)


def test_training_follows_the_soft_label(
    make_job: JobMaker, tmp_path: Path, tiny_model: Path
) -> None:
    """A label below one half turns the preference round; use_soft_labels off ignores that."""
    content = [pair | {"p_chosen": 0.1, "weight": 1.0} for pair in rows(24)]
    dataset = write_dataset(tmp_path / "data", train=content, validation=rows(8, start=50))
    moved = []
    for soft in (True, False):
        built = make_job(tiny_model, dataset, use_soft_labels=soft, max_steps=12)
        report: dict[str, Any] = {}
        dpo.train(built, report)
        moved.append(report["heldout"]["reward_accuracy_after"])
    assert moved == [0.0, 1.0]
