"""Gold answers: the bank, and authoring without sight of the others' answers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.models import Membership, Role
from accounts.permissions import ADMINS, SENIORS, MemberRequest, member_view
from annotation import services
from annotation.errors import AnnotationError
from annotation.forms import GoldForm
from annotation.models import GoldAnswer, GoldPair
from annotation.quality.gold_supply import gold_supply
from annotation.queue.draws import uniform
from annotation.queue.tasks_shown import on_screen, shown_sides
from annotation.selectors import next_pair_for_gold
from annotation.services.labels import choice_of
from corpus.models import Pair, Project

PAGE = 50


@member_view(SENIORS)
def gold(request: MemberRequest, project: Project) -> HttpResponse:
    """The bank. Which answer was given is shown for settled pairs alone."""
    state = request.GET.get("state", "")
    rows = GoldPair.objects.filter(project=project).annotate(answers=Count("pair__gold_answers"))
    if state in GoldPair.State:
        rows = rows.filter(state=state)
    else:
        state = ""
    counts = dict(
        GoldPair.objects.filter(project=project)
        .order_by()
        .values_list("state")
        .annotate(Count("id"))
    )
    policy = services.policy_of(project.pk)
    context = {
        "project": project,
        "tab": "quality",
        "part": "gold",
        "page": Paginator(rows.select_related("pair__prompt").order_by("-id"), PAGE).get_page(
            request.GET.get("page")
        ),
        "states": [(one.value, one.label, counts.get(one.value, 0)) for one in GoldPair.State],
        "state": state,
        "policy": policy,
        "settled": counts.get(GoldPair.State.SETTLED, 0),
        "seniors": Membership.objects.filter(
            project=project, role__in=[Role.SENIOR, Role.ADMIN]
        ).count(),
        "may_retire": request.membership.role in ADMINS,
        "supply": gold_supply(project, policy),
    }
    return render(request, "annotation/gold.html", context)


@member_view(SENIORS)
def gold_next(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The pair on which this senior's answer helps most: disputed ones first. `after` is the pair
    that they leave for now."""
    after = request.GET.get("after", "")
    pair = next_pair_for_gold(
        project, request.user, after=int(after) if after.isdecimal() and len(after) < 19 else None
    )
    if pair is None:
        messages.info(request, "There are no pairs left for you to give a gold answer on.")
        return redirect("gold", project.slug)
    return redirect("gold_pair", project.slug, pair.pk)


@member_view(SENIORS)
def gold_pair(request: MemberRequest, project: Project, pair_id: int) -> HttpResponseBase:
    """One pair with its form; after an answer, on to the next."""
    pair = get_object_or_404(
        Pair.objects.select_related("prompt", "first", "second"), pk=pair_id, project=project
    )
    first_is_left = uniform("gold", pair.pk, request.user.pk or 0) < 0.5
    form = GoldForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            data: dict[str, Any] = form.cleaned_data
            try:
                services.answer_gold(
                    pair=pair,
                    author=request.user,  # type: ignore[arg-type]
                    choice=choice_of(data["choice"], first_is_left=first_is_left),
                    note=data["note"],
                )
            except AnnotationError as error:
                form.add_error(None, str(error))
                status = error.status
            else:
                messages.success(request, "Your answer has been saved.")
                return redirect("gold_next", project.slug)
    mine = GoldAnswer.objects.filter(pair=pair, author=request.user.pk).first()
    left, right = shown_sides(pair, first_is_left=first_is_left)
    context = {
        "project": project,
        "tab": "quality",
        "part": "gold",
        "pair": pair,
        "turns": pair.prompt.messages,
        "left": left,
        "right": right,
        "form": form,
        "mine": mine,
        "pressed": mine and on_screen(mine.choice, first_is_left=first_is_left),
    }
    return render(request, "annotation/gold_pair.html", context, status=status)


@require_POST
@member_view(ADMINS)
def gold_retire(request: MemberRequest, project: Project, pair_id: int) -> HttpResponseBase:
    row = get_object_or_404(GoldPair, pair=pair_id, project=project)
    try:
        services.retire_gold(gold=row)
    except AnnotationError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "Retired: this pair is no longer shown to raters as gold.")
    return redirect("gold", project.slug)


@require_POST
@member_view(ADMINS)
def gold_restore(request: MemberRequest, project: Project, pair_id: int) -> HttpResponseBase:
    row = get_object_or_404(GoldPair, pair=pair_id, project=project)
    try:
        services.restore_gold(gold=row)
    except AnnotationError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "Restored: the pair is gold again, with its previous answer.")
    return redirect("gold", project.slug)
