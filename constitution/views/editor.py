"""The editor of a draft: every field is stored as it is written, and others' changes come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import ADMINS, READERS, MemberRequest, member_view
from constitution.errors import BadPrincipleError, ConstitutionError, StaleDraftError
from constitution.models import Change, ConstitutionVersion, Principle
from constitution.services import (
    Conflict,
    PrincipleText,
    add_principle,
    duplicate_principle,
    edit_principle,
    fields_of,
    move_principle,
    remove_principle,
    replace_few_shots,
)
from constitution.texts.fields import LABELS, as_texts, from_text, shots_from_text
from constitution.views.versions import (
    found_version,
    principle_rows,
    shots_digest,
    version_page,
)
from corpus.models import Project


@require_POST
@member_view(ADMINS)
def principle_edit(
    request: MemberRequest, project: Project, slug: str, number: int, principle_id: int
) -> HttpResponseBase:
    """Store the fields that were sent, as they were seen at revision `seen`.

    The answer to the page's script is JSON: {revision, fields} when stored, {message, field} with
    400, {message, conflicts, revision} with 409. A form sent without it is answered by the page.
    """
    version = found_version(project, slug, number)
    try:
        fields = {
            name.removeprefix("field-"): from_text(name.removeprefix("field-"), text)
            for name, text in request.POST.items()
            if name.startswith("field-") and isinstance(text, str)
        }
        edited = edit_principle(
            version=version,
            principle_id=principle_id,
            fields=fields,
            seen=_number(request, "seen"),
            author=_author(request),
            reason=request.POST.get("reason", ""),
        )
    except ConstitutionError as error:
        if not _wants_json(request):
            messages.error(request, str(error))
            return redirect("constitution_version", project.slug, slug, number)
        return _refused(error, version, principle_id)
    if not _wants_json(request):
        return redirect("constitution_version", project.slug, slug, number)
    version.refresh_from_db()
    return JsonResponse(
        {"revision": version.revision, "fields": as_texts(fields_of(edited.principle))}
    )


@require_POST
@member_view(ADMINS)
def few_shots_edit(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    """Put other few-shot conversations into a draft; a text that is none is shown again."""
    version = found_version(project, slug, number)
    text = request.POST.get("few_shots", "")
    try:
        if request.POST.get("before", "") != shots_digest(version):
            raise StaleDraftError(
                "Someone else changed the conversations while you were editing. Theirs are "
                "saved; yours are below. Merge them and save again."
            )
        replace_few_shots(
            version=version,
            few_shots=shots_from_text(text),
            author=_author(request),
            reason=request.POST.get("reason", ""),
        )
    except ConstitutionError as error:
        version.refresh_from_db()
        return version_page(request, project, version, shots=text, problem=str(error), status=400)
    return redirect("constitution_version", project.slug, slug, number)


@never_cache
@require_GET
@member_view(READERS)
def draft_changes(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    """What has changed in a draft since revision `since`, and by whom; for the page's script."""
    version = found_version(project, slug, number)
    since = request.GET.get("since", "")
    known = int(since) if since.isdecimal() and len(since) < 10 else 0
    changes = version.changes.filter(revision__gt=known).select_related("author")
    principles = version.principles.order_by("position")
    return JsonResponse(
        {
            "revision": version.revision,
            "status": version.status,
            "order": [one.pk for one in principles],
            "authors": sorted({str(one.author) for one in changes if one.author}),
            "principles": [
                {"id": one.pk, "fields": as_texts(fields_of(one))}
                for one in principles
                if one.revision > known
            ],
        }
    )


@never_cache
@require_GET
@member_view(READERS)
def principles_part(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponse:
    """The cards of a version's principles alone."""
    return _cards(request, project, found_version(project, slug, number))


@require_POST
@member_view(ADMINS)
def principle_add(
    request: MemberRequest, project: Project, slug: str, number: int
) -> HttpResponseBase:
    def act(version: ConstitutionVersion) -> None:
        name = request.POST.get("name", "").strip() or _free_name(version)
        add_principle(
            version=version,
            text=PrincipleText(name, ""),
            author=_author(request),
            reason=request.POST.get("reason", ""),
        )

    return _structural(request, project, slug, number, act)


@require_POST
@member_view(ADMINS)
def principle_duplicate(
    request: MemberRequest, project: Project, slug: str, number: int, principle_id: int
) -> HttpResponseBase:
    def act(version: ConstitutionVersion) -> None:
        duplicate_principle(version=version, principle_id=principle_id, author=_author(request))

    return _structural(request, project, slug, number, act)


@require_POST
@member_view(ADMINS)
def principle_remove(
    request: MemberRequest, project: Project, slug: str, number: int, principle_id: int
) -> HttpResponseBase:
    def act(version: ConstitutionVersion) -> None:
        remove_principle(
            version=version,
            principle_id=principle_id,
            seen=_number(request, "seen"),
            author=_author(request),
            reason=request.POST.get("reason", ""),
        )

    return _structural(request, project, slug, number, act)


@require_POST
@member_view(ADMINS)
def principle_move(
    request: MemberRequest, project: Project, slug: str, number: int, principle_id: int
) -> HttpResponseBase:
    def act(version: ConstitutionVersion) -> None:
        move_principle(
            version=version,
            principle_id=principle_id,
            to=_number(request, "to"),
            author=_author(request),
        )

    return _structural(request, project, slug, number, act)


def _structural(
    request: MemberRequest,
    project: Project,
    slug: str,
    number: int,
    act: Callable[[ConstitutionVersion], None],
) -> HttpResponseBase:
    """Do it; the answer is the cards as they stand then, with a word where it was refused."""
    version = found_version(project, slug, number)
    refused = ""
    try:
        act(version)
    except ConstitutionError as error:
        refused = str(error)
    if request.headers.get("HX-Request") != "true":
        if refused:
            messages.error(request, refused)
        return redirect("constitution_version", project.slug, slug, number)
    version.refresh_from_db()
    return _cards(request, project, version, refused=refused)


def _cards(
    request: MemberRequest, project: Project, version: ConstitutionVersion, *, refused: str = ""
) -> HttpResponse:
    context = {
        "project": project,
        "version": version,
        "principles": principle_rows(version),
        "may_edit": request.membership.role in ADMINS
        and version.status == ConstitutionVersion.Status.DRAFT,
        "refused": refused,
    }
    return render(request, "constitution/_principles.html", context, status=409 if refused else 200)


def _refused(
    error: ConstitutionError, version: ConstitutionVersion, principle_id: int
) -> JsonResponse:
    if isinstance(error, BadPrincipleError):
        return JsonResponse({"message": str(error), "field": error.field}, status=400)
    answer: dict[str, Any] = {"message": str(error), "conflicts": []}
    if isinstance(error, StaleDraftError):
        version.refresh_from_db()
        there = Principle.objects.filter(pk=principle_id).first()
        answer["revision"] = version.revision
        answer["fields"] = as_texts(fields_of(there)) if there is not None else {}
        answer["conflicts"] = [
            _conflict(one, version, principle_id)
            for one in error.conflicts
            if isinstance(one, Conflict)
        ]
    return JsonResponse(answer, status=409)


def _conflict(one: Conflict, version: ConstitutionVersion, principle_id: int) -> dict[str, str]:
    """The three texts of a field, as the editor shows them, and who wrote theirs."""
    empty = fields_of(PrincipleText("", ""))
    last = (
        version.changes.filter(principle_id=principle_id, action=Change.Action.EDITED)
        .select_related("author")
        .first()
    )
    texts = {
        side: as_texts({**empty, one.field: value})[one.field]
        for side, value in (("base", one.base), ("theirs", one.theirs), ("mine", one.mine))
    }
    who = str(last.author) if last is not None and last.author else "Somebody"
    return {"field": one.field, "label": LABELS[one.field], "who": who, **texts}


def _free_name(version: ConstitutionVersion) -> str:
    taken = set(version.principles.values_list("name", flat=True))
    number = len(taken) + 1
    while f"principle {number}" in taken:
        number += 1
    return f"principle {number}"


def _number(request: MemberRequest, name: str) -> int:
    text = request.POST.get(name, "")
    if not text.isdecimal() or len(text) > 9:
        raise BadPrincipleError(name, f"{name} is missing from the form.")
    return int(text)


def _author(request: MemberRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _wants_json(request: MemberRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
