"""What a worker does for a training run: start the trainer, follow its files, record the result.

The trainer lives in a session of its own. A worker that dies leaves it running; whoever takes the
job up again finds it by process id and start time and goes on following, or starts a new one
that resumes from the last checkpoint.
"""

from __future__ import annotations

import itertools
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from corpus.models import ModelVersion
from corpus.registry import location_for, root_of
from exports.errors import UnknownDatasetError
from exports.models import DatasetVersion
from exports.verifying import verify
from jobs.errors import (
    JobCancelled,
    LeaseLost,
    PermanentJobError,
    TransientJobError,
    WorkerStopping,
)
from jobs.models import JobState
from jobs.process import KnownProcess
from jobs.runner import JobContext
from jobs.services import assert_lease
from training.errors import BadSpecError
from training.models import Evaluation, TrainingMetric, TrainingRun
from training.recipes.spec import TrainingSpec
from training.runs.process import start_trainer
from training.runs.services import resolve_spec

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
SILENT_SECONDS = 600.0
"""A trainer whose heartbeat file is older than this hangs (loading a large model beats too)."""
STOP_GRACE_SECONDS = 120.0
SHUTDOWN_GRACE_SECONDS = 3.0


def train(context: JobContext[TrainingRun]) -> None:
    """The work of a TrainingRun. May be killed at any time and taken up again."""
    run = context.job
    run.folder.mkdir(parents=True, exist_ok=True)
    spec = _spec_of(run)
    trainer = _adopt(run) or _start(run, spec)
    metrics = MetricsFile(run)
    try:
        _follow(context, trainer, metrics)
    except LeaseLost:
        raise  # the trainer belongs to the worker that took the job over
    except JobCancelled:
        # A trainer that was done before it heard of the cancelling has succeeded.
        _stop(run, trainer, STOP_GRACE_SECONDS)
    except WorkerStopping:
        _stop(run, trainer, SHUTDOWN_GRACE_SECONDS)
        _forget_interruption(run)
        raise
    metrics.ingest()
    _record(context)


def _forget_interruption(run: TrainingRun) -> None:
    """Leave the folder as a trainer that was killed leaves it: to be resumed by the next."""
    (run.folder / "cancel").unlink(missing_ok=True)
    if _read_result(run.folder).get("status") == "cancelled":
        (run.folder / "result.json").unlink()


def _spec_of(run: TrainingRun) -> TrainingSpec:
    dataset = DatasetVersion.objects.get(pk=run.dataset_id)
    try:
        return resolve_spec(
            dataset=dataset,
            base_model=run.base_model,
            parameters=run.spec,
            reference_model=run.reference_model,
        )
    except BadSpecError as error:
        raise PermanentJobError(str(error)) from error


def _trainer_of(run: TrainingRun) -> KnownProcess | None:
    if run.process_id is None or run.process_started_at is None:
        return None
    return KnownProcess(run.process_host, run.process_id, run.process_started_at)


def _adopt(run: TrainingRun) -> KnownProcess | None:
    """The trainer that an earlier worker started, if it lives."""
    trainer = _trainer_of(run)
    if trainer is None:
        return None
    if not trainer.is_here():
        if _silent_for(run.folder) < SILENT_SECONDS and not (run.folder / "result.json").exists():
            raise TransientJobError(
                f"The trainer runs on {trainer.host}; its worker is no longer running."
            )
        return None
    # A trainer that ended while nobody followed has left its result: it is followed to its end.
    finished = (run.folder / "result.json").exists()
    return trainer if trainer.is_alive() or finished else None


def _start(run: TrainingRun, spec: TrainingSpec) -> KnownProcess:
    _refuse_tampered(run.dataset)
    (run.folder / "cancel").unlink(missing_ok=True)
    (run.folder / "result.json").unlink(missing_ok=True)
    spec_file = run.folder / "spec.json"
    spec_file.write_text(spec.model_dump_json(indent=2))
    trainer = start_trainer(
        f"training.recipes.{run.method}",
        spec_file,
        run.folder,
        processes=spec.hardware.processes,
        on_cpu=bool(spec.hardware.use_cpu),
    )
    TrainingRun.objects.filter(pk=run.pk, lease_token=run.lease_token).update(
        process_host=trainer.host,
        process_id=trainer.pid,
        process_started_at=trainer.started_at,
    )
    return trainer


def _follow(context: JobContext[TrainingRun], trainer: KnownProcess, metrics: MetricsFile) -> None:
    """Until the trainer has ended; metrics are ingested on the way."""
    run = context.job
    while trainer.is_alive():
        context.checkpoint()
        last = metrics.ingest()
        if last is not None:
            loss = "" if last.loss is None else f"loss {last.loss:.4f}"
            context.report(last.step, last.total_steps, loss)
        if _silent_for(run.folder) > SILENT_SECONDS:
            trainer.kill()
            raise TransientJobError(
                f"The training process did not respond for {SILENT_SECONDS:.0f} s."
            )
        time.sleep(POLL_SECONDS)


def _stop(run: TrainingRun, trainer: KnownProcess, grace_seconds: float) -> None:
    """Ask through the cancel file; force when that is not heard in time."""
    (run.folder / "cancel").touch()
    deadline = time.monotonic() + grace_seconds
    while trainer.is_alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    trainer.kill()


def _silent_for(folder: Path) -> float:
    heartbeat = folder / "heartbeat"
    newest = heartbeat if heartbeat.exists() else folder
    return time.time() - newest.stat().st_mtime


@dataclass(frozen=True, slots=True)
class LastMetric:
    step: int
    total_steps: int | None
    loss: float | None


def _refuse_tampered(dataset: DatasetVersion) -> None:
    """No model is made of rows that are not those its lineage names."""
    try:
        found = verify(dataset.sha256)
    except UnknownDatasetError as error:
        raise PermanentJobError(f"dataset: {error}") from error
    if not found.ok:
        raise PermanentJobError(f"dataset: {dataset} was modified: {found.reason}")


class MetricsFile:
    """A run's metrics file, taken into the database as it grows.

    Lines are upserted by step, so that reading twice and the steps that a resumed run repeats do
    no harm. A last line that is not finished is left for the next time. A line that names no step
    stops no training: it is left out, and the log says so.
    """

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self.read_bytes = 0

    def ingest(self) -> LastMetric | None:
        """Take the new lines; what the last of them says, None without any."""
        path = self.run.folder / "metrics.jsonl"
        if not path.exists():
            return None
        with path.open("rb") as file:
            file.seek(self.read_bytes)
            fresh = file.read()
        complete = fresh[: fresh.rfind(b"\n") + 1]
        self.read_bytes += len(complete)
        rows = [self._row(line) for line in complete.splitlines()]
        by_step = {row["step"]: row for row in rows if row is not None}
        TrainingMetric.objects.bulk_create(
            [
                TrainingMetric(run=self.run, step=step, values=values)
                for step, values in by_step.items()
            ],
            update_conflicts=True,
            unique_fields=["run", "step"],
            update_fields=["values"],
        )
        if not by_step:
            return None
        last = by_step[max(by_step)]
        return LastMetric(last["step"], last.get("total_steps"), last.get("loss"))

    def _row(self, line: bytes) -> dict[str, Any] | None:
        """What a line says of its step; None where it names none."""
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        step = row.get("step") if isinstance(row, dict) else None
        if isinstance(step, int) and not isinstance(step, bool) and step >= 0:
            return dict(row)
        logger.warning("Run %s: a metrics line without a step is left out: %r", self.run.pk, line)
        return None


def _read_result(folder: Path) -> dict[str, Any]:
    path = folder / "result.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return result


def _record(context: JobContext[TrainingRun]) -> None:
    """Believe the result file: a model version and its evaluations, or the error it names."""
    run = context.job
    result = _read_result(run.folder)
    if not result:
        raise TransientJobError(
            "The training process ended without a result. Its last output: "
            f"{_last_words(run.folder)}"
        )
    with transaction.atomic():
        assert_lease(run)
        TrainingRun.objects.filter(pk=run.pk).update(result=result)
        if result["status"] == "succeeded":
            _record_model(run, result)
    if result["status"] == "failed":
        error = result["error"]
        raise PermanentJobError(_words_of(error["type"], error["message"]))
    if result["status"] == "cancelled":
        raise JobCancelled


SAID_IN_FULL = (
    *("SpecError", "DataError", "TrainingDivergedError"),
    *("ModelLoadError", "HubUnreachableError", "BadRequestError"),
)
"""Errors of the recipes that are written for whoever launched them."""


def _words_of(kind: str, message: str) -> str:
    """What a recipe's error means to whoever launched the run."""
    if kind in SAID_IN_FULL:
        return message
    if kind == "OutOfMemoryError":
        return "The GPU ran out of memory: try a smaller batch, shorter texts, or LoRA."
    return f"Training stopped with an unexpected error: {kind}: {message}"


def _record_model(run: TrainingRun, result: dict[str, Any]) -> None:
    base = run.base_model
    model = ModelVersion.objects.create(
        project_id=run.project_id,
        name=_free_name(run),
        kind=ModelVersion.Kind(result["model"]["kind"]),
        location=location_for(run.folder / result["model"]["path"]),
        weights_sha256=result["model"]["weights_sha256"],
        parent=base,
        sandbox=root_of(base).sandbox,
    )
    TrainingRun.objects.filter(pk=run.pk).update(result_model=model)
    _record_evaluations(run, model, result.get("heldout") or {})


def _free_name(run: TrainingRun) -> str:
    """METHOD-N, counted within the project, so that the same work elsewhere has the same names."""
    taken = set(
        ModelVersion.objects.filter(
            project=run.project_id, name__startswith=f"{run.method}-"
        ).values_list("name", flat=True)
    )
    names = (f"{run.method}-{number}" for number in itertools.count(1))
    return next(name for name in names if name not in taken)


_METRICS = {
    "preference_accuracy": ("preference_accuracy", "accuracy"),
    "completion_loss": ("completion_loss", "loss"),
}
"""By the metric of a result: its name among evaluations, and the figure's name in the result."""


def _record_evaluations(run: TrainingRun, model: ModelVersion, heldout: dict[str, Any]) -> None:
    base = run.base_model
    for when, evaluated in (("before", base), ("after", model)):
        measured = heldout.get(when)
        if measured is not None:
            metric, value = _METRICS[heldout.get("metric", "preference_accuracy")]
            Evaluation.objects.update_or_create(
                model_version=evaluated,
                dataset_id=run.dataset_id,
                split=heldout["split"],
                metric=metric,
                defaults={
                    "value": measured[value],
                    "low": measured["low"],
                    "high": measured["high"],
                    "n": heldout["n"],
                },
            )


def _last_words(folder: Path) -> str:
    log = folder / "log.txt"
    if not log.exists():
        return "(no log)"
    return " ".join(log.read_bytes()[-600:].decode("utf-8", "replace").split())


def stop_orphans() -> int:
    """End trainers on this machine whose run was given up while they worked on; how many."""
    stopped = 0
    given_up = TrainingRun.objects.filter(
        state__in=(JobState.CANCELLED, JobState.FAILED), process_id__isnull=False
    )
    for run in given_up.order_by("-id")[:100]:
        trainer = _trainer_of(run)
        if trainer is not None and trainer.is_here() and trainer.is_alive():
            trainer.kill()
            stopped += 1
    return stopped
