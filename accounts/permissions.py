"""Who may do what. Every page and API operation asks here, for every object.

A project in which a user has no membership does not exist for them (404, never 403, so that
nothing can be learnt from the answer); in their own project, a role that may not is told so (403).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render

from accounts.errors import NotARaterError
from accounts.models import Membership, Role
from corpus.models import Project

LABELLERS = frozenset({Role.RATER, Role.SENIOR, Role.ADMIN})
"""Who takes tasks from the queue."""

READERS = frozenset({Role.SENIOR, Role.ADMIN, Role.RESEARCHER})
"""Who sees a project's figures, labels and models."""

RESEARCHERS = frozenset({Role.ADMIN, Role.RESEARCHER})
"""Who freezes datasets and launches judges and training runs."""

SENIORS = frozenset({Role.SENIOR, Role.ADMIN})
"""Who authors gold answers and decides what raters differ on."""

ADMINS = frozenset({Role.ADMIN})

EVERYONE = frozenset(Role)

AnyUser = AbstractBaseUser | AnonymousUser
P = ParamSpec("P")


def may_create_projects(user: AnyUser) -> bool:
    """Whether the user may make a project: whoever governs the installation (superusers, staff and
    who was given Django's permission to add projects), and the admins and researchers of any."""
    if not isinstance(user, User) or not user.is_active:
        return False
    if user.is_staff or user.has_perm("corpus.add_project"):
        return True
    return Membership.objects.filter(user=user, role__in=RESEARCHERS).exists()


def project_creator(user: AnyUser) -> User:
    """The user, who may make projects. PermissionDenied when they may not."""
    if not isinstance(user, User) or not may_create_projects(user):
        raise PermissionDenied(
            "Only admins and researchers can create projects. Ask an admin of this installation."
        )
    return user


def membership_in(user: AnyUser, project_slug: str, roles: frozenset[Role]) -> Membership:
    """The user's membership. Http404 without one, PermissionDenied when the role may not."""
    return membership_where(user, roles, project__slug=project_slug)


def membership_where(user: AnyUser, roles: frozenset[Role], **wanted: str | int) -> Membership:
    """The user's membership that fulfils `wanted`; errors as above."""
    if not isinstance(user, User):
        raise Http404("There is no such project.")
    membership = Membership.objects.select_related("project").filter(user=user, **wanted).first()
    if membership is None:
        raise Http404("There is no such project.")
    if membership.role not in roles:
        allowed = ", ".join(sorted(roles))
        raise PermissionDenied(
            f"Your role in this project is {membership.role}; this needs one of: {allowed}."
        )
    return membership


def is_swapped_in(request: HttpRequest) -> bool:
    """Whether htmx asks, to put the answer into a page that is open. The pages' own scripts, which
    deal with the end of a session themselves, do not name the page they stand on."""
    return "HX-Request" in request.headers and "HX-Current-URL" in request.headers


class MemberRequest(HttpRequest):
    """A request of a signed-in member whose role has been checked."""

    membership: Membership


def user_of(request: MemberRequest) -> User | None:
    """The account, for rows that keep who made them."""
    return request.user if isinstance(request.user, User) else None


def member_view(
    roles: frozenset[Role],
) -> Callable[
    [Callable[Concatenate[MemberRequest, Project, P], HttpResponseBase]],
    Callable[..., HttpResponseBase],
]:
    """Guard a page below `projects/<slug:project_slug>/`; the view gets the project itself."""

    def decorate(
        view: Callable[Concatenate[MemberRequest, Project, P], HttpResponseBase],
    ) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(
            request: MemberRequest, project_slug: str, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            request.membership = membership_in(request.user, project_slug, roles)
            try:
                return view(request, request.membership.project, *args, **kwargs)
            except NotARaterError as error:
                raise PermissionDenied(str(error)) from error

        @wraps(view)
        def signed_in(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated and is_swapped_in(request):
                said = render(request, "includes/signed_out.html")
                # Whatever part of a page was asked for.
                said["HX-Reselect"] = "[data-signed-out]"
                return said
            return login_required(guarded)(request, *args, **kwargs)

        return signed_in

    return decorate
