"""manage.py agreement PROJECT: how far the raters of a project agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from annotation.agreement import Coefficient
from annotation.agreement.breakdowns import BY, PartAgreement, RaterWeek
from annotation.agreement.report import (
    AgreementReport,
    GroupAgreement,
    PairwiseAgreement,
    agreement_report,
)
from corpus.models import Project
from jobs.commands import BadInputError, ConcordCommand, Outcome

NOTHING = Coefficient(None, 0)
TWOS = 40
"""How many twos of raters the summary shows: those who agree least."""


class Command(ConcordCommand):
    help = (
        "Show how far a project's raters, human and AI, agree: κ and α with n and 95 % intervals."
    )
    # They load every page and form, which takes longer than counting half a million labels; `check`
    # and the server run them.
    requires_system_checks = []

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="The project's slug.")
        parser.add_argument(
            "--by",
            choices=sorted(BY),
            metavar="PART",
            help=f"Break agreement down by one of: {', '.join(sorted(BY))}.",
        )

    def run(self, **options: Any) -> Outcome:
        slug, by = options["project"], options["by"]
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise BadInputError(f"There is no project {slug!r}.")
        if by:
            rows = BY[by](project)
            data = {"by": by, "parts": [row.as_json() for row in rows]}
            return Outcome(data=data, summary=summary_by(project, by, rows))
        report = agreement_report(project)
        return Outcome(data=report.as_json(), summary=summary_of(project, report))


def summary_of(project: Project, report: AgreementReport) -> str:
    """The report as plain text with aligned columns."""
    raters = [("rater", "kind", "labels", "κ gold", "κ consensus", "AC1 consensus")]
    raters += [
        (
            row.rater,
            row.kind,
            f"{row.labels:>6}",
            _figure(row.gold),
            _figure(row.consensus),
            _figure(row.beside_consensus.ac1),
        )
        for row in report.raters
    ]
    met = [row for row in report.pairwise if row.beside]
    shown = sorted(met, key=_by_kappa)[:TWOS]
    twos = [("rater", "compared with", "κ", "AC1", "agree", "κ strength")]
    twos += [
        (
            row.rater_a,
            row.rater_b,
            _figure(row.kappa),
            _figure(row.beside.ac1),
            _figure(row.beside.agreement),
            _figure(row.beside.kappa_strength or NOTHING),
        )
        for row in shown
        if row.beside
    ]
    notes = []
    if len(met) > len(shown):
        notes.append(f"{len(met) - len(shown)} more with higher agreement; use --json to see all.")
    if apart := len(report.pairwise) - len(met):
        notes.append(f"{apart} more have no labelled pair in common.")
    kinds = (report.of_kinds.humans, report.of_kinds.everybody, report.of_kinds.judges)
    overall = [("", "human raters", "all raters together", "judges")]
    overall += [
        (humans[0], _figure(humans[1]), _figure(everybody[1]), _figure(judges[1]))
        for humans, everybody, judges in zip(*map(_overall, kinds), strict=True)
    ]
    warnings = [f"Note: {warning}" for warning in [report.of_kinds.humans.warning] if warning]
    return "\n".join(
        [
            f"Agreement in {project.name} on four choices, with 95 % intervals",
            "",
            *_aligned(raters),
            "",
            *_aligned(twos),
            *notes,
            "",
            *_aligned(overall),
            *(["", *warnings] if warnings else []),
        ]
    )


def summary_by(project: Project, by: str, rows: Sequence[PartAgreement | RaterWeek]) -> str:
    """One line a part."""
    lines: list[tuple[str, ...]] = []
    for row in rows:
        if isinstance(row, RaterWeek):
            lines.append((row.rater, row.week, _figure(row.gold), _figure(row.consensus)))
        else:
            humans, everybody = row.of_kinds.humans, row.of_kinds.everybody
            figures = (
                humans.four.fleiss_kappa,
                humans.four.krippendorff_alpha,
                humans.four.gwet_ac1,
                everybody.four.krippendorff_alpha,
            )
            lines.append((row.part or "(none)", *map(_figure, figures), humans.warning))
    head = (
        ("rater", "week", "κ gold", "κ consensus")
        if by == "rater-week"
        else (by, "Fleiss' κ", "Krippendorff's α", "Gwet's AC1", "α of all raters", "")
    )
    whose = "" if by == "rater-week" else " of human raters"
    title = f"Agreement{whose} in {project.name} by {by}, over four choices, 95 % intervals"
    return "\n".join([title, "", *_aligned([head, *lines])])


def _by_kappa(row: PairwiseAgreement) -> float:
    return 1.0 if row.kappa.value is None else row.kappa.value


def _overall(group: GroupAgreement) -> list[tuple[str, Coefficient]]:
    return [
        ("Fleiss' κ", group.four.fleiss_kappa),
        ("Krippendorff's α", group.four.krippendorff_alpha),
        ("Gwet's AC1", group.four.gwet_ac1),
        ("observed agreement", group.four.raw_agreement),
        ("α on three choices (equal and both bad merged)", group.three.krippendorff_alpha),
        ("α on decided pairs only", group.decided.krippendorff_alpha),
        ("α for strength, ordinal", group.strength_alpha),
    ]


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, wide, strict=True)).rstrip()
        for row in rows
    ]


def _figure(figure: Coefficient) -> str:
    if figure.value is None:
        return f"–  n {figure.n}"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}  n {figure.n}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]  n {figure.n}"
