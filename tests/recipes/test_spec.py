"""A spec says what is wrong by the name of the field, in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.recipes.builders import rows, write_dataset
from training.recipes.spec import HardwareSpec, LoraSpec, SpecError, TrainingSpec, load_spec


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    """A model folder, as far as a spec looks into it, and a dataset folder."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    dataset = write_dataset(tmp_path / "data", train=rows(1))
    return {"method": "dpo", "base_model": str(model), "dataset": str(dataset)}


def write(tmp_path: Path, content: dict[str, Any]) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(content))
    return path


def refusal(tmp_path: Path, content: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as caught:
        load_spec(write(tmp_path, content))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_minimal_spec_gets_every_default(tmp_path: Path, folders: dict[str, str]) -> None:
    spec = load_spec(write(tmp_path, folders))
    assert (spec.epochs, spec.max_steps, spec.beta, spec.lora) == (1.0, None, 0.1, None)
    assert spec.hardware == HardwareSpec()


def test_yaml_is_read_and_its_floats_without_a_point_too(
    tmp_path: Path, folders: dict[str, str]
) -> None:
    lines = [f"{name}: {value}" for name, value in folders.items()]
    path = tmp_path / "spec.yaml"
    path.write_text("\n".join([*lines, "learning_rate: 5e-7", "lora: {r: 4}", "adapter: lora"]))
    spec = load_spec(path)
    assert spec.learning_rate == 5e-7
    assert spec.lora == LoraSpec(r=4)


def test_a_resolved_spec_reads_back_as_itself(tmp_path: Path, folders: dict[str, str]) -> None:
    spec = load_spec(write(tmp_path, folders | {"adapter": "lora"}))
    assert spec.lora == LoraSpec()
    assert load_spec(write(tmp_path, spec.model_dump(mode="json"))) == spec


def test_folders_become_absolute(
    tmp_path: Path, folders: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = load_spec(write(tmp_path, folders | {"base_model": "model", "dataset": "data"}))
    assert (spec.base_model, spec.dataset) == (folders["base_model"], folders["dataset"])


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"learning_rat": 1}, ["learning_rat: unknown field", "did you mean learning_rate?"]),
        ({"lora": {"rank": 8}, "adapter": "lora"}, ["lora.rank: unknown field", "r"]),
        ({"hardware": {"thread": 1}}, ["hardware.thread", "did you mean threads?"]),
        ({"beta": -1}, ["beta: got -1", "greater than 0"]),
        ({"learning_rate": "fast"}, ['learning_rate: got "fast"', "number"]),
        ({"loss": "hinge"}, ['loss: got "hinge"', "'sigmoid'"]),
        ({"learning_rate": float("nan")}, ["learning_rate: got NaN", "finite"]),
        ({"epochs": 1, "max_steps": 5}, ["max_steps: got 5", "only one"]),
        ({"base_adapter": "some/adapter"}, ["adapter: got 'none'", "lora"]),
        ({"lora": {}}, ["lora: only for a new adapter"]),
        ({"reference_model": "some/model"}, ["reference_model", "reference: base"]),
        ({"base_model": "./nowhere"}, ["base_model: got './nowhere'", "no such folder"]),
        ({"base_model": "/a/b/c"}, ["base_model: got '/a/b/c'", "no such folder"]),
        ({"dataset": "nowhere"}, ["dataset: got", "nowhere", "no such folder"]),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_would_be_right(
    tmp_path: Path, folders: dict[str, str], fields: dict[str, Any], parts: list[str]
) -> None:
    message = refusal(tmp_path, folders | fields)
    assert [part for part in parts if part not in message] == []


def test_all_wrong_fields_are_named_at_once(tmp_path: Path, folders: dict[str, str]) -> None:
    message = refusal(tmp_path, folders | {"beta": 0, "batch_size": 0})
    assert "beta: got 0" in message
    assert "batch_size: got 0" in message


def test_a_missing_field_is_explained(tmp_path: Path, folders: dict[str, str]) -> None:
    del folders["dataset"]
    assert "dataset: missing: Folder of a dataset version" in refusal(tmp_path, folders)


def test_a_dataset_without_training_rows_file_is_refused(
    tmp_path: Path, folders: dict[str, str]
) -> None:
    (Path(folders["dataset"]) / "train.parquet").unlink()
    assert "train.parquet is missing" in refusal(tmp_path, folders)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, folders: dict[str, str]) -> None:
    assert "config.json is missing" in refusal(
        tmp_path, folders | {"base_model": folders["dataset"]}
    )


def test_a_hub_name_is_left_to_the_hub(tmp_path: Path, folders: dict[str, str]) -> None:
    name = "organisation/some-model"
    assert load_spec(write(tmp_path, folders | {"base_model": name})).base_model == name


@pytest.mark.parametrize(
    ("content", "part"), [("- a\n- b", "mapping"), ("a: [", "neither YAML nor JSON")]
)
def test_a_file_that_is_no_spec_is_refused(tmp_path: Path, content: str, part: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(content)
    with pytest.raises(SpecError, match=part):
        load_spec(path)


def test_json_may_be_indented_with_tabs(tmp_path: Path, folders: dict[str, str]) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(folders, indent="\t"))
    assert load_spec(path).dataset == folders["dataset"]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read the spec"):
        load_spec(tmp_path / "none.yaml")


def test_every_field_is_described() -> None:
    models: list[type[BaseModel]] = [TrainingSpec, LoraSpec, HardwareSpec]
    fields = [(name, field) for model in models for name, field in model.model_fields.items()]
    assert len(fields) > 30
    assert [name for name, field in fields if not field.description] == []


def test_the_documentation_names_every_field() -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    nested: dict[str, type[BaseModel]] = {"lora": LoraSpec, "hardware": HardwareSpec}
    names = [name for name in TrainingSpec.model_fields if name != "hardware"]
    names += [f"{prefix}.{name}" for prefix, model in nested.items() for name in model.model_fields]
    assert len(names) > 30
    assert [name for name in names if f"| `{name}` |" not in text] == []
