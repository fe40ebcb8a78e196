"""Critique and revision under “be polite”, and SFT on what comes of it, by the ground truth.

    python -m benchmarks.critique [--engine vllm] [--prompts 240] [--rounds 4] [--seed 0]

The sandbox model answers prompts, criticises and revises its answers; the sandbox world's own
lexicon says what is polite, never a model. Then the model is trained on its revisions (SFT) and
answers 200 fresh prompts. `ratio` is the run's chains per second against handing the very same
requests to the engine in one call. On a scratch database. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
django.setup()

from django.conf import settings  # noqa: E402

from benchmarks.scratch import scratch_database  # noqa: E402
from constitution.models import Chain, RevisionRun  # noqa: E402
from constitution.revision.runner import revise_with  # noqa: E402
from constitution.services import launch_revision_run  # noqa: E402
from corpus.imports.prompt_files import import_prompts  # noqa: E402
from corpus.models import ModelVersion, Project  # noqa: E402
from corpus.registry import location_of, sandbox_model  # noqa: E402
from exports.services import SftFilters, freeze_sft  # noqa: E402
from inference.engine import Engine, Generation, Request, Sampling  # noqa: E402
from inference.registry import open_engine  # noqa: E402
from inference.sandbox import MODEL_PATH  # noqa: E402
from inference.sandbox.world import is_polite, training_requests  # noqa: E402
from jobs.models import JobState  # noqa: E402
from jobs.runner import run_job  # noqa: E402
from training.models import TrainingRun  # noqa: E402
from training.rounds.demo import share_satisfying  # noqa: E402
from training.rounds.sample import publish_sandbox_constitution  # noqa: E402
from training.runs.runner import train  # noqa: E402
from training.runs.services import launch_training  # noqa: E402

SFT: dict[str, Any] = {
    "method": "sft",
    "learning_rate": 5e-4,
    "epochs": 3,
    "batch_size": 16,
    "max_length": 256,
}


class Recording:
    """An engine that remembers what it was asked."""

    def __init__(self, engine: Engine) -> None:
        self.name, self.model = engine.name, engine.model
        self.batch_requests = engine.batch_requests
        self.asked: list[Request] = []
        self._engine = engine

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Generation]:
        self.asked += requests
        self.sampling = sampling
        return self._engine.generate(requests, sampling)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.critique")
    parser.add_argument("--engine", default="vllm", choices=("vllm", "transformers"))
    parser.add_argument("--prompts", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, scratch_database():
        settings.DATASETS_FOLDER = Path(folder) / "datasets"
        settings.RUNS_FOLDER = Path(folder) / "runs"
        print(json.dumps(measure(Path(folder), asked)))


def measure(folder: Path, asked: argparse.Namespace) -> dict[str, object]:
    project = prompts_of(folder, asked.prompts, asked.seed)
    model = sandbox_model(project)
    run = launch_revision_run(
        project=project,
        constitution_version=publish_sandbox_constitution(project, ("polite",)),
        model_version=model,
        engine=asked.engine,
        rounds=asked.rounds,
        seed=asked.seed,
        start=False,
    )
    with open_engine(asked.engine, str(MODEL_PATH)) as engine:
        recording = Recording(engine)
        started = time.monotonic()
        run_job(RevisionRun, run.pk, lambda context: revise_with(context, recording))  # type: ignore[arg-type]
        seconds = time.monotonic() - started
        started = time.monotonic()
        engine.generate(recording.asked, recording.sampling)
        raw = time.monotonic() - started
    run.refresh_from_db()
    if run.state != JobState.SUCCEEDED:
        raise RuntimeError(f"{run}: {run.state}: {run.error}")
    rude, mended = count(run)
    before, after = share_of(model), share_of(trained_on(run))
    return {
        "engine": asked.engine,
        "prompts": asked.prompts,
        "rounds": asked.rounds,
        "requests": len(recording.asked),
        "rude_before": rude,
        "polite_after": mended,
        "mended": round(mended / rude, 3),
        "chains_per_second": round(asked.prompts / seconds, 2),
        "ratio": round(raw / seconds, 3),
        "polite_share_before_sft": before,
        "polite_share_after_sft": after,
    }


def prompts_of(folder: Path, count: int, seed: int) -> Project:
    requests = training_requests(random.Random(seed))
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts[next(requests).text] = None
    path = folder / "prompts.txt"
    path.write_text("\n".join(texts) + "\n")
    import_prompts(slug="bench", path=path)
    return Project.objects.get(slug="bench")


def count(run: RevisionRun) -> tuple[int, int]:
    """Rude initial answers, and how many of them ended polite."""
    rude = mended = 0
    for chain in Chain.objects.filter(run=run).prefetch_related("revisions"):
        if is_polite(chain.initial):
            continue
        rude += 1
        made = [step.after for step in chain.revisions.all() if step.after]
        mended += is_polite(made[-1]) if made else 0
    return rude, mended


def trained_on(run: RevisionRun) -> ModelVersion:
    dataset = freeze_sft(
        project=run.project,
        name="polite",
        filters=SftFilters(runs=(run.pk,), untouched=True, validation=0.1, test=0.0),
    )
    training = launch_training(
        project=run.project,
        dataset=dataset,
        base_model=run.model_version,
        parameters=SFT,
        start=False,
    )
    run_job(TrainingRun, training.pk, train)
    training.refresh_from_db()
    if training.result_model is None:
        raise RuntimeError(f"{training}: {training.state}: {training.error}")
    return training.result_model


def share_of(model: ModelVersion) -> float:
    with open_engine("transformers", location_of(model)) as engine:
        return share_satisfying(engine, seed=5)


if __name__ == "__main__":
    main()
