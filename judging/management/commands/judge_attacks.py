"""`manage.py judge_attacks`: what answers that deserve nothing win with a judge."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from jobs.commands import BadInputError, ConcordCommand, Outcome
from jobs.models import JobState
from jobs.runner import run_job
from judging.errors import JudgingError
from judging.measures.attack_words import attack_data, attack_words
from judging.measures.attacks import attack, launch_attacks
from judging.models import AttackRun
from judging.runs.named import add_judge, asked_judge


class Command(ConcordCommand):
    help = "Test a judge with attacks: constant, empty, instructing and padded answers."

    def add_inputs(self, parser: CommandParser) -> None:
        add_judge(parser)
        parser.add_argument("--sample", type=int, default=100, help="Number of pairs to attack.")
        parser.add_argument("--seed", type=int, default=0)

    def run(self, **options: Any) -> Outcome:
        if options["sample"] < 1:
            raise BadInputError(f"--sample is {options['sample']}; it must be at least 1.")
        config = asked_judge(options)
        try:
            launched = launch_attacks(
                config=config, sample=options["sample"], seed=options["seed"], start=False
            )
        except JudgingError as error:
            raise BadInputError(str(error)) from error
        run = run_job(AttackRun, launched.pk, attack) or launched
        run.refresh_from_db()
        return Outcome(
            data=attack_data(run),
            summary=attack_words(run),
            failed=run.state != JobState.SUCCEEDED,
        )
