"""`manage.py judge_report`: a judge against humans, and its own faults."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from figures.words import counted
from jobs.commands import ConcordCommand, Outcome
from judging.measures.bias import Figure
from judging.measures.report import JudgeReport, judge_report
from judging.runs.named import add_judge, asked_judge


class Command(ConcordCommand):
    help = "Report a judge's agreement with humans, its calibration and its biases."

    def add_inputs(self, parser: CommandParser) -> None:
        add_judge(parser)

    def run(self, **options: Any) -> Outcome:
        report = judge_report(asked_judge(options))
        return Outcome(data=report.as_json(), summary=summary_of(report))


def summary_of(report: JudgeReport) -> str:
    read, unread = report.verdicts["ok"], sum(report.verdicts.values()) - report.verdicts["ok"]
    lines = [
        f"{report.judge}: {counted(report.labels, 'labels')}, {counted(read, 'verdicts')}, "
        f"{unread} unreadable",
        f"Cohen's κ with humans {_coefficient(report.kappa)}, agreement "
        f"{_coefficient(report.agreement)}, over {counted(report.compared, 'pairs')}",
    ]
    if report.ece is not None:
        n = sum(one.n for one in report.bins)
        mended = ", ".join(f"{one.after:.3f} after {one.method} scaling" for one in report.mended)
        lines.append(
            f"Calibration error {report.ece:.3f} over {counted(n, 'pairs')} that humans decided"
            + (f"; on pairs not used for fitting, {mended}" if mended else "")
        )
    lines += [
        f"The completion shown first wins {_figure(report.position.first_shown)} on average (0.5 "
        f"means no bias), and would win {_figure(report.position.equal_worth)} of pairs of equal "
        "quality",
        f"The winner changes with the order in {_figure(report.position.inconsistent)} of pairs",
        f"Preference for length beyond that of humans: coefficient {_figure(report.length)} (0 "
        "means no bias)",
        "Preference for formatting beyond length and beyond that of humans: coefficient "
        f"{_figure(report.formatting)}",
        "Preference for its own model family beyond that of humans: "
        f"{_figure(report.self_preference)}",
        f"The longer response wins {_figure(report.longer_wins)} with the judge and "
        f"{_figure(report.humans_longer_wins)} with humans",
    ]
    return "\n".join(lines)


def _figure(one: Figure) -> str:
    if one.value is None:
        return f"undefined ({one.reason})"
    if one.low is None or one.high is None:
        return f"{one.value:.3f}"
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _coefficient(found: dict[str, Any]) -> str:
    if found["value"] is None:
        return f"undefined ({found['reason']})"
    if found["low"] is None:
        return f"{found['value']:.3f}"
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
