"""The policy, the guideline, progress and coverage."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.models import Membership, Role
from accounts.permissions import ADMINS, READERS, SENIORS, MemberRequest, member_view
from annotation import services
from annotation.errors import AnnotationError
from annotation.forms import GuidelineForm, IntakeForm, PolicyForm
from annotation.models import GoldPair, Guideline, Rater
from annotation.queue.progress import forecast, labelled_by
from corpus.intake.policy import (
    held_back_counts,
    identity_report,
    intake_policy,
    largest_groups,
    launch_scan,
    read_original,
    redaction_counts,
    set_intake_policy,
)
from corpus.intake.redaction import KINDS, names_are_found
from corpus.models import IntakeScan, Project, Prompt, PromptOriginal
from corpus.strata import audit

STRATA = (
    ("domain", "Domain"),
    ("difficulty", "Difficulty"),
    ("language", "Language"),
    ("length", "Length"),
    ("sensitive", "Sensitivity"),
)


@member_view(SENIORS)
def policy(request: MemberRequest, project: Project) -> HttpResponseBase:
    stored = services.policy_of(project.pk)
    may_edit = request.membership.role in ADMINS
    form = PolicyForm(
        request.POST if may_edit and request.method == "POST" else None, instance=stored
    )
    status = 200
    if form.is_bound:
        if form.is_valid():
            services.set_policy(project=project, changes=form.cleaned_data)
            messages.success(request, "Saved. The new policy applies from each rater's next task.")
            return redirect("quality_policy", project.slug)
        status = 400
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    settled = GoldPair.objects.filter(project=project, state=GoldPair.State.SETTLED).count()
    stuck = Rater.objects.filter(project=project, status__in=Rater.CALIBRATING).count()
    context = {
        "project": project,
        "tab": "quality",
        "part": "policy",
        "form": form,
        "may_edit": may_edit,
        "settled": settled,
        "calibrating": stuck,
        "seniors": Membership.objects.filter(
            project=project, role__in=[Role.SENIOR, Role.ADMIN]
        ).count(),
        "policy": stored,
    }
    return render(request, "annotation/policy.html", context, status=status)


@member_view(SENIORS)
def guideline(request: MemberRequest, project: Project) -> HttpResponse:
    return _guideline_page(request, project, None)


@member_view(SENIORS)
def guideline_version(request: MemberRequest, project: Project, number: int) -> HttpResponse:
    """One version as raters see it, or beside another (`with`), word by word."""
    shown = get_object_or_404(Guideline, project=project, number=number)
    others = list(project.guidelines.exclude(pk=shown.pk).order_by("-number"))
    wanted = request.GET.get("with", "")
    context = {
        "project": project,
        "tab": "quality",
        "part": "guideline",
        "shown": shown,
        "others": others,
        "other": next((one for one in others if str(one.number) == wanted), None),
        "is_newest": all(one.number < shown.number for one in others),
    }
    return render(request, "annotation/guideline_version.html", context)


@require_POST
@member_view(ADMINS)
def guideline_publish(request: MemberRequest, project: Project) -> HttpResponseBase:
    form = GuidelineForm(request.POST)
    if form.is_valid():
        try:
            new = services.publish_guideline(project=project, text=form.cleaned_data["text"])
        except AnnotationError as error:
            form.add_error("text", str(error))
        else:
            messages.success(
                request,
                f"Version {new.number} is published; raters will be asked to read it before "
                "their next task.",
            )
            return redirect("guideline", project.slug)
    return _guideline_page(request, project, form, status=400)


def _guideline_page(
    request: MemberRequest, project: Project, form: GuidelineForm | None, status: int = 200
) -> HttpResponse:
    versions = list(project.guidelines.order_by("-number"))
    newest = versions[0] if versions else None
    readers = Rater.objects.filter(project=project, user__memberships__project=project)
    context = {
        "project": project,
        "tab": "quality",
        "part": "guideline",
        "versions": versions,
        "newest": newest,
        "raters": readers.count(),
        "have_read": readers.filter(guideline_read=newest).count() if newest else 0,
        "form": form or GuidelineForm(initial={"text": newest.text if newest else ""}),
        "may_edit": request.membership.role in ADMINS,
    }
    return render(request, "annotation/guideline.html", context, status=status)


@member_view(READERS)
def coverage(request: MemberRequest, project: Project) -> HttpResponse:
    strata = [(title, labelled_by(project, column)) for column, title in STRATA]
    context = {
        "project": project,
        "tab": "quality",
        "part": "coverage",
        "forecast": forecast(project, now=timezone.now()),
        "strata": strata,
        "held_back": held_back_counts(project),
        "findings": audit(
            {
                dimension: {row.name: row.pairs for row in rows if row.name != "not specified"}
                for dimension, rows in ((AUDIT_NAMES[title], rows) for title, rows in strata)
            }
        ),
    }
    return render(request, "annotation/coverage.html", context)


AUDIT_NAMES = {
    title: "sensitivity" if column == "sensitive" else column for column, title in STRATA
}


@member_view(SENIORS)
def intake(request: MemberRequest, project: Project) -> HttpResponseBase:
    """What happens to prompts and completions on their way in, and what was found in them."""
    stored = intake_policy(project.pk)
    may_edit = request.membership.role in ADMINS
    posted = request.POST if may_edit and request.method == "POST" else None
    form = IntakeForm(posted, instance=stored)
    if form.is_bound and form.is_valid():
        set_intake_policy(
            project=project,
            changes=form.cleaned_data,
            user=request.user,  # type: ignore[arg-type]
        )
        messages.success(request, "Saved. Existing data is being scanned in the background.")
        return redirect("intake", project.slug)
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    context = {
        "project": project,
        "tab": "quality",
        "part": "intake",
        "form": form,
        "may_edit": may_edit,
        "names_are_found": names_are_found(),
        "redacted": [
            (KINDS.get(kind, kind), count) for kind, count in redaction_counts(project).items()
        ],
        "originals": PromptOriginal.objects.filter(prompt__project=project).select_related(
            "prompt"
        )[:20],
        "identities": identity_report(project),
        "groups": largest_groups(project),
        "scans": IntakeScan.objects.filter(project=project).order_by("-id")[:5],
    }
    return render(request, "annotation/intake.html", context, status=400 if form.is_bound else 200)


@require_POST
@member_view(ADMINS)
def scan(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Group the prompts, or look at the completions, now."""
    kind = request.POST.get("kind", "")
    if kind not in IntakeScan.Kind:
        messages.warning(request, f"{kind[:40]!r} is not a known scan.")
    else:
        launch_scan(project=project, kind=IntakeScan.Kind(kind), user=request.user)  # type: ignore[arg-type]
        messages.success(request, "The scan is in the queue.")
    return redirect("intake", project.slug)


@require_POST
@member_view(ADMINS)
def original(request: MemberRequest, project: Project, prompt_id: int) -> HttpResponse:
    """A prompt as it came in. By POST: a look is recorded, and no link or prefetch makes one."""
    prompt = get_object_or_404(Prompt, pk=prompt_id, project=project, original__isnull=False)
    context = {
        "project": project,
        "tab": "quality",
        "part": "intake",
        "prompt": prompt,
        "turns": read_original(prompt=prompt, user=request.user),  # type: ignore[arg-type]
        "looks": prompt.looks.select_related("user").order_by("-id")[:50],
    }
    return render(request, "annotation/original.html", context)
