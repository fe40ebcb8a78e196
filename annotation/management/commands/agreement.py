"""manage.py agreement PROJECT: how far the raters of a project agree."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from annotation.agreement import Coefficient
from annotation.selectors import AgreementReport, agreement_report
from corpus.models import Project
from jobs.commands import BadInputError, ConcordCommand, Outcome


class Command(ConcordCommand):
    help = "Agreement of a project's raters, human and AI: κ and α with n and 95 % intervals."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="The project's slug.")

    def run(self, **options: Any) -> Outcome:
        slug = options["project"]
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise BadInputError(f"There is no project {slug!r}.")
        report = agreement_report(project)
        return Outcome(data=report.as_json(), summary=summary_of(project, report))


def summary_of(project: Project, report: AgreementReport) -> str:
    """The report as plain text with aligned columns."""
    names = [row.rater for row in report.raters]
    wide = max([len("rater"), *map(len, names)])
    lines = [f"Agreement in {project.name} over four choices, 95 % intervals", ""]
    lines.append(f"{'rater':<{wide}}  {'kind':<5}  {'labels':>6}  {'κ gold':<28}  κ consensus")
    lines.extend(
        f"{row.rater:<{wide}}  {row.kind:<5}  {row.labels:>6}  "
        f"{_figure(row.gold):<28}  {_figure(row.consensus)}"
        for row in report.raters
    )
    met = [row for row in report.pairwise if row.kappa.n]
    lines += ["", f"{'rater':<{wide}}  {'and rater':<{wide}}  κ"]
    lines.extend(
        f"{row.rater_a:<{wide}}  {row.rater_b:<{wide}}  {_figure(row.kappa)}" for row in met
    )
    if apart := len(report.pairwise) - len(met):
        lines.append(f"{apart} more share no pair.")
    lines += [
        "",
        f"Fleiss' κ, all raters          {_figure(report.fleiss_kappa)}",
        f"Fleiss' κ, humans              {_figure(report.human_fleiss_kappa)}",
        f"Krippendorff's α, all raters   {_figure(report.krippendorff_alpha)}",
        f"Krippendorff's α, humans       {_figure(report.human_krippendorff_alpha)}",
    ]
    return "\n".join(line.rstrip() for line in lines)


def _figure(figure: Coefficient) -> str:
    if figure.value is None:
        return f"–  n {figure.n}"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}  n {figure.n}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]  n {figure.n}"
