"""The policies, raters and labels over REST, with pages and filters."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as ModelError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, Pages, ProjectView, read_input, user_of
from accounts.permissions import (
    SENIORS,
)
from annotation import services
from annotation.models import (
    Choice,
    Label,
    QualityPolicy,
    Rater,
    RaterCheck,
    StatusChange,
)
from annotation.quality.rater_figures import RaterFigures, rater_figures
from corpus.intake.policy import intake_policy, set_intake_policy
from corpus.models import IntakePolicy, Project


class PolicyInput(serializers.ModelSerializer[QualityPolicy]):
    class Meta:
        model = QualityPolicy
        exclude = ("id", "project", "labels_seen", "skips_seen", "updated_at")


class IntakeInput(serializers.ModelSerializer[IntakePolicy]):
    class Meta:
        model = IntakePolicy
        exclude = ("id", "project")


class Policy(ProjectView):
    @extend_schema(responses=PolicyInput)
    def get(self, request: Request, project_slug: str) -> Response:
        """Show the project's quality policy."""
        return Response(
            PolicyInput(services.policy_of(self.project(request, project_slug).pk)).data
        )

    @extend_schema(request=PolicyInput, responses={200: PolicyInput, 400: REFUSED})
    def patch(self, request: Request, project_slug: str) -> Response:
        """Update the given fields."""
        project = self.project(request, project_slug)
        form = PolicyInput(services.policy_of(project.pk), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        try:
            policy = services.set_policy(project=project, changes=form.validated_data)
        except ModelError as error:
            raise ValidationError(error.message_dict) from error
        return Response(PolicyInput(policy).data)


class Intake(ProjectView):
    @extend_schema(responses=IntakeInput)
    def get(self, request: Request, project_slug: str) -> Response:
        """Show how incoming prompts and completions are processed."""
        return Response(IntakeInput(intake_policy(self.project(request, project_slug).pk)).data)

    @extend_schema(request=IntakeInput, responses={200: IntakeInput, 400: REFUSED})
    def patch(self, request: Request, project_slug: str) -> Response:
        """Update the given fields. Existing data is scanned again in the background."""
        project = self.project(request, project_slug)
        form = IntakeInput(intake_policy(project.pk), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        policy = set_intake_policy(
            project=project, changes=form.validated_data, user=user_of(request)
        )
        return Response(IntakeInput(policy).data)


class CoefficientOutput(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class RaterOutput(serializers.Serializer[RaterFigures]):
    id = serializers.IntegerField(source="rater.pk")
    name = serializers.CharField(source="rater.name")
    kind = serializers.CharField(source="rater.kind")
    status = serializers.CharField(source="rater.status")
    status_reason = serializers.CharField(source="rater.status_reason")
    labels = serializers.IntegerField()
    gold = CoefficientOutput()
    gold_accuracy = serializers.FloatField(allow_null=True)
    self_consistency = serializers.FloatField(allow_null=True)
    median_seconds = serializers.FloatField(source="habits.median_seconds", allow_null=True)
    left_share = serializers.FloatField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    trend = serializers.ListField(child=serializers.FloatField())


class RaterFilter(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Rater.Status.choices, required=False)
    kind = serializers.ChoiceField(choices=Rater.Kind.choices, required=False)


class Raters(ProjectView):
    roles = SENIORS

    @extend_schema(parameters=[RaterFilter, *PAGED], responses=RaterOutput(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the raters with their figures."""
        project = self.project(request, project_slug)
        asked = RaterFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        pages = Pages()
        rows = Rater.objects.filter(project=project, **asked.validated_data)
        page = pages.paginate_queryset(rows.order_by("kind", "name"), request) or []
        return pages.get_paginated_response(
            [RaterOutput(one).data for one in rater_figures(project, list(page))]
        )


class CheckOutput(serializers.ModelSerializer[RaterCheck]):
    class Meta:
        model = RaterCheck
        exclude = ("rater", "newest_label")


class ChangeOutput(serializers.ModelSerializer[StatusChange]):
    class Meta:
        model = StatusChange
        exclude = ("rater",)


class RaterDetailOutput(RaterOutput):
    checks = serializers.SerializerMethodField()
    changes = serializers.SerializerMethodField()

    def get_checks(self, figures: RaterFigures) -> list[dict[str, Any]]:
        return list(CheckOutput(figures.rater.checks.order_by("-id")[:100], many=True).data)

    def get_changes(self, figures: RaterFigures) -> list[dict[str, Any]]:
        rows = figures.rater.status_changes.order_by("-id")[:100]
        return list(ChangeOutput(rows, many=True).data)


class OneRater(ProjectView):
    roles = SENIORS

    @extend_schema(responses=RaterDetailOutput)
    def get(self, request: Request, project_slug: str, rater_id: int) -> Response:
        """Show a rater's figures, checks and history."""
        project = self.project(request, project_slug)
        row = get_object_or_404(Rater, pk=rater_id, project=project)
        return Response(RaterDetailOutput(rater_figures(project, [row])[0]).data)


class ReasonInput(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=["suspend", "reinstate", "calibrate"])
    reason = serializers.CharField(max_length=500)


class RaterStatus(ProjectView):
    @extend_schema(request=ReasonInput, responses={200: RaterDetailOutput, 409: REFUSED})
    def post(self, request: Request, project_slug: str, rater_id: int) -> Response:
        """Suspend, reinstate or recalibrate a rater. The rater can read the reason."""
        project = self.project(request, project_slug)
        row = get_object_or_404(Rater, pk=rater_id, project=project)
        asked = read_input(ReasonInput, request)
        change = {
            "suspend": services.suspend_rater,
            "reinstate": services.reinstate_rater,
            "calibrate": services.send_to_calibration,
        }[asked["action"]]
        change(rater=row, reason=asked["reason"], actor=user_of(request))  # type: ignore[operator]
        row.refresh_from_db()
        return Response(RaterDetailOutput(rater_figures(project, [row])[0]).data)


class LabelRow(serializers.ModelSerializer[Label]):
    rater_name = serializers.CharField(source="rater.name")
    rater_kind = serializers.CharField(source="rater.kind")
    rater_status = serializers.CharField(source="rater.status")

    class Meta:
        model = Label
        fields = (
            *("id", "pair", "rater", "rater_name", "rater_kind", "rater_status", "kind", "choice"),
            *("strength", "p_first", "criteria", "comment", "first_was_left", "seconds"),
            *("guideline", "created_at"),
        )


class LabelFilter(serializers.Serializer[Any]):
    rater = serializers.IntegerField(required=False)
    pair = serializers.IntegerField(required=False)
    kind = serializers.ChoiceField(choices=Label.Kind.choices, required=False)
    choice = serializers.ChoiceField(choices=Choice.choices, required=False)
    since = serializers.DateTimeField(required=False)


class Labels(ListOf):
    output = LabelRow
    filters = LabelFilter

    @extend_schema(parameters=[LabelFilter, *PAGED], responses=LabelRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the labels that currently count, newest first."""
        return self.answer(request, self.project(request, project_slug))

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        since = wanted.pop("since", None)
        rows = Label.objects.effective().filter(project=project, **wanted)
        if since is not None:
            rows = rows.filter(created_at__gte=since)
        return rows.select_related("rater").order_by("-id")
