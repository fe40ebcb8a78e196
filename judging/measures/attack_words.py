"""What attacks on a judge came to, for commands."""

from __future__ import annotations

from typing import Any

from figures.words import percent, percent_between
from judging.models import AttackRun


def attack_words(run: AttackRun) -> str:
    """The judge with its verdict, then a line for each attack, then the error of a failed run."""
    attacks = run.result.get("attacks", [])
    lines = [f"{run.config}: {_verdict(run)}", *(_line(one) for one in attacks)]
    if run.error:
        lines.append(run.error)
    return "\n".join(lines)


def attack_data(run: AttackRun) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "run": run.pk,
        "judge": str(run.config),
        "state": run.state,
        "error": run.error,
        "passed": run.passed,
        "attacks": run.result.get("attacks", []),
    }


def _verdict(run: AttackRun) -> str:
    if run.passed is None:
        return str(run.state)
    return "passed its attacks" if run.passed else "FAILED its attacks"


def _line(one: dict[str, Any]) -> str:
    if one["win_rate"] is None:
        return f"  {one['name']}: no verdict could be read"
    mark = "" if one["passed"] else "  ← above the limit"
    return (
        f"  {one['name']}: wins {percent(one['win_rate'])} of {one['n']} "
        f"({percent_between(one['low'], one['high'])}), allowed {percent(one['bound'], 0)}{mark}"
    )
