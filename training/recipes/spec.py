"""What a run is asked to do: one frozen, validated spec read from YAML or JSON.

Every default of a recipe is written here and nowhere else; `resolved_spec.json` in the run folder
is this model dumped. A wrong spec is refused by the name of the field before torch is imported.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails


class SpecError(ValueError):
    """A spec that cannot be run; the message is one line for the person who wrote it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LoraSpec(_Frozen):
    """The shape of a new LoRA adapter (Hu et al. 2021, arXiv 2106.09685)."""

    r: int = Field(16, ge=1, le=1024, description="Rank of the adapter.")
    alpha: int = Field(32, ge=1, description="Scale: the update is multiplied by alpha / r.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout on the adapter's input.")
    target_modules: tuple[str, ...] | Literal["all-linear"] = Field(
        "all-linear",
        description="Names of the linear layers to adapt; all-linear is all but the output head.",
    )


class HardwareSpec(_Frozen):
    """Hardware settings."""

    processes: int = Field(
        1, ge=1, description="Number of data-parallel processes; if above 1, use accelerate launch."
    )
    precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="bf16 uses autocast; the weights are kept and saved in fp32."
    )
    use_cpu: bool | None = Field(
        None, description="True forces the CPU; null uses a GPU if there is one."
    )
    threads: int | None = Field(
        None, ge=1, description="Torch threads per process; null uses the default of torch."
    )


OF_DPO = frozenset({"beta", "reference", "reference_model", "use_soft_labels", "loss"})


class TrainingSpec(_Frozen):
    """One training run. Paths are taken from the working directory of whoever launches it."""

    method: Literal["dpo", "sft"] = Field(
        description="Training method: dpo on preference pairs, sft on prompts with completions."
    )
    base_model: str = Field(
        min_length=1, description="Folder or hub name of the model to start from."
    )
    base_adapter: str | None = Field(
        None, min_length=1, description="Folder or hub name of a LoRA adapter to continue training."
    )
    reference: Literal["start", "base"] = Field(
        "start",
        description="The reference policy of DPO. start: the model that training starts from "
        "(base_model plus base_adapter). base: the base model without an adapter, or "
        "reference_model.",
    )
    reference_model: str | None = Field(
        None,
        min_length=1,
        description="Only with reference: base and adapter: none. Folder or hub name of the model "
        "that remains the reference when later rounds start from later models.",
    )
    dataset: str = Field(
        min_length=1, description="Folder of a dataset version, containing train.parquet."
    )
    adapter: Literal["none", "lora"] = Field(
        "none", description="none trains all weights; lora trains an adapter on frozen weights."
    )
    lora: LoraSpec | None = Field(
        None,
        description="Shape of a new adapter; not allowed with base_adapter, which has its own.",
    )
    loss: Literal["sigmoid"] = Field(
        "sigmoid", description="sigmoid: the DPO loss, with a soft label and a weight per pair."
    )
    use_soft_labels: bool = Field(
        True, description="False treats every p_chosen as 1; weights apply either way."
    )
    beta: float = Field(0.1, gt=0, description="Strength of the pull towards the reference.")
    learning_rate: float = Field(1e-6, gt=0, lt=1, description="Peak learning rate of AdamW.")
    epochs: float | None = Field(
        None, gt=0, description="Passes over the data; default 1 if max_steps is not given either."
    )
    max_steps: int | None = Field(
        None, ge=1, description="Number of optimiser steps, instead of epochs."
    )
    batch_size: int = Field(8, ge=1, description="Pairs per process and forward pass.")
    gradient_accumulation: int = Field(1, ge=1, description="Forward passes per optimiser step.")
    max_length: int = Field(
        1024,
        ge=8,
        description="Maximum tokens of prompt plus completion; longer texts are truncated.",
    )
    warmup_ratio: float = Field(0.1, ge=0, lt=1, description="Share of the steps used for warm-up.")
    lr_scheduler: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        "linear", description="Learning rate schedule after the warm-up."
    )
    weight_decay: float = Field(0.0, ge=0, description="AdamW's decoupled weight decay.")
    max_grad_norm: float = Field(1.0, gt=0, description="Maximum gradient norm.")
    seed: int = Field(
        0, ge=0, lt=2**32, description="Seed for shuffling, new adapters and dropout."
    )
    eval_batch_size: int = Field(16, ge=1, description="Pairs per forward pass when evaluating.")
    checkpoint_every_steps: int | None = Field(
        100, ge=1, description="Steps between checkpoints; null saves one only when cancelled."
    )
    hardware: HardwareSpec = Field(default_factory=HardwareSpec, description="Hardware settings.")

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        if self.epochs is not None and self.max_steps is not None:
            raise ValueError(
                f"max_steps: got {self.max_steps}, but epochs is {self.epochs}: give only one"
            )
        if self.method == "sft":
            strange = sorted(self.model_fields_set & OF_DPO)
            # A spec that was resolved before has all fields, with their defaults.
            for name in strange:
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(f"{name}: only for dpo, not for sft: leave it out")
        if self.base_adapter is not None and self.adapter != "lora":
            raise ValueError(
                f"adapter: got {self.adapter!r} with base_adapter: must be lora to continue its "
                "training"
            )
        if self.lora is not None and (self.adapter != "lora" or self.base_adapter is not None):
            raise ValueError(
                "lora: only for a new adapter: set adapter to lora and leave out base_adapter"
            )
        if self.reference_model is not None and (
            self.reference != "base" or self.adapter != "none"
        ):
            raise ValueError(
                "reference_model: only with reference: base and adapter: none (an adapter's base "
                "is base_model itself)"
            )
        return self

    def resolved(self) -> TrainingSpec:
        """This spec with defaults that depend on other fields filled in and folders absolute."""
        updates: dict[str, object] = {"dataset": str(Path(self.dataset).expanduser().resolve())}
        if self.epochs is None and self.max_steps is None:
            updates["epochs"] = 1.0
        if self.adapter == "lora" and self.base_adapter is None and self.lora is None:
            updates["lora"] = LoraSpec()
        for name in ("base_model", "base_adapter", "reference_model"):
            value = getattr(self, name)
            if value is not None and Path(value).expanduser().is_dir():
                updates[name] = str(Path(value).expanduser().resolve())
        return self.model_copy(update=updates)


def load_spec(path: Path) -> TrainingSpec:
    """Read, validate and resolve a spec.

    Args:
        path: a YAML file, or a JSON file named *.json.

    Raises:
        SpecError: the file cannot be read, a field is wrong, or a folder it names is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # YAML is nearly a superset of JSON, but refuses tabs.
        raw = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot read the spec {path}: {error}") from error
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        place = " ".join(str(error).split())
        raise SpecError(f"{path} is neither YAML nor JSON: {place}") from error
    if not isinstance(raw, dict):
        raise SpecError(f"{path}: got {type(raw).__name__}, must be a mapping of spec fields")
    return check_spec(raw)


def check_spec(raw: Mapping[str, object]) -> TrainingSpec:
    """Validate and resolve the fields of a spec.

    Raises:
        SpecError: a field is wrong, or a folder it names is missing.
    """
    try:
        spec = TrainingSpec.model_validate(raw)
    except ValidationError as error:
        raise SpecError("; ".join(_describe(detail) for detail in error.errors())) from error
    spec = spec.resolved()
    _check_folders(spec)
    return spec


def _describe(detail: ErrorDetails) -> str:
    """One pydantic error as "field: got VALUE: what would be right"."""
    names = [part for part in detail["loc"] if isinstance(part, str)]
    field = ".".join(names)
    if detail["type"] == "extra_forbidden":
        known = _fields_at(names[:-1])
        near = difflib.get_close_matches(names[-1], known, n=1, cutoff=0.5)
        hint = (
            f"did you mean {near[0]}?" if near else f"valid fields are {', '.join(sorted(known))}"
        )
        return f"{field}: unknown field: {hint}"
    if detail["type"] == "missing":
        description = TrainingSpec.model_fields[names[-1]].description
        return f"{field}: missing: {description}"
    if detail["type"] == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    value = json.dumps(detail["input"], default=str, ensure_ascii=False)
    shown = value if len(value) <= 80 else value[:77] + "..."
    message = detail["msg"].removeprefix("Input ")
    return f"{field}: got {shown}: {message}"


def _fields_at(names: list[str]) -> list[str]:
    """The fields that the model at the end of `names` has."""
    model: type[BaseModel] = TrainingSpec
    for name in names:
        annotation = model.model_fields[name].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(model.model_fields)


def _check_folders(spec: TrainingSpec) -> None:
    marker = {"base_model": "config.json", "base_adapter": "adapter_config.json"}
    for name in ("base_model", "base_adapter", "reference_model"):
        value = getattr(spec, name)
        if value is not None:
            _check_model(name, value, marker.get(name, "config.json"))
    folder = Path(spec.dataset)
    if not folder.is_dir():
        raise SpecError(
            f"dataset: got {spec.dataset!r}: there is no such folder; give the folder of a "
            "dataset version"
        )
    if not (folder / "train.parquet").is_file():
        raise SpecError(f"dataset: got {spec.dataset!r}: train.parquet is missing in it")


def _check_model(field: str, value: str, marker: str) -> None:
    """Refuse a folder that is not there; a bare or two-part name may be one on the hub."""
    folder = Path(value).expanduser()
    if folder.is_dir():
        if not (folder / marker).is_file():
            raise SpecError(f"{field}: got {value!r}: {marker} is missing in that folder")
        return
    if value.startswith((".", "~", os.sep)) or value.count("/") > 1 or folder.exists():
        raise SpecError(
            f"{field}: got {value!r}: there is no such folder; give a model folder or a hub name"
        )
