"""The agreement dashboard."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.permissions import READERS, MemberRequest, member_view
from annotation.agreement.snapshots import agreement_now
from annotation.agreement.words import headline
from corpus.models import Project

PARTS = (
    ("domain", "Domain"),
    ("difficulty", "Difficulty"),
    ("language", "Language"),
    ("criterion", "Criterion"),
    ("week", "Week"),
)
FIGURES = (
    ("krippendorff_alpha", "Krippendorff's α"),
    ("fleiss_kappa", "Fleiss' κ"),
    ("gwet_ac1", "Gwet's AC1"),
    ("raw_agreement", "Raw agreement"),
)

WHOSE = (("human raters", ""), ("all raters together", "all_"), ("judges", "judge_"))
"""Whose agreement, and what stands before the names of its figures in a report."""

TWOS_A_PAGE = 20


@member_view(READERS)
def dashboard(request: MemberRequest, project: Project) -> HttpResponse:
    snapshot, complete = agreement_now(project=project, now=timezone.now())
    by = request.GET.get("by", "domain")
    if by not in dict(PARTS):
        by = "domain"
    report = snapshot.report
    context = {
        "project": project,
        "tab": "quality",
        "part": "agreement",
        "snapshot": snapshot,
        "complete": complete,
        "report": report,
        "rows": _rows(report),
        "strength": [(who, report[f"{prefix}strength_alpha"]) for who, prefix in WHOSE],
        "warning": report.get("warning", ""),
        "parts": PARTS,
        "by": by,
        "by_name": dict(PARTS)[by],
        "shown": snapshot.parts[by],
        "headline": headline(report),
        "page": Paginator(report["twos"], TWOS_A_PAGE).get_page(request.GET.get("page")),
        "paged": "page" in request.GET,
        "twos_left_out": report["twos_met"] - len(report["twos"]),
    }
    return render(request, "annotation/agreement.html", context)


@member_view(READERS)
def charts(request: MemberRequest, project: Project) -> JsonResponse:
    snapshot, _ = agreement_now(project=project, now=timezone.now())
    return JsonResponse({"charts": snapshot.charts})


def _rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Each coefficient over the four choices, with ties merged, and of the decided alone."""
    return [
        {
            "name": words,
            "who": who,
            "four": report[prefix + name],
            "three": report[f"{prefix}three"][name],
            "decided": report[f"{prefix}decided"][name],
        }
        for who, prefix in WHOSE
        for name, words in FIGURES
    ]
