"""`manage.py win_rates`: how often one model is preferred to another."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from figures.words import counted, said_share
from jobs.commands import ConcordCommand, Outcome
from judging.budget.model_pairs import ModelsCompared, win_rates
from judging.budget.win_rates import Rate
from judging.runs.named import add_judge, asked_judge


class Command(ConcordCommand):
    help = (
        "Show models' win rates according to humans, a judge and both combined "
        "(prediction-powered)."
    )

    def add_inputs(self, parser: CommandParser) -> None:
        add_judge(parser)

    def run(self, **options: Any) -> Outcome:
        config = asked_judge(options)
        found = win_rates(config)
        lines = [_line(one) for one in found] or [
            "This judge has not labelled any pair that compares two models."
        ]
        return Outcome(
            data={"judge": config.rater.name, "models": [one.as_json() for one in found]},
            summary="\n".join([f"By {config.rater.name}:", *lines]),
        )


def _line(one: ModelsCompared) -> str:
    rate = one.rate
    return (
        f"{one.model} over {one.other}, {counted(one.pairs, 'pairs')}: humans "
        f"{_shown(rate.human)}, judge {_shown(rate.judge)}, combined {_shown(rate.together)}"
    )


def _shown(rate: Rate) -> str:
    said = said_share(rate.value, rate.low, rate.high, rate.n, rate.reason)
    return said if rate.value is None else f"{said}, n {rate.n}"
