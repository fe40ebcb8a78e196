"""`manage.py demo`: the whole loop, headless, on the sandbox model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from figures.words import percent
from jobs.commands import BadInputError, ConcordCommand, Outcome
from judging.measures.attack_words import attack_data, attack_words
from judging.models import AttackRun
from training.management.commands.quickstart import migrate_if_needed
from training.rounds.demo import PROMPTS_PER_ROUND, DemoError, RoundResult, run_demo

MAX_ROUNDS = 20
MIN_PROMPTS, MAX_PROMPTS = 64, 2_000


class Command(ConcordCommand):
    help = (
        "Run the whole loop on the sandbox model: sample, judge, freeze and train, for several "
        "rounds."
    )

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("--rounds", type=int, default=3)
        parser.add_argument(
            "--prompts",
            type=int,
            default=PROMPTS_PER_ROUND,
            help="Prompts to sample in each round; fewer are faster, but move the model less.",
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="The same seed gives the same results."
        )

    def run(self, **options: Any) -> Outcome:
        rounds, prompts, seed = options["rounds"], options["prompts"], options["seed"]
        if not 1 <= rounds <= MAX_ROUNDS:
            raise BadInputError(f"--rounds is {rounds}; it must be from 1 to {MAX_ROUNDS}.")
        if not MIN_PROMPTS <= prompts <= MAX_PROMPTS:
            raise BadInputError(
                f"--prompts is {prompts}; it must be from {MIN_PROMPTS} to {MAX_PROMPTS}."
            )
        if not 0 <= seed < 2**31:
            raise BadInputError(f"--seed is {seed}; it must be from 0 to {2**31 - 1}.")
        migrate_if_needed()
        started = time.monotonic()
        results: list[RoundResult] = []
        attacks: list[AttackRun] = []
        try:
            results.extend(
                run_demo(
                    rounds=rounds,
                    seed=seed,
                    say=self.note,
                    on_attacks=attacks.append,
                    prompts=prompts,
                )
            )
        except DemoError as error:
            data = {"rounds": [asdict(result) for result in results], "error": str(error)}
            return Outcome(data=data, summary=str(error), failed=True)
        seconds = round(time.monotonic() - started, 1)
        return Outcome(
            data={
                "judge": attack_data(attacks[0]),
                "rounds": [asdict(result) for result in results],
                "seconds": seconds,
            },
            summary=f"{attack_words(attacks[0])}\n\n{table(results)}\n\n"
            "Polite answers to 200 fresh prompts, according to the "
            f"sandbox world's ground truth: {percent(results[0].share_before)} before, "
            f"{percent(results[-1].share_after)} after {rounds} "
            f"round{'' if rounds == 1 else 's'}, in {seconds} s.",
        )


def table(results: Sequence[RoundResult]) -> str:
    """The rounds as a table of text."""
    head = ("round", "pairs", "kept", "consistency", "dataset", "train loss", "held-out", "polite")
    rows = [head, *(_cells(one) for one in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def _cells(one: RoundResult) -> tuple[str, ...]:
    return (
        str(one.round),
        str(one.pairs),
        str(one.kept),
        percent(one.consistency),
        one.dataset[:12],
        "–" if one.train_loss is None else f"{one.train_loss:.4f}",
        percent(one.heldout_accuracy),
        f"{percent(one.share_before)} → {percent(one.share_after)}",
    )
