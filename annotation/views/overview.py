"""A project's overview."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.models import Role
from accounts.permissions import EVERYONE, SENIORS, MemberRequest, member_view
from accounts.steps import checklist
from annotation.agreement.counts import agreement_counts
from annotation.agreement.report import group_agreement
from annotation.models import Label, Rater
from annotation.quality.gold_supply import GoldSupply, gold_supply
from annotation.queue.overview import labels_by_day, next_steps
from annotation.queue.progress import forecast
from annotation.selectors import project_counts
from annotation.services import policy_of
from corpus.models import Project

SHOWN_RATERS = 10


@member_view(EVERYONE)
def project(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Figures for those who read them; a rater goes on to label."""
    if request.membership.role == Role.RATER:
        return redirect("label", project.slug)
    raters = (
        Rater.objects.filter(project=project)
        .annotate(
            done=Count("labels", filter=Q(labels__superseded_by=None, labels__withdrawn=False))
        )
        .order_by("-done", "name")
    )
    now = timezone.now()
    counts = project_counts(project)
    ahead = forecast(project, now=now)
    context = {
        "project": project,
        "tab": "overview",
        "counts": counts,
        "labelled": Label.objects.given().filter(project=project).values("pair").distinct().count(),
        "steps": next_steps(project, request.membership.role, wanted=ahead.left),
        "setup": checklist(project, request.membership.role),
        "forecast": ahead,
        "by_day": labels_by_day(project, now=now),
        "humans": group_agreement(agreement_counts(project).humans).four,
        "raters": raters[:SHOWN_RATERS],
        "supply": _supply(request, project),
    }
    return render(request, "annotation/project.html", context)


def _supply(request: MemberRequest, project: Project) -> GoldSupply | None:
    """Told to those who can do something about it."""
    if request.membership.role not in SENIORS:
        return None
    return gold_supply(project, policy_of(project.pk))
