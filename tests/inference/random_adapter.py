"""A LoRA adapter of random weights on the sandbox model: small, and different from its base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inference.sandbox import MODEL_PATH


def build_random_adapter(folder: Path, *, seed: int = 0, rank: int = 8) -> Path:
    """Write the adapter (safetensors) to `folder` and return it. The same seed gives the same."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base: Any = AutoModelForCausalLM.from_pretrained(str(MODEL_PATH), dtype=torch.float32)
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=["q_proj", "v_proj", "down_proj"])
    model: Any = get_peft_model(base, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, weights in model.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(weights, std=0.2)
    model.save_pretrained(str(folder))
    return folder
