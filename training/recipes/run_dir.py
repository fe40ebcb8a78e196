"""The folder of one run: what a recipe writes into it, and the one thing it reads from it.

    resolved_spec.json   the spec with all defaults, at the start
    metrics.jsonl        one JSON object per optimiser step, flushed; only ever appended to
    heartbeat            its modification time says that the run is alive
    cancel               made by somebody else; its appearance stops the run cleanly
    checkpoints/         what a run started again goes on from
    model/               the trained model or adapter
    result.json          renamed into place at the very end; says how the run ended
    lock                 held by the process that owns the folder, until it dies

Whoever follows a run reads these files and believes `result.json`, not the exit status.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from training.recipes.spec import SpecError, TrainingSpec

HEARTBEAT_SECONDS = 2.0


class Cancelled(Exception):  # noqa: N818 - it is no error
    """The cancel file appeared outside the training loop."""


class RunDir:
    """One run's folder, as the process that owns it sees it.

    With several processes only the main one writes (`writes` is true there); reading is for all.
    """

    def __init__(self, folder: Path, *, writes: bool = True) -> None:
        self.folder = folder.resolve()
        self.writes = writes
        self.checkpoints = self.folder / "checkpoints"
        self.model = self.folder / "model"
        self.scratch = self.folder / "scratch"
        self._lock: IO[str] | None = None

    def open(self, spec: TrainingSpec) -> None:
        """Take the folder for `spec`: clear what an earlier end left, keep the checkpoints.

        Raises:
            SpecError: another process holds the folder, or its checkpoints are of another spec.
        """
        if not self.writes:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._refuse_foreign_checkpoints(spec)
        except SpecError:
            self._drop_lock()
            raise
        (self.folder / "result.json").unlink(missing_ok=True)
        # Scratch and an unfinished model are of a process that was killed.
        for leftover in (self.scratch, self._model_draft):
            shutil.rmtree(leftover, ignore_errors=True)
        write_json(self.folder / "resolved_spec.json", spec.model_dump(mode="json"))
        self._end_half_line()
        self.beat()

    def close(self) -> None:
        """Give the folder free and remove the scratch files. Safe to call twice."""
        if self.writes:
            shutil.rmtree(self.scratch, ignore_errors=True)
        self._drop_lock()

    def beat(self) -> None:
        """Say that the run is alive."""
        if self.writes:
            (self.folder / "heartbeat").touch()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat from a thread, for phases that have no steps: loading and saving a model.

        Not used around the training loop: there every step beats for itself, so that a loop which
        hangs falls silent.
        """
        ended = threading.Event()

        def keep_beating() -> None:
            while not ended.wait(HEARTBEAT_SECONDS):
                self.beat()

        self.beat()
        thread = threading.Thread(target=keep_beating, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.beat()

    def cancel_requested(self) -> bool:
        return (self.folder / "cancel").exists()

    def tick(self) -> None:
        """Beat, and stop when asked to: called between batches outside the training loop.

        Raises:
            Cancelled: the cancel file is there.
        """
        self.beat()
        if self.cancel_requested():
            raise Cancelled

    def append_metrics(self, values: Mapping[str, object]) -> None:
        """Append one line to metrics.jsonl and hand it to the system."""
        if not self.writes:
            return
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(finite(values), allow_nan=False) + "\n")

    def publish_model(self, save: Callable[[Path], None]) -> None:
        """Let `save` write into an empty folder, then rename that to model/."""
        shutil.rmtree(self._model_draft, ignore_errors=True)
        self._model_draft.mkdir(parents=True)
        save(self._model_draft)
        shutil.rmtree(self.model, ignore_errors=True)
        self._model_draft.rename(self.model)

    def write_result(self, result: Mapping[str, object]) -> None:
        """Put result.json in place; the last act of a run."""
        if self.writes:
            write_json(self.folder / "result.json", result)

    @property
    def _model_draft(self) -> Path:
        return self.folder / "model.draft"

    def _take_lock(self) -> None:
        self._lock = (self.folder / "lock").open("a", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._drop_lock()
            raise SpecError(
                f"run folder {self.folder}: in use by another process; wait for it to finish or "
                "choose another --run-dir"
            ) from error

    def _drop_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _refuse_foreign_checkpoints(self, spec: TrainingSpec) -> None:
        """Going on from another spec's checkpoint would train a model that no spec describes."""
        path = self.folder / "resolved_spec.json"
        if not path.exists() or not any(self.checkpoints.glob("checkpoint-*")):
            return
        earlier = json.loads(path.read_text(encoding="utf-8"))
        wanted = spec.model_dump(mode="json")
        # The same run may go on elsewhere: on other hardware, with a larger evaluation batch.
        free = {"hardware", "eval_batch_size", "checkpoint_every_steps"}
        differing = sorted(
            name for name in wanted if name not in free and wanted[name] != earlier.get(name)
        )
        if differing:
            raise SpecError(
                f"run folder {self.folder}: its checkpoints come from a spec with a different "
                f"{', '.join(differing)}; choose another --run-dir or remove checkpoints/"
            )

    def _end_half_line(self) -> None:
        """Drop a last line that a killed process did not finish."""
        path = self.folder / "metrics.jsonl"
        if not path.exists():
            return
        content = path.read_bytes()
        if content and not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON so that a reader sees the old file or the whole new one, never a part."""
    draft = path.with_name(path.name + ".draft")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(finite(content), file, indent=2, ensure_ascii=False, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def finite(value: object) -> object:
    """`value` with every NaN and infinity, which JSON does not know, turned to None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
