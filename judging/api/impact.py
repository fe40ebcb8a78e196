"""The impact of a draft, over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, read_input, user_of
from accounts.permissions import RESEARCHERS
from constitution.api.versions import OfVersion
from constitution.views.versions import found_version
from corpus.models import Project
from judging.api.base import ErrorsTold
from judging.models import ImpactRun
from judging.trials.impact import launch_impact
from serving.api import OnModel, model_named


class ImpactRow(serializers.ModelSerializer[ImpactRun]):
    model = serializers.CharField(source="model_version.name")
    base = serializers.CharField(default=None)

    class Meta:
        model = ImpactRun
        fields: tuple[str, ...] = (
            *("id", "state", "error", "base", "model", "engine", "draft_sha256", "result"),
            *("progress_done", "progress_total", "created_at"),
        )


class Impact(ErrorsTold, OfVersion):
    output = ImpactRow
    change_roles = RESEARCHERS

    @extend_schema(parameters=PAGED, responses=ImpactRow(many=True))
    def get(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """List the impact measurements of a draft, newest first."""
        return self.page(request, project_slug, slug, number)

    @extend_schema(request=OnModel, responses={202: ImpactRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Measure the impact of a draft against the version it would replace."""
        project = self.project(request, project_slug)
        version = found_version(project, slug, number)
        given = read_input(OnModel, request)
        run = launch_impact(
            version=version,
            model=model_named(project, given["model"]),
            engine=given["engine"],
            created_by=user_of(request),
        )
        return Response(ImpactRow(run).data, status=status.HTTP_202_ACCEPTED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return ImpactRun.objects.filter(version=self.version).select_related(
            "model_version", "base__constitution"
        )
