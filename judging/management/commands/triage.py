"""`manage.py triage`: what people should look at first, and who should label what."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from figures.words import counted, percent
from jobs.commands import BadInputError, ConcordCommand, Outcome
from judging.budget.planner import Plan
from judging.budget.triage import UNSURE, plan_labels, send_to_raters, send_to_seniors, triage
from judging.runs.named import add_judge, asked_judge


class Command(ConcordCommand):
    help = (
        "Count the pairs a judge is unsure of or disagrees with humans on, send them to people, "
        "and plan who labels what."
    )

    def add_inputs(self, parser: CommandParser) -> None:
        add_judge(parser)
        parser.add_argument(
            "--within", type=float, default=UNSURE, help="How close to one half counts as unsure."
        )
        parser.add_argument(
            "--send",
            action="store_true",
            help="Send the pairs to the front of the raters' and seniors' queues.",
        )
        parser.add_argument(
            "--limit", type=int, default=200, help="Maximum number of pairs to send to raters."
        )
        parser.add_argument("--money", type=float, help="Plan within this budget.")
        parser.add_argument(
            "--hours", type=float, help="Plan within this many hours of rater time."
        )
        parser.add_argument("--hourly-wage", type=float, default=0.0, help="Raters' hourly wage.")

    def run(self, **options: Any) -> Outcome:
        if not 0 <= options["within"] <= 0.5:
            raise BadInputError(f"--within is {options['within']}; it must be between 0 and 0.5.")
        if options["limit"] < 1:
            raise BadInputError(f"--limit is {options['limit']}; it must be at least 1.")
        config = asked_judge(options)
        data: dict[str, Any] = {"judge": str(config)}
        lines = []
        if options["send"]:
            data["sent_to_seniors"] = send_to_seniors(project=config.project)
            data["sent_to_raters"] = send_to_raters(
                config=config, within=options["within"], limit=options["limit"]
            )
            lines.append(
                "Moved to the front of the raters' queue: "
                f"{counted(data['sent_to_raters'], 'pairs')}; sent to seniors: "
                f"{counted(data['sent_to_seniors'], 'new disputes')}"
            )
        found = triage(config, within=options["within"])
        data |= {
            "unsure": found.unsure,
            "abstained": found.abstained,
            "disputed": found.disputed,
        }
        lines.insert(
            0,
            f"{config}: unsure of {counted(found.unsure, 'pairs')} that no human has labelled, "
            f"abstained on {found.abstained}; {found.disputed} strong disagreements with humans "
            f"are open",
        )
        if options["money"] is not None or options["hours"] is not None:
            try:
                made = plan_labels(
                    config,
                    money=options["money"],
                    hours=options["hours"],
                    hourly_wage=options["hourly_wage"],
                )
            except ValueError as error:
                raise BadInputError(str(error)) from error
            data["plan"] = made.as_json()
            lines.append(_planned(made))
        return Outcome(data=data, summary="\n".join(lines))


def _planned(made: Plan) -> str:
    chosen = made.chosen
    sure = chosen.below
    below = "" if sure is None else f" (those it is less than {percent(sure, 0)} sure of)"
    return (
        f"Of {counted(made.pairs, 'pairs')}, {chosen.human} to raters{below} and {chosen.judge} to "
        f"the judge: expected accuracy {percent(chosen.accuracy)} "
        f"({percent(made.judge_only.accuracy)} with "
        f"the judge alone, {percent(made.human_only.accuracy)} with raters alone), "
        f"{chosen.hours:.1f} hours, cost {chosen.cost:.2f}"
    )
