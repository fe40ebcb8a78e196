"""What the page of a model shows: its figures beside those of what it was trained from, and why an
engine cannot ask it."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.models import ModelVersion
from figures import words
from serving.engine_forms import OFFERED
from serving.engines import why_not
from serving.servers import server_urls
from training.models import Evaluation, TrainingRun

EVALUATIONS_SHOWN = 50
LOSS = "completion_loss"


@dataclass(frozen=True, slots=True)
class Measured:
    """An evaluation, and the same of the model that it was trained from, if there is one."""

    one: Evaluation
    before: Evaluation | None

    @property
    def is_share(self) -> bool:
        return self.one.metric != LOSS

    @property
    def said(self) -> str:
        """The figure with its unit."""
        return _figure(self.one)

    @property
    def between(self) -> str:
        """Its 95 % interval; empty where it has none."""
        if self.one.low is None or self.one.high is None:
            return ""
        between = words.percent_between if self.is_share else words.decimals_between
        return between(self.one.low, self.one.high)

    @property
    def before_said(self) -> str:
        return _figure(self.before) if self.before is not None else ""

    @property
    def few(self) -> str:
        return words.few(self.one.n, "rows")

    @property
    def sentence(self) -> str:
        """The figure as it is said first on the page."""
        one = self.one
        rows = f"{one.n:,} {one.split} {'pair' if self.is_share else 'answer'}"
        on = f"On {rows}{'' if one.n == 1 else 's'} of {one.dataset}"
        if self.is_share:
            said = f"{on} it prefers the right answer {self.said} of the time"
        else:
            said = f"{on} its loss is {self.said}"
        interval = f" (95 % interval {self.between})" if self.between else ""
        before = f"; before training: {self.before_said}" if self.before else ""
        return f"{said}{interval}{before}."


def _figure(one: Evaluation) -> str:
    if one.metric == LOSS:
        return f"{words.decimals(one.value)} nats per token"
    return words.percent(one.value)


def measured(model: ModelVersion, run: TrainingRun | None) -> list[Measured]:
    """Its latest evaluations; those on the data of the run that made it come first."""
    found = list(
        model.evaluations.select_related("dataset").defer("dataset__manifest")[:EVALUATIONS_SHOWN]
    )
    before = {
        _key(one): one
        for one in Evaluation.objects.filter(
            model_version=model.parent_id, dataset__in={one.dataset_id for one in found}
        )
    }
    own = run.dataset_id if run is not None else None
    found.sort(key=lambda one: one.dataset_id != own)
    return [Measured(one, before.get(_key(one))) for one in found]


def _key(one: Evaluation) -> tuple[int, str, str]:
    return one.dataset_id, one.split, one.metric


def not_askable(model: ModelVersion) -> str:
    """Why no engine here can ask the model; empty where one can."""
    servers = bool(server_urls())
    if any(not why_not(engine, model, servers=servers) for engine in OFFERED):
        return ""
    likeliest = "server" if model.kind == ModelVersion.Kind.API else "transformers"
    return why_not(likeliest, model, servers=servers)
