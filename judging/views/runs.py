"""Pages of judge runs: launch one, watch it."""

from __future__ import annotations

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import READERS, RESEARCHERS, MemberRequest, member_view, user_of
from corpus.models import Project
from jobs.polling import whole_once_finished
from jobs.selectors import run_seconds
from jobs.services import request_cancel
from judging.errors import JudgingError
from judging.measures.attacks import launch_attacks
from judging.models import JudgeConfig, JudgeRun
from judging.runs.estimate import Estimate, estimate_run
from judging.runs.gate import standings
from judging.runs.launching import JudgeRequest
from judging.runs.usable import pace_of, usable_of
from judging.selectors import judges_of, run_consistency, run_counts
from judging.services import ensure_jury, launch_judge_run
from judging.views.forms import JudgeForm, JuryForm
from serving.models import Usage
from serving.selectors import usage_of_run

RUNS_SHOWN = 100
VERDICTS_A_PAGE = 50


@member_view(READERS)
def judge_runs(request: MemberRequest, project: Project) -> HttpResponse:
    """The judges and their runs."""
    runs = (
        JudgeRun.objects.filter(project=project)
        .select_related("config__rater")
        .annotate(read=Count("verdicts", filter=Q(verdicts__status="ok")))
    )
    standing = standings(project)
    judges = judges_of(project).annotate(
        labelled=Count("rater__labels", filter=Q(rater__labels__superseded_by=None))
    )
    context = {
        "project": project,
        "tab": "judge",
        "part": "runs",
        "runs": runs[:RUNS_SHOWN],
        "judges": [(one, standing[one.rater_id]) for one in judges],
        "may_launch": request.membership.role in RESEARCHERS,
    }
    return render(request, "judging/runs.html", context)


@member_view(RESEARCHERS)
def judge_new(request: MemberRequest, project: Project) -> HttpResponse:
    """The form of a judge and its run; the address may name pairs to begin with."""
    form = JudgeForm(
        project,
        initial={
            name: request.GET.get(name, "")
            for name in ("batch", "dataset", "which", "model", "picked")
        },
    )
    return _new_page(request, project, form)


@require_POST
@member_view(RESEARCHERS)
def launch_judge(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Set the judge up and launch it, or, for the button "Estimate", say what it would take."""
    form = JudgeForm(project, request.POST)
    if not form.is_valid():
        return _new_page(request, project, form, status=400)
    data = form.cleaned_data
    try:
        asked = JudgeRequest(
            constitution=data["constitution"],
            model=data["model"],
            engine=data["engine"],
            template=None,
            tie_band=0.05 if data["tie_band"] is None else data["tie_band"],
            name=data["name"],
            settings=form.settings(),
        )
        if "estimate" in request.POST:
            config = asked.judge(project, store=False)
            found = estimate_run(config, form.selection())
            return _new_page(request, project, form, estimate=found, judge=config)
        config = asked.judge(project)
        run = launch_judge_run(
            project=project,
            config=config,
            selection=form.selection(),
            accept_cut=data["accept_cut"],
            created_by=user_of(request),
        )
        if data["attacks"] and config.model_version_id is not None:
            launch_attacks(config=config, created_by=user_of(request))
    except JudgingError as error:
        form.add_error(None, str(error))
        return _new_page(request, project, form, status=400)
    return redirect("judge_run", project.slug, run.pk)


@require_POST
@member_view(RESEARCHERS)
def create_jury(request: MemberRequest, project: Project) -> HttpResponseBase:
    jury_form = JuryForm(project, request.POST)
    if jury_form.is_valid():
        data = jury_form.cleaned_data
        try:
            jury = ensure_jury(
                project=project,
                name=data["name"],
                judges=[(judge, 1.0) for judge in data["judges"]],
                combine=data["combine"],
            )
            return redirect("judge", project.slug, jury.pk)
        except JudgingError as error:
            jury_form.add_error(None, str(error))
    return _new_page(request, project, JudgeForm(project), status=400, jury_form=jury_form)


def _new_page(
    request: MemberRequest,
    project: Project,
    form: JudgeForm,
    *,
    status: int = 200,
    estimate: Estimate | None = None,
    judge: JudgeConfig | None = None,
    jury_form: JuryForm | None = None,
) -> HttpResponse:
    seats = jury_form or JuryForm(project)
    context = {
        "project": project,
        "tab": "judge",
        "part": "runs",
        "form": form,
        "jury_form": seats,
        "enough_for_a_jury": len(seats.fields["judges"].choices) > 1,  # type: ignore[attr-defined]
        "estimate": estimate,
        "estimated": judge,
        "currency": settings.CURRENCY,
    }
    return render(request, "judging/new_run.html", context, status=status)


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(READERS)
def judge_run(request: MemberRequest, project: Project, run_id: int) -> HttpResponse:
    """A run's page; its status alone for the page's own polling."""
    run = get_object_or_404(
        JudgeRun.objects.select_related("config__rater"), pk=run_id, project=project
    )
    context = {
        "project": project,
        "tab": "judge",
        "part": "runs",
        "run": run,
        "counts": run_counts(run),
        "consistency": run_consistency(run),
        "usage": usage_of_run(Usage.Purpose.JUDGE, run.pk),
        "usable": usable_of(run),
        "pace": pace_of(run),
        "seconds": run_seconds(run),
        "currency": settings.CURRENCY,
        "may_cancel": request.membership.role in RESEARCHERS and not run.is_finished,
    }
    if request.headers.get("HX-Request") == "true":
        return whole_once_finished(render(request, "judging/_run.html", context), run)
    verdicts = run.verdicts.select_related("pair__prompt", "principle").order_by("pk")
    context["page"] = Paginator(verdicts, VERDICTS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "judging/run.html", context)


@require_POST
@member_view(RESEARCHERS)
def cancel_judge(request: MemberRequest, project: Project, run_id: int) -> HttpResponseBase:
    request_cancel(get_object_or_404(JudgeRun, pk=run_id, project=project))
    return redirect("judge_run", project.slug, run_id)
