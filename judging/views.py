"""Pages of judges and their runs."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from annotation.permissions import READERS, RESEARCHERS, MemberRequest, member_view
from corpus.models import Project
from jobs.services import request_cancel
from judging.errors import JudgingError
from judging.forms import JudgeForm
from judging.models import JudgeRun
from judging.selectors import PairSelection, run_consistency, run_counts, run_seconds
from judging.services import ensure_judge, launch_judge_run
from serving.models import Usage
from serving.selectors import usage_of_run


@member_view(READERS)
def judge_runs(request: MemberRequest, project: Project) -> HttpResponse:
    form = JudgeForm(project, initial={"batch": request.GET.get("batch", "")})
    return _runs_page(request, project, form)


@require_POST
@member_view(RESEARCHERS)
def launch_judge(request: MemberRequest, project: Project) -> HttpResponseBase:
    form = JudgeForm(project, request.POST)
    if not form.is_valid():
        return _runs_page(request, project, form, status=400)
    data = form.cleaned_data
    try:
        config = ensure_judge(
            project=project,
            constitution_version=data["constitution"],
            model_version=data["model"],
            engine=data["engine"],
        )
        run = launch_judge_run(
            project=project,
            config=config,
            selection=PairSelection(which=data["which"], batch=data["batch"] or None),
            accept_cut=data["accept_cut"],
            created_by=request.user if isinstance(request.user, User) else None,
        )
    except JudgingError as error:
        form.add_error(None, str(error))
        return _runs_page(request, project, form, status=400)
    return redirect("judge_run", project.slug, run.pk)


def _runs_page(
    request: MemberRequest, project: Project, form: JudgeForm, *, status: int = 200
) -> HttpResponse:
    runs = (
        JudgeRun.objects.filter(project=project)
        .select_related("config__rater")
        .annotate(read=Count("verdicts", filter=Q(verdicts__status="ok")))
    )
    context = {
        "project": project,
        "tab": "judge",
        "runs": runs[:100],
        "form": form,
        "may_launch": request.membership.role in RESEARCHERS,
    }
    return render(request, "judging/runs.html", context, status=status)


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(READERS)
def judge_run(request: MemberRequest, project: Project, run_id: int) -> HttpResponse:
    """A run's page; its status alone for the page's own polling."""
    run = get_object_or_404(JudgeRun.objects.select_related("config"), pk=run_id, project=project)
    context = {
        "project": project,
        "tab": "judge",
        "run": run,
        "counts": run_counts(run),
        "consistency": run_consistency(run),
        "usage": usage_of_run(Usage.Purpose.JUDGE, run.pk),
        "seconds": run_seconds(run),
        "currency": settings.CURRENCY,
        "may_cancel": request.membership.role in RESEARCHERS and not run.is_finished,
    }
    polled = request.headers.get("HX-Request") == "true"
    return render(request, "judging/_run.html" if polled else "judging/run.html", context)


@require_POST
@member_view(RESEARCHERS)
def cancel_judge(request: MemberRequest, project: Project, run_id: int) -> HttpResponseBase:
    request_cancel(get_object_or_404(JudgeRun, pk=run_id, project=project))
    return redirect("judge_run", project.slug, run_id)
