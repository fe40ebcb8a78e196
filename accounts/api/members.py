"""Members of a project over REST."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, ProjectView, read_input
from accounts.models import Membership, Role
from accounts.permissions import SENIORS
from accounts.services import admit_member, change_role, remove_member
from corpus.models import Project
from corpus.storable import unstorable


class MemberRow(serializers.ModelSerializer[Membership]):
    username = serializers.CharField(source="user.username")

    class Meta:
        model = Membership
        fields = ("username", "role", "created_at")


class RoleInput(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)


class MemberInput(RoleInput):
    username = serializers.CharField(
        max_length=150, help_text="An account that exists; others have to be invited."
    )

    def validate_username(self, username: str) -> User:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise serializers.ValidationError(
                f"There is no account {username!r}. Send the person an invitation instead."
            )
        return user


class Members(ListOf):
    roles = SENIORS
    output = MemberRow

    @extend_schema(parameters=PAGED, responses=MemberRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the members with their roles, by username."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(request=MemberInput, responses={201: MemberRow, 400: REFUSED, 409: REFUSED})
    def post(self, request: Request, project_slug: str) -> Response:
        """Add somebody who has an account."""
        project = self.project(request, project_slug)
        asked = read_input(MemberInput, request)
        member = admit_member(user=asked["username"], project=project, role=Role(asked["role"]))
        return Response(MemberRow(member).data, status=status.HTTP_201_CREATED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return project.memberships.select_related("user").order_by("user__username")


class OneMember(ProjectView):
    roles = SENIORS

    @extend_schema(responses=MemberRow)
    def get(self, request: Request, project_slug: str, username: str) -> Response:
        """Show a member's role."""
        return Response(MemberRow(_member(self.project(request, project_slug), username)).data)

    @extend_schema(request=RoleInput, responses={200: MemberRow, 400: REFUSED, 409: REFUSED})
    def patch(self, request: Request, project_slug: str, username: str) -> Response:
        """Change a member's role. A project keeps at least one admin."""
        member = _member(self.project(request, project_slug), username)
        role = Role(read_input(RoleInput, request)["role"])
        return Response(MemberRow(change_role(membership=member, role=role)).data)

    @extend_schema(request=None, responses={204: None, 409: REFUSED})
    def delete(self, request: Request, project_slug: str, username: str) -> Response:
        """Remove a member; their labels are kept. A project keeps at least one admin."""
        remove_member(membership=_member(self.project(request, project_slug), username))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _member(project: Project, username: str) -> Membership:
    # PostgreSQL is not asked for what no name can be.
    members = project.memberships.select_related("user", "project")
    found = None if unstorable(username) else members.filter(user__username=username).first()
    if found is None:
        raise Http404
    return found
