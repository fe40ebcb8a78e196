"""The agreement dashboard's figures: counted when labels came in, not when somebody looks."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max

from annotation.agreement.breakdowns import (
    PartAgreement,
    agreement_by_criterion,
    agreement_by_stratum,
    agreement_by_week,
)
from annotation.agreement.charts import heat_map, weekly_trend
from annotation.agreement.report import agreement_report
from annotation.models import AgreementSnapshot, Label
from corpus.models import Project

COUNTED_AT_ONCE = 20_000
"""With at most so many labels, a look counts anew; with more it shows the last count."""


TWOS_KEPT = 200
"""So many twos of raters who agree least are kept; the command lists them all."""


def newest_label(project: Project) -> int:
    return Label.objects.filter(project=project).aggregate(newest=Max("id"))["newest"] or 0


def refresh_agreement(*, project: Project, now: dt.datetime) -> AgreementSnapshot:
    """Count the project's agreement and keep it."""
    newest = newest_label(project)
    report = agreement_report(project)
    figures = report.as_json()
    met = sorted(
        (row for row in figures.pop("pairwise") if row["kappa"] is not None),
        key=lambda row: row["kappa"],
    )
    # Twenty thousand twos would make the page slow that shows the least of them.
    figures |= {"twos": met[:TWOS_KEPT], "twos_met": len(met)}
    weeks = agreement_by_week(project)
    parts = {
        "domain": _json(agreement_by_stratum(project, "domain")),
        "difficulty": _json(agreement_by_stratum(project, "difficulty")),
        "language": _json(agreement_by_stratum(project, "language")),
        "criterion": _json(agreement_by_criterion(project)),
        "week": _json(weeks),
    }
    snapshot, _ = AgreementSnapshot.objects.update_or_create(
        project=project,
        defaults={
            "newest_label": newest,
            "report": figures,
            "parts": parts,
            "charts": {"heat": heat_map(report.pairwise), "weeks": weekly_trend(weeks)},
            "created_at": now,
        },
    )
    return snapshot


def agreement_now(*, project: Project, now: dt.datetime) -> tuple[AgreementSnapshot, bool]:
    """The figures to show, and whether they hold all labels: a large project shows its last count
    until the schedule has counted anew."""
    snapshot = AgreementSnapshot.objects.filter(project=project).first()
    newest = newest_label(project)
    if snapshot is not None and snapshot.newest_label == newest:
        return snapshot, True
    few = Label.objects.filter(project=project)[: COUNTED_AT_ONCE + 1].count() <= COUNTED_AT_ONCE
    if snapshot is None or few:
        return refresh_agreement(project=project, now=now), True
    return snapshot, False


def refresh_stale(*, now: dt.datetime) -> int:
    """Count anew wherever labels came in since; in how many projects."""
    counted = 0
    for project in Project.objects.select_related("agreement_snapshot"):
        snapshot = getattr(project, "agreement_snapshot", None)
        newest = newest_label(project)
        if newest and (snapshot is None or snapshot.newest_label != newest):
            refresh_agreement(project=project, now=now)
            counted += 1
    return counted


def _json(parts: list[PartAgreement]) -> list[dict[str, object]]:
    return [part.as_json() for part in parts]
