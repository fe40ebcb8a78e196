"""Pairs that seniors decide."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from accounts.permissions import SENIORS, MemberRequest, member_view
from annotation import services
from annotation.errors import AnnotationError, InvalidLabelError
from annotation.models import Adjudication, Label, Rater
from annotation.queue.tasks_shown import on_screen, shown_sides
from annotation.services.adjudication import shown_first_left
from corpus.models import Pair, Project

PAGE = 50


@member_view(SENIORS)
def adjudications(request: MemberRequest, project: Project) -> HttpResponse:
    state = request.GET.get("state", Adjudication.State.OPEN)
    if state not in Adjudication.State:
        state = Adjudication.State.OPEN
    reason = request.GET.get("reason", "")
    rows = Adjudication.objects.filter(project=project, state=state)
    if reason in Adjudication.Reason:
        rows = rows.filter(reason=reason)
    else:
        reason = ""
    counts = dict(
        Adjudication.objects.filter(project=project)
        .order_by()
        .values_list("state")
        .annotate(Count("id"))
    )
    context = {
        "project": project,
        "tab": "quality",
        "part": "adjudication",
        "page": Paginator(
            rows.select_related("pair__prompt", "decided_by").order_by("id"), PAGE
        ).get_page(request.GET.get("page")),
        "states": [(one.value, one.label, counts.get(one.value, 0)) for one in Adjudication.State],
        "reasons": Adjudication.Reason.choices,
        "state": state,
        "reason": reason,
    }
    return render(request, "annotation/adjudications.html", context)


@member_view(SENIORS)
def adjudication(request: MemberRequest, project: Project, row_id: int) -> HttpResponseBase:
    """One pair, what was said about it, and the senior's decision."""
    row = get_object_or_404(Adjudication, pk=row_id, project=project)
    rater = services.rater_seat(request.membership)
    first_is_left = shown_first_left(row, rater)
    status = 200
    problem = ""
    if request.method == "POST":
        try:
            words = _decide(request, row, first_is_left)
        except AnnotationError as error:
            problem, status = str(error), error.status
        else:
            messages.success(request, words)
            return _on_to_the_next(project, row)
    pair = Pair.objects.select_related("prompt", "first", "second").get(pk=row.pair_id)
    labels = (
        Label.objects.effective().filter(pair=pair).select_related("rater").order_by("id")[:200]
    )
    left, right = shown_sides(pair, first_is_left=first_is_left)
    context = {
        "project": project,
        "tab": "quality",
        "part": "adjudication",
        "row": row,
        "suspended": rater.status == Rater.Status.SUSPENDED,
        "pair": pair,
        "turns": pair.prompt.messages,
        "left": left,
        "right": right,
        "said": [
            (one, on_screen(one.choice, first_is_left=first_is_left), _for_a(one, first_is_left))
            for one in labels
        ],
        "skips": pair.skips.select_related("rater"),
        "problem": problem,
        "note": request.POST.get("note", ""),
    }
    return render(request, "annotation/adjudication.html", context, status=status)


@member_view(SENIORS)
def adjudication_next(request: MemberRequest, project: Project, row_id: int) -> HttpResponseBase:
    """On to the next pair; this one stays open."""
    return _on_to_the_next(project, get_object_or_404(Adjudication, pk=row_id, project=project))


def _on_to_the_next(project: Project, row: Adjudication) -> HttpResponseBase:
    """The open pair after this one, the first of all after the last."""
    following = Adjudication.objects.filter(
        project=project, state=Adjudication.State.OPEN
    ).order_by("id")
    nearest = following.filter(pk__gt=row.pk).first() or following.first()
    if nearest is None:
        return redirect("adjudications", project.slug)
    return redirect("adjudication", project.slug, nearest.pk)


def _decide(request: MemberRequest, row: Adjudication, first_is_left: bool) -> str:
    rater = services.rater_of(request.membership)
    # The pressed button comes after the hidden field that stands for the choices.
    action = (request.POST.getlist("action") or [""])[-1]
    note = request.POST.get("note", "")[:5000]
    if action == "dismiss":
        services.dismiss(adjudication=row, rater=rater, note=note)
        return "Dismissed: the labels are unchanged."
    if action == "set_aside":
        services.set_aside(adjudication=row, rater=rater, note=note)
        return "Set aside: the pair will no longer be labelled or included in new datasets."
    if action == "bring_back":
        services.bring_back(adjudication=row, rater=rater)
        return "The pair has been restored and is waiting for a decision."
    if action != "decide":
        raise InvalidLabelError(f"{action[:40]!r} is not a known action.")
    services.decide(
        adjudication=row,
        rater=rater,
        judgement=services.Judgement(pressed=request.POST.get("choice", ""), comment=note),
        first_is_left=first_is_left,
        note=note,
    )
    return "Decided: your answer now counts as the pair's label."


def _for_a(label: Label, first_is_left: bool) -> float | None:
    """A judge's probability of what the page calls A."""
    if label.p_first is None:
        return None
    return label.p_first if first_is_left else 1 - label.p_first
