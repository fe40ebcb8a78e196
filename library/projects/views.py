"""The page on which a project begins, and the one that shows its invitations this once."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts.errors import MembershipError
from accounts.permissions import project_creator
from accounts.services.invitations import mail_leaves_here
from accounts.views import mail_invitation
from annotation.errors import AnnotationError
from annotation.quality.presets import PRESETS
from library.projects.creating import NewProject, begin_project
from library.projects.forms import NewProjectForm
from library.projects.starters import STARTERS, guideline_text


@login_required
def new_project(request: HttpRequest) -> HttpResponseBase:
    user = project_creator(request.user)
    form = NewProjectForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = _made(form, user)
        if made is not None:
            return _welcome(request, made)
    context = {
        "form": form,
        "presets": PRESETS,
        "starters": {name: guideline_text(name) for name in STARTERS},
    }
    status = 400 if form.is_bound else 200
    return render(request, "library/new_project.html", context, status=status)


def _made(form: NewProjectForm, user: User) -> NewProject | None:
    """What the form asks for; None when a service refuses, which the form says then."""
    asked = form.cleaned_data
    try:
        return begin_project(
            slug=asked["slug"],
            name=asked["name"],
            admin=user,
            now=timezone.now(),
            description=asked["description"],
            guideline=asked["guideline"],
            preset=asked["policy"],
            invitees=asked["invitees"],
            with_sandbox_model=asked["sandbox"],
        )
    except MembershipError as error:
        form.add_error("slug", str(error))
    except AnnotationError as error:
        form.add_error("guideline", str(error))
    return None


def _welcome(request: HttpRequest, made: NewProject) -> HttpResponse:
    """On to the project; by way of its invitations' links, which are in no later answer."""
    if not made.invited:
        messages.success(request, f"{made.project} is ready.")
        return redirect("project", made.project.slug)
    links = [
        (invitation, request.build_absolute_uri(reverse("invitation", args=[token])))
        for invitation, token in made.invited
    ]
    mailed = mail_leaves_here()
    if mailed:
        for invitation, link in links:
            mail_invitation(request, invitation, link)
    context = {"project": made.project, "links": links, "mailed": mailed}
    answer = render(request, "library/project_created.html", context)
    answer["Cache-Control"] = "no-store"
    return answer
