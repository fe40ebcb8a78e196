"""Pages on which dataset versions are listed and frozen; that of one stands in exports.showing."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render

from accounts.permissions import READERS, RESEARCHERS, MemberRequest, member_view
from corpus.models import Project
from exports.forms import FreezeForm, FreezeSftForm
from exports.selectors import datasets_of
from exports.services import (
    ExportError,
    Forecast,
    FreezeFilters,
    SftFilters,
    forecast,
    freeze,
    freeze_sft,
)


@member_view(READERS)
def datasets(request: MemberRequest, project: Project) -> HttpResponse:
    return _list_page(
        request, project, FreezeForm(initial={"picked": request.GET.get("picked", "")})
    )


@member_view(RESEARCHERS)
def freeze_dataset(request: MemberRequest, project: Project) -> HttpResponseBase:
    form = FreezeForm(_with_larger_share(request.POST) or None)
    if request.method != "POST" or not form.is_valid():
        return _list_page(request, project, form, status=400 if form.is_bound else 200)
    created_by = request.user if isinstance(request.user, User) else None
    try:
        small = _small_split(request, project, form.filters())
        if small is not None:
            return _list_page(request, project, form, small=small)
        dataset = freeze(
            project=project,
            name=form.cleaned_data["name"],
            filters=form.filters(),
            created_by=created_by,
        )
    except ExportError as error:
        form.add_error(None, str(error))
        return _list_page(request, project, form, status=400)
    messages.success(request, f"{dataset} is frozen.")
    return redirect("dataset", project.slug, dataset.sha256)


@member_view(RESEARCHERS)
def freeze_sft_dataset(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The form of an SFT dataset; POST freezes it."""
    if request.method != "POST":
        form = FreezeSftForm(project, initial={"runs": request.GET.getlist("run")})
        return _sft_page(request, project, form)
    form = FreezeSftForm(project, _with_larger_share(request.POST))
    if not form.is_valid():
        return _sft_page(request, project, form, status=400)
    try:
        small = _small_split(request, project, form.filters())
        if small is not None:
            return _sft_page(request, project, form, small=small)
        dataset = freeze_sft(
            project=project,
            name=form.cleaned_data["name"],
            filters=form.filters(),
            created_by=request.user if isinstance(request.user, User) else None,
        )
    except ExportError as error:
        form.add_error(None, str(error))
        return _sft_page(request, project, form, status=400)
    messages.success(request, f"{dataset} is frozen.")
    return redirect("dataset", project.slug, dataset.sha256)


def _with_larger_share(posted: QueryDict) -> QueryDict:
    """What was posted, with the share of validation that the page offered where it was taken."""
    if not posted.get("larger_share"):
        return posted
    changed = posted.copy()
    changed["validation"], changed["test"] = posted.get("larger_share", ""), "0"
    return changed


def _small_split(
    request: MemberRequest, project: Project, filters: FreezeFilters | SftFilters
) -> Forecast | None:
    """The split that is to be, where its held-out part is too small and nobody has said that this
    is meant, or where a larger share has just been taken: it is shown before it is frozen."""
    if request.POST.get("small_split") == "accept":
        return None
    found = forecast(project=project, filters=filters)
    if request.POST.get("larger_share"):
        return found
    # Nothing at all is told as what it is, by freezing.
    return found if found.warning and sum(found.rows.values()) else None


def _sft_page(
    request: MemberRequest,
    project: Project,
    form: FreezeSftForm,
    *,
    status: int = 200,
    small: Forecast | None = None,
) -> HttpResponse:
    context = {"project": project, "tab": "datasets", "form": form, "small": small}
    return render(request, "exports/freeze_sft.html", context, status=status)


def _list_page(
    request: MemberRequest,
    project: Project,
    form: FreezeForm,
    *,
    status: int = 200,
    small: Forecast | None = None,
) -> HttpResponse:
    context = {
        "project": project,
        "tab": "datasets",
        "datasets": datasets_of(project),
        "form": form,
        "small": small,
        "may_freeze": request.membership.role in RESEARCHERS,
    }
    return render(request, "exports/datasets.html", context, status=status)
