"""`manage.py judge_calibrate`: learn from humans how a judge's probabilities are to be scaled."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from figures.words import counted
from jobs.commands import BadInputError, ConcordCommand, Outcome
from judging.errors import JudgingError
from judging.measures.report import unscaled
from judging.measures.scaling import calibrate, use_calibration
from judging.runs.named import add_judge, asked_judge


class Command(ConcordCommand):
    help = "Fit a scaling for a judge's probabilities on pairs that humans have decided."

    def add_inputs(self, parser: CommandParser) -> None:
        add_judge(parser)
        parser.add_argument("--method", default="temperature", choices=("temperature", "isotonic"))
        parser.add_argument(
            "--use", action="store_true", help="Scale the judge's labels from now on."
        )
        parser.add_argument(
            "--stop",
            action="store_true",
            help="Stop scaling the judge's labels; nothing is fitted.",
        )

    def run(self, **options: Any) -> Outcome:
        config = asked_judge(options)
        if options["stop"]:
            use_calibration(config=config, calibration=None)
            return Outcome(
                data={"judge": str(config), "in_use": False},
                summary=f"{config}: its labels are no longer scaled",
            )
        p, y = unscaled(config)
        try:
            found = calibrate(config=config, method=options["method"], p=p, y=y)
        except JudgingError as error:
            raise BadInputError(str(error)) from error
        if options["use"]:
            use_calibration(config=config, calibration=found)
        return Outcome(
            data={
                "judge": str(config),
                "calibration": found.pk,
                "method": found.method,
                "parameters": found.parameters,
                "n": found.n,
                "error_before": found.error_before,
                "error_after": found.error_after,
                "in_use": options["use"],
            },
            summary=(
                f"{config}: calibration error {found.error_before:.3f} before, "
                f"{found.error_after:.3f} after {found.method} scaling, measured on halves of "
                f"{counted(found.n, 'pairs')} not used for fitting"
                + (
                    "; in use from now on"
                    if options["use"]
                    else "; not in use (add --use to apply it)"
                )
            ),
        )
