"""`manage.py demo`: the whole loop, headless, on the sandbox model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from figures.words import percent
from jobs.commands import BadInputError, ConcordCommand, Outcome
from training.demo import DemoError, RoundResult, run_demo
from training.management.commands.quickstart import migrate_if_needed

MAX_ROUNDS = 20


class Command(ConcordCommand):
    help = (
        "Run the whole loop on the sandbox model: sample, judge, freeze and train, for several "
        "rounds."
    )

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("--rounds", type=int, default=3)
        parser.add_argument(
            "--seed", type=int, default=0, help="The same seed gives the same results."
        )

    def run(self, **options: Any) -> Outcome:
        rounds, seed = options["rounds"], options["seed"]
        if not 1 <= rounds <= MAX_ROUNDS:
            raise BadInputError(f"--rounds is {rounds}; it must be from 1 to {MAX_ROUNDS}.")
        if not 0 <= seed < 2**31:
            raise BadInputError(f"--seed is {seed}; it must be from 0 to {2**31 - 1}.")
        migrate_if_needed()
        started = time.monotonic()
        results: list[RoundResult] = []
        try:
            results.extend(run_demo(rounds=rounds, seed=seed, say=self.note))
        except DemoError as error:
            data = {"rounds": [asdict(result) for result in results], "error": str(error)}
            return Outcome(data=data, summary=str(error), failed=True)
        seconds = round(time.monotonic() - started, 1)
        return Outcome(
            data={"rounds": [asdict(result) for result in results], "seconds": seconds},
            summary=f"{table(results)}\n\nPolite answers to 200 fresh prompts, according to the "
            f"sandbox world's ground truth: {percent(results[0].share_before)} before, "
            f"{percent(results[-1].share_after)} after {rounds} rounds, in {seconds} s.",
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
