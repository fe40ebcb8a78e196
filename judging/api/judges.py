"""Judges over REST: set one up, what it is worth, attacks on it, its calibration, the bounds."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, read_input, user_of
from accounts.models import Role
from accounts.permissions import ADMINS, RESEARCHERS
from constitution.selectors import published_version
from corpus.models import Project
from inference.registry import ENGINES
from judging.api.base import ErrorsTold
from judging.measures.attacks import launch_attacks, policy_for
from judging.measures.marks import marks_of
from judging.measures.report import report_of, unscaled
from judging.measures.scaling import calibrate, use_calibration
from judging.models import AttackRun, Calibration, JudgeConfig, JudgePolicy
from judging.runs.gate import Standing, standings
from judging.runs.launching import JudgeRequest
from judging.services import ensure_jury
from serving.api import model_named


class JudgeRow(serializers.ModelSerializer[JudgeConfig]):
    name = serializers.CharField(source="rater.name")
    status = serializers.CharField(source="rater.status", help_text="Its status as a rater.")
    constitution = serializers.CharField(source="constitution_version", allow_null=True)
    model = serializers.CharField(source="model_version", allow_null=True)
    settings = serializers.JSONField(
        source="options", help_text="Settings that differ from the defaults."
    )
    attacks_passed = serializers.SerializerMethodField()
    kept_out = serializers.SerializerMethodField()

    class Meta:
        model = JudgeConfig
        fields: tuple[str, ...] = (
            *("id", "name", "status", "constitution", "model", "engine", "template", "tie_band"),
            *("settings", "attacks_passed", "kept_out", "created_at"),
        )

    def get_attacks_passed(self, judge: JudgeConfig) -> bool | None:
        return self._standing(judge).attacks_passed

    def get_kept_out(self, judge: JudgeConfig) -> str:
        return self._standing(judge).kept_out

    def _standing(self, judge: JudgeConfig) -> Standing:
        if not hasattr(self, "_standings"):
            # Read once for a page of judges, which are of one project.
            self._standings = standings(judge.project)
        return self._standings[judge.rater_id]


class Seat(serializers.Serializer[Any]):
    judge = serializers.IntegerField(help_text="ID of a judge.")
    weight = serializers.FloatField(default=1.0)


class JudgeInput(serializers.Serializer[Any]):
    constitution = serializers.CharField(
        required=False, help_text="A published version as SLUG or SLUG@NUMBER; not for juries."
    )
    model = serializers.CharField(
        max_length=200, required=False, help_text="Name of a model version; not for verifiers."
    )
    engine = serializers.ChoiceField(choices=tuple(ENGINES), default="transformers")
    template = serializers.CharField(max_length=40, required=False)
    tie_band = serializers.FloatField(min_value=0, max_value=0.49, default=0.05)
    name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    settings = serializers.JSONField(required=False, help_text="See docs/judge.md.")
    jury = Seat(many=True, required=False, help_text="Other judges, instead of a constitution.")


class Judges(ErrorsTold, ListOf):
    output = JudgeRow
    change_roles = RESEARCHERS

    @extend_schema(operation_id="judges_list", parameters=PAGED, responses=JudgeRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the project's judges and their status, newest first, imported ones included."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(
        operation_id="judges_create",
        request=JudgeInput,
        responses={201: JudgeRow, 400: REFUSED, 404: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Create a judge or a jury. If it already exists, it is returned as it is."""
        project = self.project(request, project_slug)
        given = dict(read_input(JudgeInput, request))
        return Response(JudgeRow(judge_from(project, given)).data, status=status.HTTP_201_CREATED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return (
            JudgeConfig.objects.filter(project=project)
            .select_related(
                "rater", "project", "constitution_version__constitution", "model_version"
            )
            .order_by("-pk")
        )


def judge_from(project: Project, given: dict[str, Any]) -> JudgeConfig:
    """The judge that an input names. ValidationError for fields that do not go together."""
    settings = given.get("settings", {})
    if not isinstance(settings, dict):
        raise serializers.ValidationError({"settings": "Must be an object."})
    if seats := given.get("jury"):
        judges = {
            judge.pk: judge
            for judge in JudgeConfig.objects.filter(
                project=project, pk__in=[seat["judge"] for seat in seats]
            )
        }
        unknown = [seat["judge"] for seat in seats if seat["judge"] not in judges]
        if unknown:
            raise serializers.ValidationError({"jury": f"There is no judge {unknown[0]} here."})
        return ensure_jury(
            project=project,
            name=given["name"],
            judges=[(judges[seat["judge"]], seat["weight"]) for seat in seats],
            tie_band=given["tie_band"],
            combine="majority" if settings.get("combine") == "majority" else "mean",
        )
    if not given.get("constitution"):
        raise serializers.ValidationError({"constitution": "Give a constitution or a jury."})
    asks_a_model = settings.get("mode") != "verifier"
    if asks_a_model and not given.get("model"):
        raise serializers.ValidationError({"model": "Give the name of a model."})
    return JudgeRequest(
        constitution=published_version(project, given["constitution"]),
        model=model_named(project, given["model"]) if asks_a_model else None,
        engine=given["engine"],
        template=given.get("template"),
        tie_band=given["tie_band"],
        name=given["name"],
        settings=settings,
    ).judge(project)


class OfJudge(ErrorsTold):
    change_roles: ClassVar[frozenset[Role]] = RESEARCHERS

    def judge(self, request: Request, project_slug: str, judge_id: int) -> JudgeConfig:
        judges = JudgeConfig.objects.select_related(
            "rater", "project", "constitution_version__constitution", "model_version"
        )
        project = self.project(request, project_slug)
        return get_object_or_404(judges, pk=judge_id, project=project)


class OneJudge(OfJudge):
    @extend_schema(operation_id="judges_read", responses=JudgeRow)
    def get(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """Show a judge and its status."""
        return Response(JudgeRow(self.judge(request, project_slug, judge_id)).data)


class JudgeReportRead(OfJudge):
    @extend_schema(operation_id="judges_report", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """Show a judge's agreement, calibration and biases, each compared with its limit."""
        judge = self.judge(request, project_slug, judge_id)
        report = report_of(judge)
        marks = marks_of(report, policy_for(judge.project))
        return Response({**report.as_json(), "marks": [mark.as_json() for mark in marks]})


class AttackRow(serializers.ModelSerializer[AttackRun]):
    class Meta:
        model = AttackRun
        fields: tuple[str, ...] = (
            *("id", "state", "error", "sample", "seed", "bounds", "passed", "result"),
            *("progress_done", "progress_total", "created_at"),
        )


class AttackInput(serializers.Serializer[Any]):
    sample = serializers.IntegerField(min_value=1, max_value=10_000, default=100)
    seed = serializers.IntegerField(min_value=0, max_value=2**31, default=0)


class Attacks(OfJudge):
    @extend_schema(operation_id="judges_attacks_list", responses=AttackRow(many=True))
    def get(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """List the latest fifty attack tests of a judge."""
        judge = self.judge(request, project_slug, judge_id)
        return Response(AttackRow(judge.attack_runs.all()[:50], many=True).data)

    @extend_schema(
        operation_id="judges_attacks_create",
        request=AttackInput,
        responses={202: AttackRow, 400: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """Test a judge with constant, empty, instructing and padded answers."""
        judge = self.judge(request, project_slug, judge_id)
        given = read_input(AttackInput, request)
        run = launch_attacks(config=judge, created_by=user_of(request), **given)
        return Response(AttackRow(run).data, status=status.HTTP_202_ACCEPTED)


class CalibrationRow(serializers.ModelSerializer[Calibration]):
    class Meta:
        model = Calibration
        fields: tuple[str, ...] = (
            *("id", "method", "parameters", "n", "error_before", "error_after", "in_use"),
            "created_at",
        )


class CalibrationInput(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=Calibration.Method.choices)
    use = serializers.BooleanField(default=False, help_text="Apply it to new labels.")


class Calibrations(OfJudge):
    @extend_schema(operation_id="judges_calibrations_list", responses=CalibrationRow(many=True))
    def get(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """List a judge's scalings, newest first, with their error on held-out pairs."""
        judge = self.judge(request, project_slug, judge_id)
        return Response(CalibrationRow(judge.calibrations.all()[:50], many=True).data)

    @extend_schema(
        operation_id="judges_calibrations_create",
        request=CalibrationInput,
        responses={201: CalibrationRow, 400: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """Fit a scaling of a judge's probabilities on pairs decided by humans."""
        judge = self.judge(request, project_slug, judge_id)
        given = read_input(CalibrationInput, request)
        p, y = unscaled(judge)
        made = calibrate(
            config=judge, method=given["method"], p=p, y=y, created_by=user_of(request)
        )
        if given["use"]:
            use_calibration(config=judge, calibration=made)
            made.refresh_from_db()
        return Response(CalibrationRow(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="judges_calibrations_stop", responses={204: None})
    def delete(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """Stop scaling a judge's labels. The fitted scalings are kept."""
        use_calibration(config=self.judge(request, project_slug, judge_id), calibration=None)
        return Response(status=status.HTTP_204_NO_CONTENT)


class JudgePolicyRow(serializers.ModelSerializer[JudgePolicy]):
    class Meta:
        model = JudgePolicy
        fields: tuple[str, ...] = (
            *("attack_gate", "attack_wins", "padded_wins", "first_shown", "inconsistent"),
            *("length", "formatting", "self_preference", "calibration_error"),
        )


class Bounds(ErrorsTold):
    change_roles = ADMINS

    @extend_schema(operation_id="judge_bounds_read", responses=JudgePolicyRow)
    def get(self, request: Request, project_slug: str) -> Response:
        """Show the limits for judges, and when their labels are left out of datasets."""
        return Response(JudgePolicyRow(policy_for(self.project(request, project_slug))).data)

    @extend_schema(
        operation_id="judge_bounds_update",
        request=JudgePolicyRow(partial=True),
        responses={200: JudgePolicyRow, 400: REFUSED},
    )
    def patch(self, request: Request, project_slug: str) -> Response:
        """Update limits. They take effect immediately."""
        project = self.project(request, project_slug)
        row = JudgePolicyRow(policy_for(project), data=request.data, partial=True)
        row.is_valid(raise_exception=True)
        row.save()
        return Response(row.data)
