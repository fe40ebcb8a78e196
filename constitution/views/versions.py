"""Pages of constitutions: their versions, history, comparison, publishing.

They stand here, above constitution/, because who may see them is a matter of annotation's
memberships, which constitution/ does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import ADMINS, READERS, MemberRequest, member_view, user_of
from constitution.errors import ConstitutionError
from constitution.extensions import publish_parts
from constitution.forms import NewConstitutionForm
from constitution.models import Constitution, ConstitutionVersion, Principle
from constitution.selectors import current_version
from constitution.services import (
    create_draft,
    discard_draft,
    draft_from,
    fields_of,
    publish_version,
    retire_version,
    texts_of,
    write_comment,
)
from constitution.texts.comparison import compare_versions
from constitution.texts.fields import EXAMPLE, LABELS, VERIFIERS, as_texts, shots_as_text
from constitution.texts.formats import FORMATS, FormatName, lost_by, write_constitution
from constitution.texts.history import grouped_changes
from corpus.hashing import sha256_of
from corpus.models import Project

DRAFT = ConstitutionVersion.Status.DRAFT
PUBLISHED = ConstitutionVersion.Status.PUBLISHED


@dataclass(frozen=True, slots=True)
class PrincipleRow:
    """A principle with its fields as the editor's texts."""

    principle: Principle
    texts: dict[str, str]


def found_version(project: Project, slug: str, number: int) -> ConstitutionVersion:
    """The project's version of that constitution and number, or Http404."""
    versions = ConstitutionVersion.objects.select_related(
        "constitution__project", "created_by", "based_on__constitution"
    )
    return get_object_or_404(
        versions, constitution__project=project, constitution__slug=slug, number=number
    )


def principle_rows(version: ConstitutionVersion) -> list[PrincipleRow]:
    return [
        PrincipleRow(one, as_texts(fields_of(one)))
        for one in version.principles.order_by("position")
    ]


def version_context(
    request: MemberRequest, project: Project, version: ConstitutionVersion, part: str
) -> dict[str, Any]:
    """What the head of every page of a version shows."""
    may_edit = request.membership.role in ADMINS
    return {
        "project": project,
        "tab": "constitution",
        "part": part,
        "version": version,
        "constitution": version.constitution,
        "is_draft": version.status == DRAFT,
        "may_admin": may_edit,
        "may_edit": may_edit and version.status == DRAFT,
        "formats": FORMATS,
    }


@member_view(READERS)
def constitutions(request: MemberRequest, project: Project) -> HttpResponse:
    return _list_page(request, project, NewConstitutionForm())


def _list_page(
    request: MemberRequest, project: Project, form: NewConstitutionForm, *, status: int = 200
) -> HttpResponse:
    versions = (
        ConstitutionVersion.objects.filter(constitution__project=project)
        .annotate(principle_count=Count("principles"))
        .select_related("created_by")
        .order_by("-number")
    )
    by_constitution: dict[int, list[ConstitutionVersion]] = {}
    for version in versions:
        by_constitution.setdefault(version.constitution_id, []).append(version)
    context = {
        "project": project,
        "tab": "constitution",
        "constitutions": [
            (one, by_constitution.get(one.pk, []))
            for one in Constitution.objects.filter(project=project)
        ],
        "form": form,
        "may_admin": request.membership.role in ADMINS,
    }
    return render(request, "constitution/constitutions.html", context, status=status)


@require_POST
@member_view(ADMINS)
def create_constitution(request: MemberRequest, project: Project) -> HttpResponseBase:
    """A draft from a starter, a file, or nothing."""
    form = NewConstitutionForm(request.POST, request.FILES)
    if not form.is_valid():
        return _list_page(request, project, form, status=400)
    content = form.content()
    try:
        version = create_draft(
            project=project,
            slug=form.cleaned_data["slug"],
            name=form.cleaned_data["name"],
            principles=content.principles,
            few_shots=content.few_shots,
            created_by=user_of(request),
            reason=f"Started from: {form.cleaned_data['start']}",
        )
    except ConstitutionError as error:
        form.add_error(None, str(error))
        return _list_page(request, project, form, status=400)
    return _to_version(version)


@never_cache
@member_view(READERS)
def constitution_version(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponse:
    """A version: the editor of a draft for admins, else the text."""
    return version_page(request, project, found_version(project, slug, number))


def version_page(
    request: MemberRequest,
    project: Project,
    version: ConstitutionVersion,
    *,
    shots: str | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """A version's page; `shots` is a text of conversations that could not be stored, and
    `problem` says why."""
    context = version_context(request, project, version, "principles") | {
        "principles": principle_rows(version),
        "shots": shots_as_text(version.few_shots) if shots is None else shots,
        "shots_digest": shots_digest(version),
        "problem": problem,
        "labels": LABELS,
        "verifiers": VERIFIERS,
        "example": EXAMPLE,
        "judges": version.judges.count(),
        "runs": version.revision_runs.count(),
    }
    return render(request, "constitution/version.html", context, status=status)


def shots_digest(version: ConstitutionVersion) -> str:
    """What two editors of the conversations are told apart by."""
    return sha256_of(version.few_shots)


@require_GET
@member_view(READERS)
def constitution_export(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    """The version as a file in one of the formats; what a format loses is said before, by page."""
    version = found_version(project, slug, number)
    name = request.GET.get("format", "concord")
    if name not in FORMATS:
        raise Http404("There is no such format.")
    chosen: FormatName = name
    as_json = chosen != "concord" or request.GET.get("as") == "json"
    principles = texts_of(version)
    try:
        text = write_constitution(
            chosen,
            name=version.constitution.name,
            principles=principles,
            few_shots=version.few_shots,
            as_json=as_json,
        )
    except ConstitutionError as error:
        messages.error(request, str(error))
        return _to_version(version)
    lost = lost_by(chosen, principles)
    answer = HttpResponse(
        text, content_type="application/json" if as_json else "application/yaml; charset=utf-8"
    )
    kind = "json" if as_json else "yaml"
    suffix = "" if chosen == "concord" else f"-{chosen}"
    answer["Content-Disposition"] = f'attachment; filename="{slug}-{number}{suffix}.{kind}"'
    if lost:
        answer["X-Concord-Lost"] = " ".join(lost)
    return answer


@member_view(READERS)
def constitution_history(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponse:
    """Who changed what, when and why, and the thread of comments."""
    version = found_version(project, slug, number)
    return _history_page(request, project, version)


def _history_page(
    request: MemberRequest,
    project: Project,
    version: ConstitutionVersion,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = version_context(request, project, version, "history") | {
        "changes": grouped_changes(version),
        "labels": LABELS,
        "comments": version.comments.select_related("author"),
        "names": list(version.principles.order_by("position").values_list("name", flat=True)),
        "about": request.POST.get("principle", ""),
        "text": request.POST.get("text", ""),
        "problem": problem,
    }
    return render(request, "constitution/history.html", context, status=status)


@require_POST
@member_view(READERS)
def constitution_comment(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    version = found_version(project, slug, number)
    user = user_of(request)
    if user is None:
        raise Http404("There is no such version.")
    try:
        write_comment(
            version=version,
            text=request.POST.get("text", ""),
            author=user,
            principle_name=request.POST.get("principle", ""),
        )
    except ConstitutionError as error:
        return _history_page(request, project, version, problem=str(error), status=400)
    return redirect("constitution_history", project.slug, slug, number)


@member_view(READERS)
def constitution_compare(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponse:
    """A version beside another of the same constitution, by default the one before it."""
    version = found_version(project, slug, number)
    others = list(version.constitution.versions.exclude(pk=version.pk).order_by("-number"))
    wanted = request.GET.get("with", "")
    other = next((one for one in others if str(one.number) == wanted), None)
    if wanted and other is None:
        raise Http404("There is no such version.")
    if other is None:
        other = version.based_on or next((one for one in others if one.number < number), None)
        if other is None and others:
            other = others[0]
    context = version_context(request, project, version, "compare") | {
        "others": others,
        "other": other,
        "rows": compare_versions(other, version) if other is not None else [],
        "labels": LABELS,
    }
    return render(request, "constitution/compare.html", context)


@never_cache
@member_view(ADMINS)
def constitution_publish(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    """Asks for confirmation with the figures in view; POST publishes."""
    version = found_version(project, slug, number)
    if version.status != DRAFT:
        messages.error(request, f"{version} is already {version.status}.")
        return _to_version(version)
    if request.method != "POST":
        return _publish_page(request, project, version)
    problem = "" if request.POST.get("confirmed") else "Confirm that you have seen the figures."
    seen = request.POST.get("revision", "")
    if not problem and not (seen.isdecimal() and len(seen) < 10):
        problem = "Part of the form is missing: reload the page."
    if not problem:
        try:
            version = publish_version(
                version=version,
                reason=request.POST.get("reason", ""),
                author=user_of(request),
                revision=int(seen),
            )
        except ConstitutionError as error:
            problem = str(error)
    if problem:
        version.refresh_from_db()
        return _publish_page(request, project, version, problem=problem, status=400)
    messages.success(request, f"{version} is published.")
    return _to_version(version)


def _publish_page(
    request: MemberRequest,
    project: Project,
    version: ConstitutionVersion,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    base = current_version(version)
    parts = [part(version) for part in publish_parts]
    context = version_context(request, project, version, "publish") | {
        "base": base,
        "rows": [] if base is None else compare_versions(base, version),
        "labels": LABELS,
        "parts": [part.html for part in parts],
        "measured": bool(parts) and all(part.complete for part in parts),
        "principle_count": version.principles.count(),
        "problem": problem,
        "reason": request.POST.get("reason", ""),
        "confirmed": bool(request.POST.get("confirmed")),
        "problem_at": _at_fault(request),
    }
    return render(request, "constitution/publish.html", context, status=status)


def _at_fault(request: MemberRequest) -> str:
    """The id of the field that publishing was refused for; empty where there is none."""
    if not request.POST.get("confirmed"):
        return "publish-confirmed"
    return "" if request.POST.get("reason", "").strip() else "publish-reason"


@require_POST
@member_view(ADMINS)
def constitution_retire(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    version = found_version(project, slug, number)
    try:
        retire_version(
            version=version, reason=request.POST.get("reason", ""), author=user_of(request)
        )
        messages.success(request, f"{version} is retired: new judges can no longer use it.")
    except ConstitutionError as error:
        messages.error(request, str(error))
    return _to_version(version)


@require_POST
@member_view(ADMINS)
def constitution_draft(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    """A new draft with this version's text."""
    version = found_version(project, slug, number)
    return _to_version(draft_from(version=version, author=user_of(request)))


@require_POST
@member_view(ADMINS)
def constitution_discard(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    version = found_version(project, slug, number)
    try:
        discard_draft(version=version)
    except ConstitutionError as error:
        messages.error(request, str(error))
        return _to_version(version)
    messages.success(request, f"The draft {slug}@{number} was discarded.")
    return redirect("constitutions", project.slug)


def _to_version(version: ConstitutionVersion) -> HttpResponseBase:
    constitution = version.constitution
    return redirect(
        "constitution_version", constitution.project.slug, constitution.slug, version.number
    )
