"""`manage.py train` and `evaluate`: specs, exit statuses, and what they print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.training.builders import QUICK, Workshop, make_workshop
from training.models import Evaluation, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path)


def write_spec(folder: Path, workshop: Workshop, **changes: Any) -> str:
    path = folder / "spec.json"
    fields = {
        "method": "dpo",
        "dataset": workshop.dataset.sha256,
        "base_model": workshop.base_model.name,
        **QUICK,
        **changes,
    }
    path.write_text(json.dumps(fields))
    return str(path)


@pytest.mark.slow
def test_a_run_that_is_waited_for_prints_its_model_and_counts(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("train", write_spec(tmp_path, workshop), "--wait", "--json")
    report = json.loads(capsys.readouterr().out)

    assert report["state"] == "succeeded"
    assert report["model"] == "dpo-1"
    assert report["max_length"] == 64
    assert report["truncated"] == {"train": 0, "validation": 0}
    assert report["heldout"]["n"] == workshop.heldout_pairs

    call_command(
        "evaluate", "dpo-1", "--dataset", report["dataset"], "--split", "validation", "--json"
    )
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["accuracy"] == report["heldout"]["after"]["accuracy"]
    assert Evaluation.objects.filter(model_version__name="dpo-1").count() == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rat": 1e-3}, "did you mean learning_rate"),
        ({"beta": "much"}, "beta"),
        ({"dataset": "0" * 64}, "no dataset version"),
        ({"base_model": "/no/such/folder"}, "base_model"),
        ({"base_model": 5}, "base_model"),
        ({"project": "elsewhere"}, "no project"),
    ],
)
def test_a_wrong_spec_is_one_clear_line_and_nothing_stored(
    workshop: Workshop,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("train", write_spec(tmp_path, workshop, **changes))

    assert ended.value.code == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert len(said.splitlines()) == 1
    assert TrainingRun.objects.count() == 0


def test_a_spec_that_is_no_mapping_or_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "list.yaml"
    listed.write_text("- 1")
    for path in (listed, tmp_path / "missing.yaml"):
        with pytest.raises(SystemExit) as ended:
            call_command("train", str(path))
        assert ended.value.code == 2
        assert path.name in capsys.readouterr().err
