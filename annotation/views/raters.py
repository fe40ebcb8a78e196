"""Raters: their figures, their history, and what an admin may do about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.errors import RefusedError
from accounts.models import Membership
from accounts.permissions import (
    ADMINS,
    LABELLERS,
    SENIORS,
    MemberRequest,
    member_view,
)
from accounts.services import remove_member
from annotation import services
from annotation.errors import AnnotationError
from annotation.forms import ReasonForm
from annotation.models import Rater
from annotation.quality.gold_supply import gold_supply
from annotation.quality.rater_figures import rater_figures
from annotation.selectors import gold_answers_of, own_days
from corpus.models import Project

GOLD_ANSWERS_SHOWN = 60


@member_view(SENIORS)
def raters(request: MemberRequest, project: Project) -> HttpResponse:
    figures = rater_figures(project)
    context = {
        "project": project,
        "tab": "quality",
        "part": "raters",
        "figures": figures,
        "flagged": sum(bool(one.flags) for one in figures),
        "supply": gold_supply(project, services.policy_of(project.pk)),
    }
    return render(request, "annotation/raters.html", context)


@member_view(SENIORS)
def rater(request: MemberRequest, project: Project, rater_id: int) -> HttpResponse:
    return _rater_page(request, project, rater_id, ReasonForm())


def _rater_page(
    request: MemberRequest, project: Project, rater_id: int, form: ReasonForm, status: int = 200
) -> HttpResponse:
    row = get_object_or_404(Rater.objects.select_related("user"), pk=rater_id, project=project)
    member = None
    if row.user_id is not None:
        member = Membership.objects.filter(user=row.user_id, project=project).first()
    context = {
        "project": project,
        "tab": "quality",
        "part": "raters",
        "rater": row,
        "member": member,
        "figure": rater_figures(project, [row])[0],
        "checks": row.checks.order_by("-id")[:50],
        "answers": gold_answers_of(row, GOLD_ANSWERS_SHOWN),
        "changes": row.status_changes.select_related("actor").order_by("-id")[:50],
        "form": form,
        "may_act": request.membership.role in ADMINS,
        "is_self": row.user_id == request.user.pk,
    }
    return render(request, "annotation/rater.html", context, status=status)


@require_POST
@member_view(ADMINS)
def suspend(request: MemberRequest, project: Project, rater_id: int) -> HttpResponseBase:
    def act(rater: Rater, reason: str, actor: User) -> str:
        again = services.suspend_rater(rater=rater, reason=reason, actor=actor)
        return (
            f"{rater.name} is suspended; {again} pair{'' if again == 1 else 's'} went back in the "
            "queue."
        )

    return _act(request, project, rater_id, act)


@require_POST
@member_view(ADMINS)
def reinstate(request: MemberRequest, project: Project, rater_id: int) -> HttpResponseBase:
    def act(rater: Rater, reason: str, actor: User) -> str:
        services.reinstate_rater(rater=rater, reason=reason, actor=actor)
        return f"{rater.name} can label again, and their labels count again."

    return _act(request, project, rater_id, act)


@require_POST
@member_view(ADMINS)
def calibrate(request: MemberRequest, project: Project, rater_id: int) -> HttpResponseBase:
    def act(rater: Rater, reason: str, actor: User) -> str:
        services.send_to_calibration(rater=rater, reason=reason, actor=actor)
        return f"{rater.name} will get calibration pairs until they pass."

    return _act(request, project, rater_id, act)


@require_POST
@member_view(ADMINS)
def remove(request: MemberRequest, project: Project, rater_id: int) -> HttpResponseBase:
    """Take a member out of the project; their labels stay."""
    row = get_object_or_404(Rater, pk=rater_id, project=project, user__isnull=False)
    membership = get_object_or_404(Membership, user=row.user_id, project=project)
    if membership.user_id == request.user.pk:
        messages.warning(request, "You cannot remove yourself; ask another admin to do it.")
        return redirect("rater", project.slug, row.pk)
    try:
        remove_member(membership=membership)
    except RefusedError as error:
        messages.warning(request, str(error))
        return redirect("rater", project.slug, row.pk)
    messages.success(
        request, f"{row.name} has been removed from the project; their labels are kept."
    )
    return redirect("raters", project.slug)


def _act(
    request: MemberRequest,
    project: Project,
    rater_id: int,
    act: Callable[[Rater, str, Any], str],
) -> HttpResponseBase:
    row = get_object_or_404(Rater, pk=rater_id, project=project)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            messages.success(request, act(row, form.cleaned_data["reason"], request.user))
        except AnnotationError as error:
            form.add_error("reason", str(error))
        else:
            return redirect("rater", project.slug, row.pk)
    return _rater_page(request, project, rater_id, form, status=400)


@member_view(LABELLERS)
def mine(request: MemberRequest, project: Project) -> HttpResponse:
    """A rater's own figures: never which of their answers were gold."""
    row = services.rater_seat(request.membership)
    policy = services.policy_of(project.pk)
    figure = rater_figures(project, [row])[0]
    context = {
        "project": project,
        "tab": "mine",
        "rater": row,
        "figure": figure,
        "days": own_days(row),
        "shows_kappa": policy.show_own_kappa,
        "checks": row.checks.filter(kappa__isnull=False).order_by("-id")[:20],
        "policy": policy,
    }
    return render(request, "annotation/mine.html", context)
