"""The user's projects, and a project's overview."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from annotation.gold_supply import GoldSupply, gold_supply
from annotation.models import Membership, Rater, Role
from annotation.permissions import EVERYONE, SENIORS, MemberRequest, member_view
from annotation.selectors import agreement_report, project_counts
from annotation.services import policy_of
from corpus.models import Project


@login_required
def home(request: HttpRequest) -> HttpResponse:
    memberships = (
        Membership.objects.filter(user=request.user.pk)
        .select_related("project")
        .order_by("project__name")
    )
    return render(request, "annotation/home.html", {"memberships": memberships})


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
        .order_by("kind", "name")
    )
    agreement = agreement_report(project)
    context = {
        "project": project,
        "tab": "overview",
        "counts": project_counts(project),
        "pairwise": agreement.pairwise,
        "overall": (
            ("Fleiss' κ, all raters", agreement.fleiss_kappa),
            ("Fleiss' κ, humans", agreement.human_fleiss_kappa),
            ("Krippendorff's α, all raters", agreement.krippendorff_alpha),
            ("Krippendorff's α, humans", agreement.human_krippendorff_alpha),
        ),
        "raters": raters,
        "supply": _supply(request, project),
    }
    return render(request, "annotation/project.html", context)


def _supply(request: MemberRequest, project: Project) -> GoldSupply | None:
    """Told to those who can do something about it."""
    if request.membership.role not in SENIORS:
        return None
    return gold_supply(project, policy_of(project.pk))
