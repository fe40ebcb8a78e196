"""Which folders the transformers engine opens, and how it refuses the others."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from inference.engine import Choice, Sampling
from inference.errors import BadRequestError, ModelLoadError
from inference.transformers_engine import TransformersEngine
from tests.inference.conversations import ask, eight_questions

OPTIONS = ("A", "B")


def choices(model: Path | str, **options: Any) -> list[Choice]:
    with TransformersEngine(str(model), **options) as engine:
        return engine.choose(eight_questions(), OPTIONS)


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model to be spoilt."""
    return shutil.copytree(tiny_model, tmp_path / "copy")


@pytest.fixture
def adapter(tiny_model: Path, tmp_path: Path) -> Path:
    """A LoRA adapter of the tiny model whose weights are not zero."""
    from peft import LoraConfig, get_peft_model

    from_pretrained: Any = AutoModelForCausalLM.from_pretrained
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        wrapped = get_peft_model(from_pretrained(tiny_model), config)
    wrapped.save_pretrained(str(tmp_path / "adapter"))
    return tmp_path / "adapter"


def test_importing_the_package_leaves_torch_out() -> None:
    script = (
        "import sys, inference, inference.registry, inference.transformers_engine, "
        "inference.scripted, inference.weights; "
        "inference.registry.open_engine('scripted', 'hash'); "
        "print(sorted({'torch', 'transformers', 'peft', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["/nowhere/at/all", "no/such/folder", "../no-such-folder"])
def test_a_missing_folder_is_named(name: str) -> None:
    with pytest.raises(ModelLoadError, match=f"no model folder '{name}'"):
        TransformersEngine(name)


def test_a_hub_name_that_is_not_there_is_a_load_error() -> None:
    with pytest.raises(ModelLoadError, match="concord-tests/no-such-model"):
        TransformersEngine("concord-tests/no-such-model")


def test_pickled_weights_are_refused_unread(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(b"never to be unpickled")
    with pytest.raises(ModelLoadError, match=r"only pickled weights \(pytorch_model.bin\)"):
        TransformersEngine(str(copy))


def test_damaged_weights_are_a_load_error(copy: Path) -> None:
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelLoadError, match="could not be loaded"):
        TransformersEngine(str(copy))


def test_missing_weights_are_not_made_up(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelLoadError, match=r"is missing the weights .*layers\.1\.mlp\.up_proj"):
        TransformersEngine(str(copy))


def test_a_model_without_a_chat_template_is_refused(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(ModelLoadError, match="has no chat template"):
        TransformersEngine(str(copy))


def test_a_template_that_refuses_a_conversation_is_a_bad_request(copy: Path) -> None:
    (copy / "chat_template.jinja").write_text("{{ raise_exception('never') }}")
    with (
        TransformersEngine(str(copy)) as engine,
        pytest.raises(BadRequestError, match="rejects request 0: never"),
    ):
        engine.generate([ask("A or B?")], Sampling(max_tokens=1))


def test_a_tokenizer_larger_than_its_model_is_refused(copy: Path) -> None:
    settings = json.loads((copy / "tokenizer.json").read_text())
    token = {**settings["added_tokens"][0], "id": 320, "content": "<|more|>"}
    settings["added_tokens"].append(token)
    (copy / "tokenizer.json").write_text(json.dumps(settings))
    with pytest.raises(ModelLoadError, match="has 321 tokens, its model only 320"):
        TransformersEngine(str(copy))


def test_a_models_own_sampling_defaults_change_nothing(tiny_model: Path, copy: Path) -> None:
    defaults = json.loads((copy / "generation_config.json").read_text())
    defaults |= {"repetition_penalty": 5.0, "do_sample": True, "top_k": 1, "temperature": 3.0}
    (copy / "generation_config.json").write_text(json.dumps(defaults))
    sampling = Sampling(max_tokens=12, temperature=0)
    with TransformersEngine(str(tiny_model)) as plain, TransformersEngine(str(copy)) as biased:
        expected = plain.generate(eight_questions(), sampling)
        assert biased.generate(eight_questions(), sampling) == expected


def test_half_precision_weights_are_computed_in_float32_on_a_cpu(copy: Path) -> None:
    weights = {name: one.half() for name, one in load_file(copy / "model.safetensors").items()}
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(settings | {"dtype": "float16"}))
    exact = choices(copy, device="cpu", dtype="float32")
    assert choices(copy, device="cpu") == exact
    assert choices(copy, device="cpu", dtype="bfloat16") != exact


def test_an_adapter_is_put_on_its_base(tiny_model: Path, adapter: Path) -> None:
    merged: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
    from peft import PeftModel

    expected_folder = adapter.parent / "merged"
    shutil.copytree(tiny_model, expected_folder)
    PeftModel.from_pretrained(merged, str(adapter)).merge_and_unload().save_pretrained(
        expected_folder
    )
    expected = choices(expected_folder)
    assert expected != choices(tiny_model)
    for opened in (choices(tiny_model, adapter=str(adapter)), choices(adapter)):
        for one, other in zip(opened, expected, strict=True):
            assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def test_a_base_beside_its_adapter_is_found(
    tiny_model: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = choices(adapter)
    shutil.copytree(tiny_model, adapter.parent / "base")
    settings = json.loads((adapter / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = "../base"
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    monkeypatch.chdir("/")
    assert choices(adapter) == expected


def test_an_adapter_of_pickles_is_refused(tiny_model: Path, adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").unlink()
    (adapter / "adapter_model.bin").write_bytes(b"never to be unpickled")
    with pytest.raises(ModelLoadError, match=r"only pickled weights \(adapter_model.bin\)"):
        TransformersEngine(str(tiny_model), adapter=str(adapter))


def test_an_adapter_that_lacks_weights_is_refused(tiny_model: Path, adapter: Path) -> None:
    weights = load_file(adapter / "adapter_model.safetensors")
    kept = {name: one for name, one in weights.items() if "layers.0" in name}
    assert 0 < len(kept) < len(weights)
    save_file(kept, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelLoadError, match="missing adapter keys"):
        TransformersEngine(str(tiny_model), adapter=str(adapter))


def test_a_folder_that_is_no_adapter_is_refused(tiny_model: Path, adapter: Path) -> None:
    with pytest.raises(ModelLoadError, match="is not an adapter folder"):
        TransformersEngine(str(tiny_model), adapter=str(tiny_model))
    with pytest.raises(ModelLoadError, match="is an adapter itself"):
        TransformersEngine(str(adapter), adapter=str(adapter))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"device": "no-such-device"}, "no-such-device"),
        ({"dtype": "int3"}, "dtype 'int3' is unknown"),
    ],
)
def test_what_the_machine_lacks_is_a_load_error(
    tiny_model: Path, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ModelLoadError, match=complaint):
        TransformersEngine(str(tiny_model), **options)


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"threads": 0}])
def test_counts_below_one_are_refused(tiny_model: Path, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError, match="at least 1"):
        TransformersEngine(str(tiny_model), **options)


def test_a_closed_engine_answers_no_more(tiny_model: Path) -> None:
    engine = TransformersEngine(str(tiny_model))
    engine.close()
    with pytest.raises(BadRequestError, match="is closed"):
        engine.choose([ask("A or B?")], OPTIONS)


def test_logits_that_are_no_numbers_are_reported(copy: Path) -> None:
    from inference.errors import InferenceError

    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"].fill_(torch.nan)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with TransformersEngine(str(copy)) as engine:
        with pytest.raises(InferenceError, match="request 0 are not finite"):
            engine.choose([ask("A or B?")], OPTIONS)
        with pytest.raises(InferenceError, match="request 0 are not finite"):
            engine.generate([ask("A or B?")], Sampling(max_tokens=2))
