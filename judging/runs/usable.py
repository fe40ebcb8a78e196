"""What a run's labels cost, counting those alone that can be used."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from annotation.models import Rater
from jobs.selectors import run_seconds
from judging.models import JudgeRun
from judging.runs.gate import standings
from serving.models import Usage
from serving.selectors import usage_of_run


@dataclass(frozen=True, slots=True)
class Usable:
    """A label is usable when its verdicts could be read, both orders name one winner, and its
    judge is in production and not kept out of datasets: `why_none` says what speaks against all
    of them. Per usable label: money (None without a price) and GPU-seconds (the time that engines
    were held, times their GPUs; on a machine without a GPU, of the machine)."""

    labels: int
    usable: int
    why_none: str
    cost: float | None
    cost_each: float | None
    gpu_seconds: float
    gpu_seconds_each: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def usable_of(run: JudgeRun) -> Usable:
    """Of a run as it stands now."""
    rater = run.config.rater
    standing = standings(run.project).get(rater.pk)
    why = ""
    if rater.status != Rater.Status.ACTIVE:
        why = f"the judge is {rater.status}"
    elif standing is not None and standing.kept_out:
        why = f"its labels are kept out: {standing.why}"
    usable = 0 if why else run.labelled - run.inconsistent
    cost = usage_of_run(Usage.Purpose.JUDGE, run.pk).cost
    money = None if cost is None else float(cost)
    return Usable(
        labels=run.labelled,
        usable=usable,
        why_none=why,
        cost=money,
        cost_each=money / usable if money is not None and usable else None,
        gpu_seconds=run.engine_seconds,
        gpu_seconds_each=run.engine_seconds / usable if usable else None,
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the present attempt is, and how long it still takes; None while none can tell."""

    pairs_per_second: float | None
    seconds_left: float | None


def pace_of(run: JudgeRun) -> Pace:
    seconds = run_seconds(run)
    done = run.progress_done - run.done_before
    if not seconds or done <= 0:
        return Pace(None, None)
    each = done / seconds
    left = None
    if not run.is_finished and run.progress_total is not None:
        left = max(0, run.progress_total - run.progress_done) / each
    return Pace(each, left)
