"""Pages: the user's projects, a project's overview, and labelling."""

from __future__ import annotations

import math
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from annotation import services
from annotation.errors import AnnotationError, LeaseError
from annotation.models import Membership, Rater, Role, Skip, Slot
from annotation.permissions import EVERYONE, LABELLERS, MemberRequest, member_view
from annotation.selectors import agreement_report, project_counts, rater_progress
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
    }
    return render(request, "annotation/project.html", context)


@member_view(LABELLERS)
def label(request: MemberRequest, project: Project) -> HttpResponse:
    """The labelling page with the rater's task in it."""
    rater = services.rater_of(request.membership)
    slot = services.claim_next_slot(rater=rater)
    return render(
        request, "annotation/label.html", _context(project, rater, slot) | {"tab": "label"}
    )


@require_POST
@member_view(LABELLERS)
def label_submit(request: MemberRequest, project: Project) -> HttpResponse:
    """Store a label; the answer is the next task's card."""
    rater = services.rater_of(request.membership)
    try:
        services.submit_label(
            slot_id=_slot_id(request),
            rater=rater,
            lease=_lease(request),
            judgement=services.Judgement(
                pressed=request.POST.get("choice", ""),
                seconds=_seconds(request),
                comment=request.POST.get("comment", ""),
            ),
        )
    except AnnotationError as error:
        return _next_card(request, project, rater, refused=error)
    return _next_card(request, project, rater)


@require_POST
@member_view(LABELLERS)
def label_skip(request: MemberRequest, project: Project) -> HttpResponse:
    """Pass a task on; the answer is the next task's card."""
    rater = services.rater_of(request.membership)
    reason = request.POST.get("reason", "")
    try:
        if reason not in Skip.Reason:
            raise LeaseError(f"{reason!r} is no reason to skip.")
        services.skip_slot(
            slot_id=_slot_id(request),
            rater=rater,
            lease=_lease(request),
            reason=Skip.Reason(reason),
        )
    except AnnotationError as error:
        return _next_card(request, project, rater, refused=error)
    return _next_card(request, project, rater)


@require_POST
@member_view(LABELLERS)
def label_undo(request: MemberRequest, project: Project) -> HttpResponse:
    """Take the last label back; the answer is its card again, with what was pressed."""
    rater = services.rater_of(request.membership)
    try:
        slot = services.undo_last_label(rater=rater)
    except AnnotationError as error:
        return _next_card(request, project, rater, refused=error)
    return _card(request, _context(project, rater, slot) | {"undone": _before(slot, rater)})


@require_POST
@member_view(LABELLERS)
def label_extend(request: MemberRequest, project: Project) -> HttpResponse:
    """Keep the task for an open page: 204, or 409 when it is gone."""
    rater = services.rater_of(request.membership)
    try:
        services.extend_lease(slot_id=_slot_id(request), rater=rater, lease=_lease(request))
    except AnnotationError as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain")
    return HttpResponse(status=204)


def _next_card(
    request: MemberRequest, project: Project, rater: Rater, refused: AnnotationError | None = None
) -> HttpResponse:
    slot = services.claim_next_slot(rater=rater)
    return _card(request, _context(project, rater, slot) | {"refused": refused})


def _card(request: MemberRequest, context: dict[str, object]) -> HttpResponse:
    """The card alone; a refusal is a 409 that carries the way on."""
    refused = context.get("refused")
    status = refused.status if isinstance(refused, AnnotationError) else 200
    return render(request, "annotation/_task.html", context, status=status)


def _context(project: Project, rater: Rater, slot: Slot | None) -> dict[str, object]:
    context: dict[str, object] = {
        "project": project,
        "slot": slot,
        "progress": rater_progress(rater),
        "skip_reasons": Skip.Reason.choices,
    }
    if slot is not None:
        shown = (slot.pair.first, slot.pair.second)
        left, right = shown if slot.first_is_left else shown[::-1]
        context |= {"left": left.text, "right": right.text, "turns": slot.pair.prompt.messages}
    return context


def _before(slot: Slot, rater: Rater) -> dict[str, str]:
    """What the rater had pressed and written before the undo, as it stood on the screen."""
    last = slot.labels.filter(rater=rater, withdrawn=False).order_by("-id").first()
    if last is None:
        return {}
    on_screen = {
        "first": "left" if slot.first_is_left else "right",
        "second": "right" if slot.first_is_left else "left",
    }
    return {"pressed": on_screen.get(last.choice, last.choice), "comment": last.comment}


def _slot_id(request: HttpRequest) -> int:
    text = request.POST.get("task", "")
    if not text.isdecimal() or len(text) > 18:
        raise LeaseError("The task is missing from what was sent.")
    return int(text)


def _lease(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("lease", ""))
    except ValueError as error:
        raise LeaseError("The lease is missing from what was sent.") from error


def _seconds(request: HttpRequest) -> float | None:
    """The time measured by the page; None where a page did not measure it."""
    text = request.POST.get("seconds", "")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan  # refused by the service, with the limits
