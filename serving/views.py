"""The page of engines and servers, and the playground."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import ADMINS, RESEARCHERS, MemberRequest, member_view
from corpus.models import Project
from serving.errors import UnknownServerError
from serving.forms import PlaygroundForm
from serving.models import Trial
from serving.playground import launch_trial
from serving.selectors import ended_servers, lost_servers, server_views, usage_of_project
from serving.servers import request_stop


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(RESEARCHERS)
def inference(request: MemberRequest, project: Project) -> HttpResponse:
    """Servers, what inference took, and the playground, for the model that the address names; the
    servers alone for polling."""
    if request.headers.get("HX-Request") == "true" and "whole" not in request.GET:
        return render(request, "serving/_servers.html", _servers(request, project))
    initial = {"model": request.GET.get("model", "")}
    return _page(request, project, PlaygroundForm(project, initial=initial))


@require_POST
@member_view(RESEARCHERS)
def playground(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Have one prompt tried on one model."""
    form = PlaygroundForm(project, request.POST)
    if not form.is_valid() or not isinstance(request.user, User):
        return _page(request, project, form, status=400)
    trial = launch_trial(project=project, created_by=request.user, **form.cleaned_data)
    return redirect("trial", project.slug, trial.pk)


@vary_on_headers("HX-Request")
@member_view(RESEARCHERS)
def trial(request: MemberRequest, project: Project, trial_id: int) -> HttpResponse:
    """What came of a trial, with the form filled in for the next; the result alone for polling."""
    found = get_object_or_404(
        Trial.objects.select_related("model_version"), pk=trial_id, project=project
    )
    shown: dict[str, Any] = {"trial": found, "shares": _shares(found)}
    if request.headers.get("HX-Request") == "true":
        return render(request, "serving/_trial.html", {"project": project, **shown})
    form = PlaygroundForm(
        project,
        initial={
            "model": found.model_version_id,
            "engine": found.engine,
            "system": found.system,
            "prompt": found.prompt,
            "options": ", ".join(found.options),
            "max_tokens": found.max_tokens,
            "temperature": found.temperature,
            "seed": found.seed,
        },
    )
    return _page(request, project, form, **shown)


@require_POST
@member_view(ADMINS)
def stop_server(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Ask a server that was started here to stop."""
    try:
        server = request_stop(request.POST.get("name", ""))
    except UnknownServerError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{server.name} was asked to stop.")
    return redirect("inference", project.slug)


def _shares(trial: Trial) -> list[tuple[str, float]]:
    return list(zip(trial.options, trial.result.get("probabilities", []), strict=False))


def _page(
    request: MemberRequest,
    project: Project,
    form: PlaygroundForm,
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    page = {
        **_servers(request, project),
        "form": form,
        "usage": usage_of_project(project),
        "currency": settings.CURRENCY,
        "trials": Trial.objects.filter(project=project).select_related("model_version")[:10],
        **context,
    }
    return render(request, "serving/inference.html", page, status=status)


def _servers(request: MemberRequest, project: Project) -> dict[str, object]:
    return {
        "project": project,
        "tab": "inference",
        "servers": server_views(),
        "lost": lost_servers(),
        "ended": ended_servers()[:10],
        "may_stop": request.membership.role in ADMINS,
    }
