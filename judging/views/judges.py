"""Pages of one judge: what it is worth, what attacks win with it, how it is calibrated."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import ADMINS, READERS, RESEARCHERS, MemberRequest, member_view, user_of
from annotation.models import RaterCheck
from corpus.models import Project
from jobs.polling import whole_once_finished
from judging.errors import JudgingError
from judging.measures.attacks import launch_attacks, policy_for
from judging.measures.charts import report_charts
from judging.measures.marks import marks_of
from judging.measures.report import report_of, unscaled
from judging.measures.scaling import calibrate, use_calibration
from judging.models import AttackRun, Calibration, JudgeConfig
from judging.runs.gate import standings
from judging.selectors import PairSelection
from judging.services import launch_judge_run
from judging.views.forms import JudgePolicyForm

CHECKS_SHOWN = 10


def _judge(project: Project, judge_id: int) -> JudgeConfig:
    judges = JudgeConfig.objects.select_related(
        "rater", "project", "constitution_version__constitution", "model_version"
    )
    return get_object_or_404(judges, pk=judge_id, project=project)


@vary_on_headers("HX-Request")
@member_view(READERS)
def judge(request: MemberRequest, project: Project, judge_id: int) -> HttpResponse:
    """A judge's page; what attacks come to alone, for the page's own polling."""
    config = _judge(project, judge_id)
    newest = AttackRun.objects.filter(config=config).first()
    context: dict[str, Any] = {
        "project": project,
        "tab": "judge",
        "part": "runs",
        "judge": config,
        "standing": standings(project)[config.rater_id],
        "attack": newest,
        "may_act": request.membership.role in RESEARCHERS,
    }
    if request.headers.get("HX-Request") == "true" and "whole" not in request.GET:
        part = render(request, "judging/_attacks.html", context)
        return part if newest is None else whole_once_finished(part, newest)
    report = report_of(config)
    context |= {
        "report": report,
        "figures": (
            ("κ with humans", report.kappa),
            ("Agreement", report.agreement),
        ),
        "parts": [*report.principles, *report.strata],
        "confusion": list(zip(report.as_json()["categories"], report.confusion, strict=True)),
        "marks": marks_of(report, policy_for(project)),
        "settings": _shown(config),
        "members": config.members.select_related("judge__rater"),
        "checks": RaterCheck.objects.filter(rater=config.rater).order_by("-pk")[:CHECKS_SHOWN],
        "calibrations": config.calibrations.all()[:10],
        "runs": config.runs.all()[:10],
        "gate": policy_for(project).get_attack_gate_display(),
    }
    return render(request, "judging/judge.html", context)


@member_view(READERS)
def judge_charts(request: MemberRequest, project: Project, judge_id: int) -> JsonResponse:
    return JsonResponse({"charts": report_charts(report_of(_judge(project, judge_id)))})


@require_POST
@member_view(RESEARCHERS)
def check_judge(request: MemberRequest, project: Project, judge_id: int) -> HttpResponseBase:
    """Have the judge answer gold alone."""
    try:
        run = launch_judge_run(
            project=project,
            config=_judge(project, judge_id),
            selection=PairSelection(which="gold"),
            created_by=user_of(request),
        )
    except JudgingError as error:
        messages.error(request, str(error))
        return redirect("judge", project.slug, judge_id)
    return redirect("judge_run", project.slug, run.pk)


@require_POST
@member_view(RESEARCHERS)
def attack_judge(request: MemberRequest, project: Project, judge_id: int) -> HttpResponseBase:
    try:
        launch_attacks(config=_judge(project, judge_id), created_by=user_of(request))
    except JudgingError as error:
        messages.error(request, str(error))
    return redirect("judge", project.slug, judge_id)


@require_POST
@member_view(RESEARCHERS)
def calibrate_judge(request: MemberRequest, project: Project, judge_id: int) -> HttpResponseBase:
    """Fit a scaling on pairs that humans decided; it is not in use by that alone."""
    config = _judge(project, judge_id)
    method = request.POST.get("method")
    if method not in Calibration.Method.values:
        messages.error(request, "Choose temperature or isotonic scaling.")
        return redirect("judge", project.slug, judge_id)
    p, y = unscaled(config)
    try:
        calibrate(
            config=config,
            method="isotonic" if method == "isotonic" else "temperature",
            p=p,
            y=y,
            created_by=user_of(request),
        )
    except JudgingError as error:
        messages.error(request, str(error))
    return redirect("judge", project.slug, judge_id)


@require_POST
@member_view(RESEARCHERS)
def scale_judge(request: MemberRequest, project: Project, judge_id: int) -> HttpResponseBase:
    """Use one of the judge's calibrations for its labels from now on, or none."""
    config = _judge(project, judge_id)
    wanted = request.POST.get("calibration", "")
    chosen = None
    if wanted:
        chosen = get_object_or_404(config.calibrations, pk=int(wanted) if wanted.isdecimal() else 0)
    use_calibration(config=config, calibration=chosen)
    messages.success(
        request,
        "New labels will be scaled. Existing labels do not change."
        if chosen
        else "New labels will no longer be scaled.",
    )
    return redirect("judge", project.slug, judge_id)


@member_view(READERS)
def judge_policy(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The bounds: read by all, set by admins."""
    may_edit = request.membership.role in ADMINS
    posted = request.POST if request.method == "POST" and may_edit else None
    form = JudgePolicyForm(posted, instance=policy_for(project))
    if form.is_bound and form.is_valid():
        form.save()
        messages.success(request, "Saved. The new bounds apply at once.")
        return redirect("judge_policy", project.slug)
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    context = {
        "project": project,
        "tab": "judge",
        "part": "policy",
        "form": form,
        "may_edit": may_edit,
    }
    status = 400 if form.is_bound else 200
    if request.method == "POST" and not may_edit:
        status = 403
    return render(request, "judging/policy.html", context, status=status)


def _shown(config: JudgeConfig) -> list[tuple[str, Any]]:
    """What the judge is, setting by setting."""
    settings = config.settings
    if settings.mode == "jury":
        return [("Mode", "jury"), ("Combined by", settings.combine)]
    if config.foreign:
        return [("Mode", "none: its verdicts were imported")]
    if config.reviser:
        return [("Mode", "none: labels from critique and revision runs carry this name")]
    shown: list[tuple[str, Any]] = [
        ("Mode", settings.mode),
        ("Constitution", config.constitution_version),
    ]
    if config.model_version is not None:
        shown += [("Model", config.model_version), ("Engine", config.engine)]
        shown += [("Template", config.template)]
    size = settings.ensemble_size or "all"
    policy = {
        "ensemble": f"the average over {size}",
        "one_drawn": "one drawn at random for each pair",
        "together": "all in one prompt",
    }
    shown += [
        ("Principles", policy[settings.principles]),
        ("Tie band", f"{config.tie_band:g} around ½"),
    ]
    if config.model_version is not None:
        both = "both" if settings.orders == "both" else "one, drawn at random for each pair"
        shown += [
            ("Orders", both),
            ("Abstains if orders differ by more than", f"{settings.contradiction:g}"),
        ]
    if settings.mode == "reasoned":
        shown += [
            ("Reasoning samples", settings.samples),
            ("Temperature", f"{settings.temperature:g}"),
            ("Probability bounds", "none" if settings.clamp is None else
             f"{settings.clamp[0]:g} to {settings.clamp[1]:g}"),
        ]  # fmt: skip
    if settings.least_mass:
        shown.append(("Minimum probability of A and B", f"{settings.least_mass:g}"))
    if settings.use_reference:
        shown.append(("Reference answers", "shown"))
    if settings.few_shots:
        shown.append(("Example comparisons", len(settings.few_shots)))
    return shown
