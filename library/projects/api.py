"""Projects over REST: one's own, a new one, a name and description."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import PAGED, REFUSED, Pages, ProjectView, read_input, user_of
from accounts.models import Membership
from accounts.permissions import EVERYONE, project_creator
from accounts.services import describe_project
from annotation.quality.presets import PRESETS
from annotation.services.guidelines import MAX_GUIDELINE_CHARACTERS
from corpus.models.projects import SLUG_CHARACTERS, slug_fault
from library.projects.creating import begin_project
from library.projects.forms import DESCRIPTION_CHARACTERS
from library.projects.starters import STARTERS, guideline_text


class ProjectRow(serializers.ModelSerializer[Membership]):
    slug = serializers.CharField(source="project.slug")
    name = serializers.CharField(source="project.name")
    description = serializers.CharField(source="project.description")
    created_at = serializers.DateTimeField(source="project.created_at")

    class Meta:
        model = Membership
        fields = ("slug", "name", "description", "role", "created_at")


class ProjectInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(
        max_length=DESCRIPTION_CHARACTERS, required=False, allow_blank=True
    )


class NewProjectInput(ProjectInput):
    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(
        max_length=SLUG_CHARACTERS, help_text="Letters, digits, - and _; it cannot be changed."
    )
    guideline = serializers.CharField(
        max_length=MAX_GUIDELINE_CHARACTERS, required=False, trim_whitespace=False
    )
    starter = serializers.ChoiceField(
        choices=STARTERS, required=False, help_text="A guideline to begin with, instead of a text."
    )
    policy = serializers.ChoiceField(choices=list(PRESETS), default="standard")
    sandbox_model = serializers.BooleanField(default=False)

    def validate_slug(self, slug: str) -> str:
        if fault := slug_fault(slug):
            raise serializers.ValidationError(fault)
        return slug

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "guideline" in attrs and "starter" in attrs:
            raise serializers.ValidationError(
                {"starter": "Give a guideline or the name of a starter, not both."}
            )
        return attrs


class Projects(APIView):
    @extend_schema(parameters=PAGED, responses=ProjectRow(many=True))
    def get(self, request: Request) -> Response:
        """List the projects you are a member of, by name, with your role in each."""
        own = Membership.objects.filter(user=user_of(request)).select_related("project")
        pages = Pages()
        page = pages.paginate_queryset(own.order_by("project__name", "pk"), request)
        return pages.get_paginated_response(ProjectRow(page, many=True).data)

    @extend_schema(request=NewProjectInput, responses={201: ProjectRow, 400: REFUSED, 409: REFUSED})
    def post(self, request: Request) -> Response:
        """Create a project and become its admin."""
        user = project_creator(request.user)
        asked = read_input(NewProjectInput, request)
        starter = asked.get("starter")
        made = begin_project(
            slug=asked["slug"],
            name=asked["name"],
            admin=user,
            now=timezone.now(),
            description=asked.get("description", ""),
            guideline=guideline_text(starter) if starter else asked.get("guideline", ""),
            preset=asked["policy"],
            with_sandbox_model=asked["sandbox_model"],
        )
        row = Membership.objects.select_related("project").get(user=user, project=made.project)
        return Response(ProjectRow(row).data, status=status.HTTP_201_CREATED)


class OneProject(ProjectView):
    roles = EVERYONE

    @extend_schema(responses=ProjectRow)
    def get(self, request: Request, project_slug: str) -> Response:
        """Show a project and your role in it."""
        return Response(ProjectRow(self.member(request, project_slug)).data)

    @extend_schema(request=ProjectInput, responses={200: ProjectRow, 400: REFUSED})
    def patch(self, request: Request, project_slug: str) -> Response:
        """Change the name or description."""
        member = self.member(request, project_slug)
        member.project = describe_project(
            project=member.project, changes=read_input(ProjectInput, request)
        )
        return Response(ProjectRow(member).data)
