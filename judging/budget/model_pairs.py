"""Which pairs set one model against another, and who says what of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.db.models import F

from annotation.consensus.selectors import CHOICES, consensus_of
from annotation.models import Choice, Label
from corpus.models import Pair
from judging.budget.win_rates import WinRate, win_rate
from judging.models import JudgeConfig

WON = {Choice.FIRST.value: 1.0, Choice.SECOND.value: 0.0}


@dataclass(frozen=True, slots=True)
class ModelsCompared:
    """How often `model` is preferred to `other`."""

    model: str
    other: str
    pairs: int
    rate: WinRate

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def win_rates(config: JudgeConfig) -> list[ModelsCompared]:
    """The win rate of every two models that stand against each other in the project's pairs, by
    humans, by this judge, and by both together; the most pairs first.

    Humans speak by the shares of their choices, where neither counts one half for each.
    """
    humans = _humans(config)
    judge = dict(
        Label.objects.effective()
        .filter(rater=config.rater_id, p_first__isnull=False)
        .values_list("pair_id", "p_first")
    )
    both: defaultdict[tuple[str, str], list[tuple[float, float, int]]] = defaultdict(list)
    alone: defaultdict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    by_humans_alone: defaultdict[tuple[str, str], int] = defaultdict(int)
    for pk, prompt, first, second in _pairs(config).iterator(10_000):
        turned = first > second
        names = (second, first) if turned else (first, second)
        human, p_first = humans.get(pk), judge.get(pk)
        if p_first is None:
            by_humans_alone[names] += human is not None
            continue
        said = 1 - p_first if turned else p_first
        if human is None:
            alone[names].append((said, prompt))
        else:
            both[names].append((1 - human if turned else human, said, prompt))
    found = [
        ModelsCompared(
            *names,
            pairs=len(both[names]) + len(alone[names]) + by_humans_alone[names],
            rate=win_rate(
                [human for human, _, _ in both[names]],
                [said for _, said, _ in both[names]],
                [said for said, _ in alone[names]],
                prompts=[prompt for _, _, prompt in both[names]],
                prompts_alone=[prompt for _, prompt in alone[names]],
            ),
        )
        for names in {*both, *alone}
    ]
    return sorted(found, key=lambda one: (-one.pairs, one.model, one.other))


def _pairs(config: JudgeConfig) -> Any:
    return (
        Pair.objects.filter(project=config.project_id, held_back="")
        .filter(first__model_version__isnull=False, second__model_version__isnull=False)
        .exclude(first__model_version=F("second__model_version"))
        .order_by("pk")
        .values_list("pk", "prompt_id", "first__model_version__name", "second__model_version__name")
    )


def _humans(config: JudgeConfig) -> dict[int, float]:
    found = consensus_of(config.project, "majority", "human")
    worth = np.array([WON.get(choice, 0.5) for choice in CHOICES])
    values = found.distribution @ worth
    return dict(zip(found.pairs.tolist(), values.tolist(), strict=True))
