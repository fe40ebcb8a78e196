"""Base models are looked over before they are registered; code of theirs needs an admin."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from pytest_django import Settings

from corpus.errors import ModelNotAllowedError
from corpus.models import ModelRegistration, ModelVersion
from corpus.registry import launch_registration, look_over, register_base_model
from inference.errors import ModelLoadError
from inference.hub import HubUnreachableError
from inference.inspection import RemoteCodeError, inspect_model
from inference.sandbox import MODEL_PATH
from inference.sources import load_tokenizer
from jobs.models import JobState
from jobs.runner import run_job
from tests.builders import Cast, make_cast
from tests.hub import unreachable_hub

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sandbox model."""
    return Path(shutil.copytree(MODEL_PATH, tmp_path / "models" / "mine"))


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_folder_tells_what_it_holds(folder: Path) -> None:
    facts = inspect_model(str(folder))
    assert facts.architecture == "LlamaForCausalLM"
    assert (facts.context_tokens, facts.vocabulary) == (512, 1000)
    assert facts.parameters == 1_109_120
    assert facts.weight_bytes > 2 * facts.parameters
    assert (facts.dtype, facts.needs_remote_code) == ("float16", False)


def test_the_context_of_a_composite_model_is_that_of_its_text_part(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["text_config"] = {"max_position_embeddings": config.pop("max_position_embeddings")}
    path.write_text(json.dumps(config))
    assert inspect_model(str(folder)).context_tokens == 512


def test_pickled_weights_are_refused(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelLoadError, match=r"pickle files next to its weights \(pytorch_model.b"):
        inspect_model(str(folder))
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelLoadError, match="convert them to safetensors"):
        inspect_model(str(folder))


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda folder: (folder / "config.json").unlink(), "does not name an architecture"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json|JSON"),
        (lambda folder: change_config(folder, architectures=[]), "does not name an architecture"),
        (lambda folder: (folder / "chat_template.jinja").unlink(), "no chat template"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"no weights"),
            "not a readable safetensors",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    folder: Path,
    spoil: object,
    complaint: str,
) -> None:
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(ModelLoadError, match=complaint):
        inspect_model(str(folder))


def test_what_is_no_folder_and_no_hub_name_is_refused() -> None:
    with pytest.raises(ModelLoadError, match="not a valid hub name either"):
        inspect_model("no such model!")


def test_without_a_hub_it_is_said_at_once_what_was_looked_for_and_what_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = "'org/model' cannot be looked up .*HF_HUB_OFFLINE is set.* give its path"
    with pytest.raises(HubUnreachableError, match=said):
        inspect_model("org/model")

    address = unreachable_hub(monkeypatch)
    for look in (inspect_model, load_tokenizer):
        started = time.monotonic()
        with pytest.raises(HubUnreachableError) as refused:
            look("org/model")
        said = str(refused.value)
        assert f"{address} cannot be reached from this machine" in said
        assert "in a local folder works" in said
        assert "Errno" not in said
        # The loaders themselves go on trying for a minute.
        assert time.monotonic() - started < 20


def test_a_registered_folder_keeps_what_was_found(cast: Cast, folder: Path) -> None:
    model = register_base_model(cast.project, str(folder), name="mine")
    assert (model.kind, model.name, model.context_tokens) == ("base", "mine", 512)
    assert model.facts["parameters"] == 1_109_120
    assert len(model.weights_sha256) == 64
    assert register_base_model(cast.project, str(folder), name="mine").pk == model.pk


def test_code_of_the_model_runs_only_by_recorded_consent(cast: Cast, folder: Path) -> None:
    change_config(folder, auto_map={"AutoConfig": "configuration_mine.MineConfig"})
    with pytest.raises(RemoteCodeError, match="consent of an admin"):
        register_base_model(cast.project, str(folder))
    assert not ModelVersion.objects.exists()

    model = register_base_model(cast.project, str(folder), consent_by=cast.carol)
    assert model.trust_remote_code
    assert model.remote_code_consent_by == cast.carol
    assert model.remote_code_consent_at is not None


def test_consent_to_a_model_without_code_is_not_kept(cast: Cast, folder: Path) -> None:
    model = register_base_model(cast.project, str(folder), consent_by=cast.carol)
    assert not model.trust_remote_code
    assert model.remote_code_consent_by is None


def test_no_row_can_trust_code_without_a_consent(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.create(
            project=cast.project, name="sly", kind="base", trust_remote_code=True
        )


def test_a_worker_registers_what_was_asked_for_in_the_browser(
    cast: Cast, folder: Path, settings: Settings
) -> None:
    settings.MODELS_FOLDERS = [str(folder.parent)]
    job = launch_registration(
        project=cast.project, location=str(folder), name="mine", created_by=cast.dan
    )
    done = run_job(ModelRegistration, job.pk, look_over)
    assert done is not None
    assert (done.state, done.error) == (JobState.SUCCEEDED, "")
    assert done.model_version == ModelVersion.objects.get(name="mine")


def test_a_worker_says_why_a_model_was_not_registered(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable_hub(monkeypatch)
    job = launch_registration(project=cast.project, location="org/model", created_by=cast.dan)
    done = run_job(ModelRegistration, job.pk, look_over)
    assert done is not None
    assert done.state == JobState.FAILED
    assert "cannot be reached from this machine" in done.error


def test_what_no_worker_could_register_is_refused_in_the_browser(cast: Cast) -> None:
    for location, said in (
        ("org/model", "HF_HUB_OFFLINE is set"),
        ("no such!", "not a valid hub name"),
    ):
        with pytest.raises(ModelNotAllowedError, match=said):
            launch_registration(project=cast.project, location=location, created_by=cast.dan)
    assert not ModelRegistration.objects.exists()


@pytest.mark.parametrize("where", ["/etc", "~/secrets", "../../etc", "inference/sandbox/model"])
def test_a_folder_elsewhere_cannot_be_registered_from_the_browser(cast: Cast, where: str) -> None:
    with pytest.raises(ModelNotAllowedError, match="is not inside a model folder"):
        launch_registration(project=cast.project, location=where, created_by=cast.dan)
    assert not ModelRegistration.objects.exists()


def test_a_link_does_not_lead_out_of_the_models_folder(
    cast: Cast, folder: Path, settings: Settings
) -> None:
    settings.MODELS_FOLDERS = [str(folder.parent)]
    (folder.parent / "way-out").symlink_to("/etc")
    with pytest.raises(ModelNotAllowedError):
        launch_registration(
            project=cast.project, location=str(folder.parent / "way-out"), created_by=cast.dan
        )


def test_the_command_registers_and_refuses(
    cast: Cast, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("register_model", cast.project.slug, str(folder), "--name", "mine", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["model"], report["context_tokens"]) == ("mine", 512)

    for wrong, complaint in (
        (["nowhere", str(folder)], "no project 'nowhere'"),
        ([cast.project.slug, "org/model"], "HF_HUB_OFFLINE is set"),
        ([cast.project.slug, str(folder), "--consent-by", "dan"], "'dan' is not a superuser"),
    ):
        with pytest.raises(SystemExit) as ended:
            call_command("register_model", *wrong)
        assert ended.value.code == 2
        assert complaint in capsys.readouterr().err
