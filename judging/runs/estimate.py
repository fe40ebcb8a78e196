"""What a run would ask and take, before anything is asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Max

from inference.lengths import LengthReport
from jobs.errors import PermanentJobError
from jobs.models import JobState
from judging.errors import BadSettingsError
from judging.measures.lengths import lengths_of
from judging.models import JudgeConfig, JudgeRun
from judging.runs.runner import plan_of
from judging.selectors import (
    AT_ONCE,
    PairSelection,
    check_picked,
    dataset_pairs,
    disputed_pairs,
    pairs_to_judge,
)
from serving.accounts import cost_of


@dataclass(frozen=True, slots=True)
class Estimate:
    """A dry run. Tokens are estimated from the mean length of a sample of questions; `cost` is at
    the model's prices of now, None where it has none; `seconds` at the pace of this judge's last
    run, None where there was none. `completion_tokens` are the most that reasoning may take."""

    pairs: int
    questions: int
    prompt_tokens: int | None
    completion_tokens: int
    cost: float | None
    seconds: float | None
    longest: int | None
    limit: int | None
    warning: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate_run(config: JudgeConfig, selection: PairSelection) -> Estimate:
    """What `launch_judge_run` would begin; nothing is asked, nothing is stored.

    Raises:
        BadSettingsError: the judge has nothing to judge by.
        UnknownSelectionError: a dataset or a set of picked pairs that is not there.
    """
    try:
        plan = plan_of(config)
    except PermanentJobError as error:
        raise BadSettingsError(str(error)) from error
    check_picked(config.project, selection)
    pairs = _count(config, selection)
    questions = pairs * plan.questions_each
    reasoned = plan.settings.mode == "reasoned"
    completion_tokens = questions * plan.settings.max_tokens if reasoned else 0
    lengths: LengthReport | None = None
    if config.model_version is not None:
        lengths = lengths_of(config, pairs_to_judge(config, selection))
    prompt_tokens = None
    if lengths is not None and lengths.checked > lengths.refused:
        # With reasoning each question is asked twice, the second time with what was written.
        prompt_tokens = round(lengths.mean * questions * (2 if reasoned else 1) + completion_tokens)
    elif config.model_version is None:
        prompt_tokens = 0
    cost = None
    if config.model_version is not None and prompt_tokens is not None:
        found = cost_of(config.model_version, prompt_tokens, completion_tokens)
        cost = None if found is None else float(found)
    return Estimate(
        pairs=pairs,
        questions=questions,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost=cost,
        seconds=_seconds(config, pairs),
        longest=None if lengths is None else lengths.longest,
        limit=None if lengths is None else lengths.limit,
        warning="" if lengths is None else lengths.warning,
    )


def _count(config: JudgeConfig, selection: PairSelection) -> int:
    among = pairs_to_judge(config, selection)
    if not selection.settled:
        return among.count()
    chosen: set[int] | None = None
    if selection.which == "disagreement":
        chosen = set(disputed_pairs(config.project))
    if selection.dataset is not None:
        hashes = list(dataset_pairs(config.project, selection.dataset))
        found: set[int] = set()
        for start in range(0, len(hashes), AT_ONCE):
            some = among.filter(sha256__in=hashes[start : start + AT_ONCE])
            found.update(some.values_list("pk", flat=True))
        return len(found if chosen is None else found & chosen)
    ids = sorted(chosen or ())
    return sum(
        among.filter(pk__in=ids[start : start + AT_ONCE]).count()
        for start in range(0, len(ids), AT_ONCE)
    )


def _seconds(config: JudgeConfig, pairs: int) -> float | None:
    newest = JudgeRun.objects.filter(
        config=config.pk, state=JobState.SUCCEEDED, labelled__gt=0
    ).aggregate(newest=Max("pk"))["newest"]
    run = JudgeRun.objects.filter(pk=newest).first()
    if run is None or run.started_at is None or run.finished_at is None:
        return None
    took = (run.finished_at - run.started_at).total_seconds()
    done = run.pairs_done - run.done_before
    return pairs * took / done if done > 0 and took > 0 else None
