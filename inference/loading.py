"""Loads a causal language model and its tokenizer for the transformers engine.

Imports torch: the engine imports this module only when a model is really opened.
"""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.utils import logging

from inference.errors import ModelLoadError
from inference.heavy import importing
from inference.sources import load_tokenizer, resolve_adapter, revision_for, tokenizer_source
from inference.weights import safetensors_files

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_HALF = frozenset({torch.float16, torch.bfloat16})

# What transformers, peft and safetensors raise on folders they cannot read.
_LOAD_ERRORS = (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model on its device with what decoding needs to know about it.

    `context_tokens` is the longest prompt plus completion the model takes, None where its
    configuration names no limit. `logits_to_keep` says whether its forward pass can leave out
    the logits of all but the last positions.
    """

    model: Any
    tokenizer: Any
    device: torch.device
    context_tokens: int | None
    eos_ids: tuple[int, ...]
    pad_id: int
    logits_to_keep: bool


def load_model(
    model: str,
    *,
    adapter: str | None,
    device: str | None,
    dtype: str,
    threads: int | None,
    trust_remote_code: bool = False,
    revision: str | None = None,
) -> LoadedModel:
    """Load a model by folder or hub name, with a LoRA adapter on top where one is given.

    Safetensors only; code from the model's repository is run only with `trust_remote_code`.
    `model` may itself be an adapter folder; its base is then read from the adapter's
    configuration. `dtype` "auto" keeps the precision of the weights, except that a CPU computes
    half-precision weights in float32: its half-precision kernels are slow and round differently
    from one batch size to the next.
    `threads` sets torch's CPU threads for the whole process. `revision` is a hub model's branch,
    tag or commit.

    Raises:
        ModelLoadError: nothing there, pickled or incomplete weights, no chat template, an
            adapter that is no LoRA, or a device or dtype that does not exist here.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    hide_progress: Any = logging.disable_progress_bar
    hide_progress()
    base, adapter_folder = resolve_adapter(model, adapter)
    target = _device(device)
    tokenizer = load_tokenizer(
        tokenizer_source(base, adapter_folder),
        revision=revision,
        trust_remote_code=trust_remote_code,
    )
    network = _load_network(base, revision, dtype, target, trust_remote_code)
    _check_vocabulary(network, tokenizer, model)
    if adapter_folder is not None:
        network = _with_adapter(network, adapter_folder)
    eos_ids = _end_ids(network, tokenizer)
    if not eos_ids:
        raise ModelLoadError(f"{model!r} does not define an end-of-sequence token")
    # A model's own sampling defaults (repetition penalty, top-k, …) would change the answers
    # behind the caller's back: `Sampling` is the whole truth.
    network.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    return LoadedModel(
        model=network.to(target).eval(),
        tokenizer=tokenizer,
        device=target,
        context_tokens=getattr(
            network.config.get_text_config(decoder=True), "max_position_embeddings", None
        ),
        eos_ids=eos_ids,
        pad_id=eos_ids[0] if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
        logits_to_keep="logits_to_keep" in inspect.signature(network.forward).parameters,
    )


def _load_network(
    base: str, revision: str | None, dtype: str, device: torch.device, trust_remote_code: bool
) -> Any:
    if dtype != "auto" and dtype not in _DTYPES:
        raise ModelLoadError(f"dtype {dtype!r} is unknown; use auto, {', '.join(_DTYPES)}")
    if Path(base).is_dir():
        safetensors_files(Path(base))
    # Its annotations leave out the pair that `output_loading_info` returns.
    from_pretrained: Any = AutoModelForCausalLM.from_pretrained
    try:
        network, report = from_pretrained(
            base,
            revision=revision_for(base, revision),
            trust_remote_code=trust_remote_code,
            use_safetensors=True,
            dtype=_DTYPES.get(dtype, "auto"),
            output_loading_info=True,
        )
    except _LOAD_ERRORS as error:
        raise ModelLoadError(f"the model {base!r} could not be loaded: {error}") from error
    if report["missing_keys"]:
        # transformers would go on with random numbers in their place.
        raise ModelLoadError(
            f"{base!r} is missing the weights {sorted(report['missing_keys'])[:5]}"
        )
    if dtype == "auto" and device.type == "cpu" and network.dtype in _HALF:
        return network.float()
    return network


def _check_vocabulary(network: Any, tokenizer: Any, model: str) -> None:
    rows = network.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise ModelLoadError(
            f"the tokenizer of {model!r} has {len(tokenizer)} tokens, its model only {rows}"
        )


def _with_adapter(network: Any, folder: Path) -> Any:
    """The network with the adapter's LoRA layers put into it, unmerged and active."""
    with importing():
        from peft import PeftConfig, PeftModel

    # peft would fall back to a pickle on its own.
    safetensors_files(folder)
    try:
        config = PeftConfig.from_pretrained(str(folder))
        if config.peft_type != "LORA":
            raise ModelLoadError(f"the adapter {str(folder)!r} is {config.peft_type}, not LoRA")
        with warnings.catch_warnings():
            # Missing adapter weights only warn: the adapter would silently do nothing.
            warnings.filterwarnings("error", message=".*[Mm]issing adapter keys")
            wrapped = PeftModel.from_pretrained(network, str(folder), config=config)
    except (*_LOAD_ERRORS, TypeError, UserWarning) as error:
        raise ModelLoadError(f"the adapter {str(folder)!r} could not be loaded: {error}") from error
    return wrapped.get_base_model()


def _end_ids(network: Any, tokenizer: Any) -> tuple[int, ...]:
    """Every token that ends an answer: the generation config's and the tokenizer's."""
    configured = network.generation_config.eos_token_id
    ends = configured if isinstance(configured, list) else [configured]
    return tuple(dict.fromkeys(end for end in [*ends, tokenizer.eos_token_id] if end is not None))


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelLoadError(f"the device {name!r} is not available: {error}") from error
    return device
