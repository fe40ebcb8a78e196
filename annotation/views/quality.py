"""The policy, the guideline, progress and coverage."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotation import services
from annotation.errors import AnnotationError
from annotation.forms import GuidelineForm, PolicyForm
from annotation.models import GoldPair, Membership, Rater, Role
from annotation.permissions import ADMINS, READERS, SENIORS, MemberRequest, member_view
from annotation.progress import forecast, labelled_by
from corpus.models import Project

STRATA = (
    ("domain", "Domain"),
    ("difficulty", "Difficulty"),
    ("language", "Language"),
    ("sensitive", "Sensitive"),
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
            form.save()
            messages.success(request, "Stored. Queues follow it from the next task on.")
            return redirect("quality_policy", project.slug)
        status = 400
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    settled = GoldPair.objects.filter(project=project, state=GoldPair.State.SETTLED).count()
    stuck = Rater.objects.filter(
        project=project, status__in=[Rater.Status.ONBOARDING, Rater.Status.RETRAINING]
    ).count()
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
                request, f"Version {new.number} is out; raters read it before their next task."
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
    context = {
        "project": project,
        "tab": "quality",
        "part": "coverage",
        "forecast": forecast(project, now=timezone.now()),
        "strata": [(title, labelled_by(project, column)) for column, title in STRATA],
        "held_back": project.pairs.exclude(held_back="").count(),
    }
    return render(request, "annotation/coverage.html", context)
