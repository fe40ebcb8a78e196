"""What operations on a project over REST share: roles, pages, filters."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Membership, Role
from accounts.permissions import (
    ADMINS,
    READERS,
    membership_in,
)
from corpus.models import Project
from corpus.storable import unstorable


class ErrorOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]  # the name that clients know
        required=False, help_text="Error messages by field."
    )


REFUSED = OpenApiResponse(ErrorOutput, description="Rejected; nothing was changed.")


class Pages(LimitOffsetPagination):
    default_limit = 50
    max_limit = 1000


class ProjectView(APIView):
    """An operation within a project, for the roles named."""

    roles: ClassVar[frozenset[Role]] = READERS
    change_roles: ClassVar[frozenset[Role]] = ADMINS

    def member(self, request: Request, project_slug: str) -> Membership:
        reading = request.method in ("GET", "HEAD", "OPTIONS")
        return membership_in(
            request.user, project_slug, self.roles if reading else self.change_roles
        )

    def project(self, request: Request, project_slug: str) -> Project:
        return self.member(request, project_slug).project


Errors = tuple[type[Exception], ...]


class ErrorsTold(ProjectView):
    """A view whose refusals by a service are {"code", "message"}: 400 for `bad_input`, 404 for
    `missing`, 409 for what else is `told`."""

    told: ClassVar[Errors] = ()
    bad_input: ClassVar[Errors] = ()
    missing: ClassVar[Errors] = ()

    def handle_exception(self, exc: Exception) -> Response:
        if not isinstance(exc, self.told):
            return super().handle_exception(exc)
        status = 409
        if isinstance(exc, self.bad_input):
            status = 400
        elif isinstance(exc, self.missing):
            status = 404
        code = re.sub(r"(?<!^)(?=[A-Z])", "_", type(exc).__name__.removesuffix("Error")).lower()
        return Response({"code": code, "message": str(exc)}, status=status)


class ListOf(ProjectView):
    """A page of rows. `limit` and `offset` choose the page; `filters` name what can be asked."""

    output: ClassVar[type[serializers.BaseSerializer[Any]]]
    filters: ClassVar[type[serializers.Serializer[Any]]] = serializers.Serializer

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        raise NotImplementedError

    def answer(self, request: Request, project: Project) -> Response:
        asked = self.filters(data=request.query_params)
        asked.is_valid(raise_exception=True)
        pages = Pages()
        page = pages.paginate_queryset(self.rows(project, dict(asked.validated_data)), request)
        return pages.get_paginated_response(self.output(page, many=True).data)


PAGED = [
    OpenApiParameter("limit", int, description="Rows per page, 1 to 1000. Default: 50."),
    OpenApiParameter("offset", int, description="Number of rows to skip."),
]


def user_of(request: Request) -> User:
    user = request.user
    if not isinstance(user, User):
        raise TypeError("A request without a user passed the permission check.")
    return user


def read_input(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated body. ParseError or ValidationError when it is not as `form` says."""
    try:
        body = request.data
    except RecursionError as error:
        raise ParseError("The JSON is nested too deeply.") from error
    if why := unstorable(body):
        named = body.items() if isinstance(body, dict) else ()
        field = next((name for name, one in named if unstorable(one)), "non_field_errors")
        field = "non_field_errors" if unstorable(field) else field
        raise serializers.ValidationError({field: [f"Contains {why}, which cannot be stored."]})
    serializer = form(data=body)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
