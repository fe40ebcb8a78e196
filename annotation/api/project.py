"""Guidelines, agreement, consensus and progress over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, Pages, ProjectView, read_input
from accounts.models import Role
from accounts.permissions import (
    LABELLERS,
)
from annotation import services
from annotation.agreement.snapshots import agreement_now
from annotation.api.labelling import rater_in
from annotation.consensus.selectors import CHOICES, METHODS, consensus_of
from annotation.models import Guideline
from annotation.queue.progress import forecast, labelled_by
from annotation.views.agreement import PARTS
from annotation.views.quality import STRATA
from corpus.models import Project


class GuidelineRow(serializers.ModelSerializer[Guideline]):
    class Meta:
        model = Guideline
        fields = ("number", "text", "sha256", "created_at")


class GuidelineInput(serializers.Serializer[Any]):
    text = serializers.CharField(trim_whitespace=False)


class Guidelines(ListOf):
    roles = frozenset(Role)
    output = GuidelineRow

    @extend_schema(parameters=PAGED, responses=GuidelineRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the versions of the guideline, newest first."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(request=GuidelineInput, responses={201: GuidelineRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str) -> Response:
        """Publish a new version of the guideline."""
        project = self.project(request, project_slug)
        new = services.publish_guideline(
            project=project, text=read_input(GuidelineInput, request)["text"]
        )
        return Response(GuidelineRow(new).data, status=status.HTTP_201_CREATED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return project.guidelines.order_by("-number")


class GuidelineRead(ProjectView):
    change_roles = LABELLERS

    @extend_schema(request=None, responses={204: None, 409: REFUSED})
    def post(self, request: Request, project_slug: str, number: int) -> Response:
        """Confirm that the rater has read this version."""
        services.acknowledge_guideline(rater=rater_in(request, project_slug), number=number)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AgreementFilter(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=PARTS, required=False)


class Agreement(ProjectView):
    @extend_schema(parameters=[AgreementFilter], responses={200: dict})
    def get(self, request: Request, project_slug: str) -> Response:
        """The latest agreement figures, optionally broken down with `by`."""
        asked = AgreementFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        project = self.project(request, project_slug)
        snapshot, complete = agreement_now(project=project, now=timezone.now())
        by = asked.validated_data.get("by")
        return Response(
            {
                "counted_at": snapshot.created_at,
                "complete": complete,
                **({"parts": snapshot.parts[by]} if by else {"report": snapshot.report}),
            }
        )


class ConsensusFilter(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=sorted(METHODS), default="majority")
    kinds = serializers.ChoiceField(choices=["human", "judge", "both"], default="both")


class ConsensusRow(serializers.Serializer[Any]):
    pair = serializers.IntegerField()
    choice = serializers.CharField()
    confidence = serializers.FloatField()
    distribution = serializers.DictField(child=serializers.FloatField())


class ConsensusOfAll(ProjectView):
    @extend_schema(parameters=[ConsensusFilter, *PAGED], responses=ConsensusRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """The consensus on each pair with its confidence."""
        asked = ConsensusFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = consensus_of(self.project(request, project_slug), **asked.validated_data)
        pages = Pages()
        places = pages.paginate_queryset(range(len(found.pairs)), request) or []
        best, sure = found.choice, found.confidence
        rows = [
            {
                "pair": int(found.pairs[place]),
                "choice": CHOICES[int(best[place])],
                "confidence": float(sure[place]),
                "distribution": dict(zip(CHOICES, found.distribution[place].tolist(), strict=True)),
            }
            for place in places
        ]
        return pages.get_paginated_response(rows)


class Progress(ProjectView):
    @extend_schema(responses={200: dict})
    def get(self, request: Request, project_slug: str) -> Response:
        """Labels done and needed, the forecast, and coverage by stratum."""
        project = self.project(request, project_slug)
        ahead = forecast(project, now=timezone.now())
        strata = {
            column: [
                {
                    "name": row.name,
                    "pairs": row.pairs,
                    "labelled": row.labelled,
                    "labels": row.labels,
                }
                for row in labelled_by(project, column)
            ]
            for column, _ in STRATA
        }
        return Response(
            {
                "done": ahead.done,
                "wanted": ahead.wanted,
                "per_day": ahead.per_day,
                "finished_on": ahead.finished_on,
                "strata": strata,
            }
        )
