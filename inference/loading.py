"""Loads a causal language model and its tokenizer for the transformers engine.

Imports torch: the engine imports this module only when a model is really opened.
"""

from __future__ import annotations

import inspect
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging

from inference.errors import ModelLoadError
from inference.weights import safetensors_files

ADAPTER_CONFIG = "adapter_config.json"

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
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
    model: str, *, adapter: str | None, device: str | None, dtype: str, threads: int | None
) -> LoadedModel:
    """Load a model by folder or hub name, with a LoRA adapter on top where one is given.

    Safetensors only, and no code from the model's repository is run. `model` may itself be an
    adapter folder; its base is then read from the adapter's configuration. `dtype` "auto" keeps
    the precision of the weights, except that a CPU computes half-precision weights in float32:
    its half-precision kernels are slow and round differently from one batch size to the next.
    `threads` sets torch's CPU threads for the whole process.

    Raises:
        ModelLoadError: nothing there, pickled or incomplete weights, no chat template, an
            adapter that is no LoRA, or a device or dtype that does not exist here.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    hide_progress: Any = logging.disable_progress_bar
    hide_progress()
    base, adapter_folder = _resolve_adapter(model, adapter)
    target = _device(device)
    tokenizer = _load_tokenizer(_tokenizer_source(base, adapter_folder))
    network = _load_network(base, dtype, target)
    _check_vocabulary(network, tokenizer, model)
    if adapter_folder is not None:
        network = _with_adapter(network, adapter_folder)
    eos_ids = _end_ids(network, tokenizer)
    if not eos_ids:
        raise ModelLoadError(f"{model!r} names no end-of-sequence token")
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


def _resolve_adapter(model: str, adapter: str | None) -> tuple[str, Path | None]:
    """The base model's folder or name, and the adapter's folder or None."""
    if adapter is not None:
        folder = Path(adapter)
        if not (folder / ADAPTER_CONFIG).is_file():
            raise ModelLoadError(f"{adapter!r} is no adapter folder: it has no {ADAPTER_CONFIG}")
        if (Path(model) / ADAPTER_CONFIG).is_file():
            raise ModelLoadError(f"{model!r} is an adapter itself; an adapter needs a base model")
        return model, folder
    folder = Path(model)
    if not (folder / ADAPTER_CONFIG).is_file():
        return model, None
    try:
        base = json.loads((folder / ADAPTER_CONFIG).read_text())["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelLoadError(f"{model!r} has an unreadable {ADAPTER_CONFIG}: {error}") from error
    if not isinstance(base, str) or not base:
        raise ModelLoadError(f"the adapter {model!r} names no base model; open it as adapter=")
    # A relative base is looked up beside the adapter too, so that the two can move together.
    beside = folder / base
    return (str(beside) if beside.is_dir() and not Path(base).is_dir() else base), folder


def _tokenizer_source(base: str, adapter_folder: Path | None) -> str:
    """The adapter's own tokenizer where it has one: it is the one it was trained with."""
    if adapter_folder is not None and (adapter_folder / "tokenizer_config.json").is_file():
        return str(adapter_folder)
    if not Path(base).is_dir() and not _HUB_NAME.fullmatch(base):
        raise ModelLoadError(f"there is no model folder {base!r}, and it is no hub name either")
    return base


def _load_tokenizer(source: str) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except _LOAD_ERRORS as error:
        raise ModelLoadError(f"no tokenizer could be loaded from {source!r}: {error}") from error
    if not tokenizer.chat_template:
        raise ModelLoadError(
            f"the tokenizer of {source!r} has no chat template, so conversations cannot be "
            "rendered; use a chat model or add a chat_template to its tokenizer"
        )
    return tokenizer


def _load_network(base: str, dtype: str, device: torch.device) -> Any:
    if dtype != "auto" and dtype not in _DTYPES:
        raise ModelLoadError(f"dtype {dtype!r} is unknown; use auto, {', '.join(_DTYPES)}")
    if Path(base).is_dir():
        safetensors_files(Path(base))
    # Its annotations leave out the pair that `output_loading_info` returns.
    from_pretrained: Any = AutoModelForCausalLM.from_pretrained
    try:
        network, report = from_pretrained(
            base,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=_DTYPES.get(dtype, "auto"),
            output_loading_info=True,
        )
    except _LOAD_ERRORS as error:
        raise ModelLoadError(f"the model {base!r} could not be loaded: {error}") from error
    if report["missing_keys"]:
        # transformers would go on with random numbers in their place.
        raise ModelLoadError(f"{base!r} lacks the weights {sorted(report['missing_keys'])[:5]}")
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
        raise ModelLoadError(f"the device {name!r} is not there: {error}") from error
    return device
