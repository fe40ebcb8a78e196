"""Loading and saving what a recipe trains: model, adapter, tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.trainer.utils import add_fused_lm_head

from inference.hub import ready_to_load
from training.recipes.soft_dpo import ADAPTER


def load_model(name: str, adapter: str | None = None, *, trainable: bool = False) -> Any:
    """A causal language model in fp32 on the CPU, with an adapter on it when one is named.

    Its dropout is switched off: policy and reference must differ by their weights alone. Only
    safetensors are read, since a pickle can run code, and no code that comes with a model.

    Args:
        name: folder or hub name.
        adapter: folder or hub name of a LoRA adapter.
        trainable: whether the adapter is to be trained further.
    """
    ready_to_load(name)
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, use_safetensors=True)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    if adapter is None:
        return model
    return PeftModel.from_pretrained(model, adapter, adapter_name=ADAPTER, is_trainable=trainable)


def load_scorer(name: str, adapter: str | None = None) -> Any:
    """As `load_model`, with the head that gives token log-probabilities without the logits.

    The logits of a batch are (2B, L, V): tens of gigabytes with today's vocabularies. The
    trainer puts the same head on the models it is given.
    """
    model = load_model(name, adapter)
    add_head: Any = add_fused_lm_head
    add_head(model.get_base_model() if isinstance(model, PeftModel) else model)
    return model


def load_tokenizer(name: str) -> Any:
    """The tokenizer of a model; padded with its end token where it brings no padding token."""
    ready_to_load(name)
    tokenizer = AutoTokenizer.from_pretrained(name)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a full model, or the trained adapter alone, with its tokenizer."""
    if isinstance(model, PeftModel):
        # The frozen copy that served as the reference stays out.
        model.save_pretrained(str(folder), selected_adapters=[ADAPTER])
    else:
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def weights_are_finite(model: Any) -> bool:
    """Whether no trained weight is NaN or infinite."""
    trained = (weight for weight in model.parameters() if weight.requires_grad)
    return all(bool(torch.isfinite(weight).all()) for weight in trained)
