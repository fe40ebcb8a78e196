"""Pages that try a constitution's text: on one prompt, and on what humans have labelled."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import ADMINS, READERS, RESEARCHERS, MemberRequest, member_view, user_of
from constitution.errors import ConstitutionError
from constitution.models import ConstitutionVersion
from constitution.selectors import current_version
from constitution.services import version_sha256
from constitution.views.versions import found_version, version_context
from corpus.models import Pair, Project
from figures.words import counted
from jobs.services import request_cancel
from judging.errors import JudgingError
from judging.models import AuditSet, DraftTrial, ImpactRun
from judging.trials.draft_trial import launch_draft_trial
from judging.trials.forms import ImpactForm, TryForm
from judging.trials.impact import AUDIT_PAIRS, draw_audit_set, launch_impact
from judging.trials.impact_figures import human_outcome

SUGGESTED_PROMPTS = 20
FLIPS_A_PAGE = 25
FLIPS = (("", "All"), ("gained", "Now agree with humans"), ("lost", "No longer agree"))
SAID = {"first": "first", "second": "second", "equal": "equal", "both_bad": "both bad"}
"""A choice in words; both are of the pair's own order."""


@vary_on_headers("HX-Request")
@member_view(READERS)
def constitution_try(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    """The form; POST has a prompt tried."""
    version = found_version(project, slug, number)
    if request.method != "POST":
        form = TryForm(project, version, initial={"prompt": request.GET.get("prompt", "")})
        return _try_page(request, project, version, form)
    if request.membership.role not in RESEARCHERS:
        form = TryForm(project, version)
        return _try_page(request, project, version, form, status=403)
    form = TryForm(project, version, request.POST)
    if not form.is_valid():
        return _try_page(request, project, version, form, status=400)
    try:
        trial = launch_draft_trial(
            version=version, created_by=user_of(request), **form.cleaned_data
        )
    except JudgingError as error:
        form.add_error(None, str(error))
        return _try_page(request, project, version, form, status=400)
    return redirect("draft_trial", project.slug, slug, number, trial.pk)


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(READERS)
def draft_trial(
    request: MemberRequest, project: Project, slug: str, number: int, trial_id: int
) -> HttpResponse:
    """What came of a trial, with the form filled in for the next; the result alone for polling."""
    version = found_version(project, slug, number)
    trial = get_object_or_404(
        DraftTrial.objects.select_related("model_version"), pk=trial_id, version=version
    )
    if request.headers.get("HX-Request") == "true":
        context = {"project": project, "version": version, "trial": trial}
        return render(request, "judging/_draft_trial.html", context)
    form = TryForm(
        project,
        version,
        initial={
            "model": trial.model_version_id,
            "engine": trial.engine,
            "prompt": trial.prompt,
            "answer": trial.answer,
            "temperature": trial.temperature,
            "principle": trial.principles[0]["name"] if len(trial.principles) == 1 else "",
        },
    )
    return _try_page(request, project, version, form, trial=trial)


def _try_page(
    request: MemberRequest,
    project: Project,
    version: ConstitutionVersion,
    form: TryForm,
    *,
    status: int = 200,
    trial: DraftTrial | None = None,
) -> HttpResponse:
    prompts = project.prompts.order_by("sha256")[:SUGGESTED_PROMPTS]
    context = version_context(request, project, version, "try") | {
        "form": form,
        "trial": trial,
        "may_try": request.membership.role in RESEARCHERS,
        "prompts": [one.messages[-1]["content"] for one in prompts if len(one.messages) == 1],
        "trials": DraftTrial.objects.filter(version=version)[:8],
    }
    return render(request, "judging/try.html", context, status=status)


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(READERS)
def constitution_impact(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    """What a draft would change; POST has it measured; the newest run alone for polling."""
    version = found_version(project, slug, number)
    if version.status != ConstitutionVersion.Status.DRAFT:
        messages.info(
            request, f"{version} is {version.status}: impact can only be measured for drafts."
        )
        return redirect("constitution_version", project.slug, slug, number)
    if request.method != "POST":
        run = ImpactRun.objects.filter(version=version).first()
        if request.headers.get("HX-Request") == "true":
            context = {"project": project, "version": version, **_shown(request, run, version)}
            return render(request, "judging/_impact.html", context)
        return _impact_page(request, project, version, ImpactForm(project), run)
    form = ImpactForm(project, request.POST)
    if request.membership.role not in RESEARCHERS:
        return _impact_page(request, project, version, form, None, status=403)
    if not form.is_valid():
        return _impact_page(request, project, version, form, None, status=400)
    try:
        launch_impact(version=version, created_by=user_of(request), **form.cleaned_data)
    except (ConstitutionError, JudgingError) as error:
        form.add_error(None, str(error))
        return _impact_page(request, project, version, form, None, status=400)
    return redirect("constitution_impact", project.slug, slug, number)


def _impact_page(
    request: MemberRequest,
    project: Project,
    version: ConstitutionVersion,
    form: ImpactForm,
    run: ImpactRun | None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = version_context(request, project, version, "impact") | {
        **_shown(request, run, version),
        "form": form,
        "base": current_version(version),
        "audit_set": AuditSet.objects.filter(project=project).first(),
        "audit_pairs": AUDIT_PAIRS,
        "may_measure": request.membership.role in RESEARCHERS,
    }
    return render(request, "judging/impact.html", context, status=status)


def _shown(
    request: MemberRequest, run: ImpactRun | None, version: ConstitutionVersion
) -> dict[str, Any]:
    if run is None:
        return {"run": None, "result": None}
    all_flips = [_worded(flip) for flip in run.result.get("flips", [])]
    which = request.GET.get("flips", "")
    if which not in dict(FLIPS):
        which = ""
    flips = [flip for flip in all_flips if which in ("", flip["came_to"])]
    page = Paginator(flips, FLIPS_A_PAGE).get_page(request.GET.get("page"))
    pairs = Pair.objects.select_related("prompt", "first", "second").in_bulk(
        [flip["pair"] for flip in page]
    )
    return {
        "run": run,
        "result": run.result or None,
        "stale": run.draft_sha256 != version_sha256(version),
        "which": which,
        "kinds_of_flip": FLIPS,
        "page": page,
        "flips": [(flip, pairs.get(flip["pair"])) for flip in page],
        "flips_kept": len(all_flips),
        "flips_left_out": run.result.get("flipped", 0) - len(all_flips),
    }


def _worded(flip: dict[str, Any]) -> dict[str, Any]:
    """A flip with what it came to against humans: gained, lost, or neither."""
    human = human_outcome(flip["human"])
    came_to = {flip["after"]: "gained", flip["before"]: "lost"}.get(human, "")
    return flip | {"came_to": came_to, "human": SAID[flip["human"]]}


@require_POST
@member_view(RESEARCHERS)
def cancel_impact(
    request: MemberRequest, project: Project, slug: str, number: int, run_id: int
) -> HttpResponseBase:
    version = found_version(project, slug, number)
    request_cancel(get_object_or_404(ImpactRun, pk=run_id, version=version))
    return redirect("constitution_impact", project.slug, slug, number)


@require_POST
@member_view(ADMINS)
def draw_audit(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    """A new audit set; figures of the one before are not comparable with its own."""
    try:
        last = AuditSet.objects.filter(project=project).first()
        drawn = draw_audit_set(
            project=project,
            seed=0 if last is None else last.number,
            created_by=user_of(request),
        )
        messages.success(
            request, f"Audit set {drawn.number}: {counted(drawn.audit_pairs.count(), 'pairs')}."
        )
    except JudgingError as error:
        messages.error(request, str(error))
    return redirect("constitution_impact", project.slug, slug, number)
