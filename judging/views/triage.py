"""What people look at first, who labels what, and how often models win."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.permissions import READERS, RESEARCHERS, MemberRequest, member_view
from corpus.models import PairSet, Project
from figures.words import counted
from judging.budget.model_pairs import win_rates
from judging.budget.planner import Plan
from judging.budget.triage import (
    UNSURE,
    known_of,
    plan_labels,
    send_to_raters,
    send_to_seniors,
    triage,
)
from judging.measures.charts import plan_curve
from judging.models import JudgeConfig
from judging.selectors import judges_of
from judging.views.forms import TriageForm


def _asked(request: MemberRequest, project: Project) -> JudgeConfig | None:
    """The judge that was asked about, else the newest; None where there is none."""
    wanted = request.GET.get("judge") or request.POST.get("judge") or ""
    judges = judges_of(project)
    if wanted:
        return get_object_or_404(judges, pk=int(wanted) if wanted.isdecimal() else 0)
    return judges.first()


def _picked(request: MemberRequest, project: Project) -> PairSet | None:
    """The picked pairs that are asked about; None for all of the project."""
    wanted = request.GET.get("picked") or request.POST.get("picked") or ""
    return get_object_or_404(PairSet, project=project, sha256=wanted) if wanted else None


@member_view(READERS)
def triage_page(request: MemberRequest, project: Project) -> HttpResponse:
    config = _asked(request, project)
    picked = _picked(request, project)
    asked = any(request.GET.get(name) for name in ("hours", "money"))
    form = TriageForm({"within": UNSURE, **request.GET.dict()} if request.GET else None)
    within = UNSURE
    plan: Plan | None = None
    if form.is_bound and form.is_valid():
        within = form.cleaned_data["within"]
    if config is not None and asked and form.is_valid():
        plan = _plan(config, form, picked)
    context = {
        "project": project,
        "tab": "judge",
        "part": "triage",
        "judges": judges_of(project),
        "judge": config,
        "picked": picked,
        "form": form,
        "within": within,
        "found": None if config is None else triage(config, within=within, picked=picked),
        "known": None if config is None else known_of(config),
        "plan": plan,
        "currency": settings.CURRENCY,
        "may_act": request.membership.role in RESEARCHERS,
    }
    return render(request, "judging/triage.html", context, status=400 if form.errors else 200)


@member_view(READERS)
def triage_charts(request: MemberRequest, project: Project) -> JsonResponse:
    """The curve of the plan that the address asks for."""
    config = _asked(request, project)
    form = TriageForm({"within": UNSURE, **request.GET.dict()})
    if config is None or not form.is_valid():
        return JsonResponse({"charts": {}})
    plan = _plan(config, form, _picked(request, project))
    return JsonResponse({"charts": {"plan": plan_curve(plan)} if plan and plan.pairs else {}})


def _plan(config: JudgeConfig, form: TriageForm, picked: PairSet | None) -> Plan | None:
    data = form.cleaned_data
    if data["hours"] is None and data["money"] is None:
        return None
    return plan_labels(
        config,
        money=data["money"],
        hours=data["hours"],
        hourly_wage=data["hourly_wage"] or 0.0,
        human_accuracy=data["human_accuracy"],
        human_seconds=data["human_seconds"],
        picked=picked,
    )


@require_POST
@member_view(RESEARCHERS)
def send_triage(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Send what the judge is unsure of to raters, and disputes to seniors."""
    config = _asked(request, project)
    picked = _picked(request, project)
    form = TriageForm(request.POST)
    if config is None or not form.is_valid():
        messages.error(
            request,
            "Nothing was sent: there is no judge, or the distance from one half is not valid.",
        )
        return redirect("triage", project.slug)
    if request.POST.get("to") == "seniors":
        count = send_to_seniors(project=project)
        messages.success(request, f"{counted(count, 'new disputes')} sent to seniors.")
    else:
        within = form.cleaned_data["within"]
        count = send_to_raters(config=config, within=within, picked=picked)
        messages.success(
            request, f"{counted(count, 'pairs')} moved to the front of the raters' queue."
        )
    address = redirect("triage", project.slug)
    address["Location"] += f"?judge={config.pk}" + (f"&picked={picked.sha256}" if picked else "")
    return address


@member_view(READERS)
def win_rates_page(request: MemberRequest, project: Project) -> HttpResponse:
    config = _asked(request, project)
    context = {
        "project": project,
        "tab": "judge",
        "part": "wins",
        "judges": judges_of(project),
        "judge": config,
        "rates": [
            (one, (one.rate.human, one.rate.judge, one.rate.together))
            for one in ([] if config is None else win_rates(config))
        ],
    }
    return render(request, "judging/win_rates.html", context)
