"""Pages of sampling runs: launch one, watch it, see what came of it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import READERS, RESEARCHERS, MemberRequest, member_view, user_of
from corpus.models import Project, SamplingRun
from jobs.polling import whole_once_finished
from jobs.selectors import run_seconds
from jobs.services import request_cancel
from serving.errors import SamplingError
from serving.models import Usage
from serving.sampling.estimate import Estimate, estimate_sampling
from serving.sampling.forms import SamplingForm
from serving.sampling.runner import batch_of
from serving.sampling.services import launch_sampling
from serving.selectors import usage_of_run

RUNS_SHOWN = 100


@member_view(READERS)
def sampling_runs(request: MemberRequest, project: Project) -> HttpResponse:
    runs = SamplingRun.objects.filter(project=project).prefetch_related("model_versions")
    context = {
        "project": project,
        "tab": "prompts",
        "runs": runs[:RUNS_SHOWN],
        "lacks_prompts": not project.prompts.exists(),
        "may_launch": request.membership.role in RESEARCHERS,
    }
    return render(request, "serving/sampling_runs.html", context)


@member_view(RESEARCHERS)
def sampling_new(request: MemberRequest, project: Project) -> HttpResponse:
    """The form of a run; the address may name a model, a source or a domain to begin with."""
    named = {name: request.GET[name] for name in ("source", "domain") if name in request.GET}
    initial = {name: f"={value}" for name, value in named.items() if value}
    if "model" in request.GET:
        initial["models"] = request.GET["model"]
    return _new_page(request, project, SamplingForm(project, initial=initial))


@require_POST
@member_view(RESEARCHERS)
def launch_sampling_view(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Launch a run, or, for the button "Estimate", say what it would take."""
    form = SamplingForm(project, request.POST)
    if not form.is_valid():
        return _new_page(request, project, form, status=400)
    try:
        if "estimate" in request.POST:
            found = estimate_sampling(project, form.request())
            return _new_page(request, project, form, estimate=found)
        run = launch_sampling(project=project, request=form.request(), created_by=user_of(request))
    except SamplingError as error:
        form.add_error(None, str(error))
        return _new_page(request, project, form, status=400)
    return redirect("sampling_run", project.slug, run.pk)


def _new_page(
    request: MemberRequest,
    project: Project,
    form: SamplingForm,
    *,
    status: int = 200,
    estimate: Estimate | None = None,
) -> HttpResponse:
    context = {
        "project": project,
        "tab": "prompts",
        "form": form,
        "estimate": estimate,
        "currency": settings.CURRENCY,
    }
    return render(request, "serving/sampling_new.html", context, status=status)


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(READERS)
def sampling_run(request: MemberRequest, project: Project, run_id: int) -> HttpResponse:
    """A run's page; its status alone for the page's own polling."""
    run = _run(project, run_id)
    report = run.report
    context = {
        "project": project,
        "tab": "prompts",
        "run": run,
        "models": run.model_versions.order_by("name"),
        "batch": batch_of(run),
        "failures": list(report.get("failures", {}).items()),
        "usage": usage_of_run(Usage.Purpose.SAMPLE, run.pk),
        "seconds": run_seconds(run),
        "currency": settings.CURRENCY,
        "may_cancel": request.membership.role in RESEARCHERS and not run.is_finished,
        "may_judge": request.membership.role in RESEARCHERS and run.pairs_made,
    }
    if request.headers.get("HX-Request") == "true":
        return whole_once_finished(render(request, "serving/_sampling_run.html", context), run)
    return render(request, "serving/sampling_run.html", context)


@require_POST
@member_view(RESEARCHERS)
def cancel_sampling(request: MemberRequest, project: Project, run_id: int) -> HttpResponseBase:
    request_cancel(_run(project, run_id))
    return redirect("sampling_run", project.slug, run_id)


def _run(project: Project, run_id: int) -> SamplingRun:
    return get_object_or_404(SamplingRun, pk=run_id, project=project)
