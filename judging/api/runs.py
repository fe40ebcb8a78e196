"""Judge runs over REST, and what people do with what judges said: triage, plans, win rates."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, read_input, user_of
from accounts.permissions import RESEARCHERS
from corpus.models import Project
from jobs.services import request_cancel
from judging.api.base import ErrorsTold
from judging.api.judges import OfJudge
from judging.budget.model_pairs import win_rates
from judging.budget.planner import LARGEST
from judging.budget.triage import UNSURE, plan_labels, send_to_raters, send_to_seniors, triage
from judging.models import JudgeConfig, JudgeRun
from judging.runs.estimate import estimate_run
from judging.runs.usable import pace_of, usable_of
from judging.selectors import STRATA, PairSelection, run_consistency, run_counts
from judging.services import launch_judge_run


class JudgeRunRow(serializers.ModelSerializer[JudgeRun]):
    judge = serializers.IntegerField(source="config_id")
    judge_name = serializers.CharField(source="config")

    class Meta:
        model = JudgeRun
        fields: tuple[str, ...] = (
            *("id", "state", "error", "judge", "judge_name", "selection", "seed"),
            *("labelled", "abstained", "unscored", "inconsistent", "engine_seconds"),
            *("length_warning", "progress_done", "progress_total", "created_at"),
        )


class JudgeRunWhole(JudgeRunRow):
    verdicts = serializers.SerializerMethodField()
    consistency = serializers.SerializerMethodField()
    usable = serializers.SerializerMethodField()
    pace = serializers.SerializerMethodField()

    class Meta(JudgeRunRow.Meta):
        fields: tuple[str, ...] = (
            *JudgeRunRow.Meta.fields,
            *("verdicts", "consistency", "usable", "pace"),
        )

    def get_verdicts(self, run: JudgeRun) -> dict[str, int]:
        return run_counts(run)

    def get_consistency(self, run: JudgeRun) -> float | None:
        return run_consistency(run)

    def get_usable(self, run: JudgeRun) -> dict[str, Any]:
        return usable_of(run).as_json()

    def get_pace(self, run: JudgeRun) -> dict[str, Any]:
        return asdict(pace_of(run))


class SelectionInput(serializers.Serializer[Any]):
    judge = serializers.IntegerField(help_text="ID of a judge.")
    which = serializers.ChoiceField(choices=["new", "all", "disagreement", "gold"], default="new")
    batch = serializers.CharField(max_length=100, required=False)
    origin = serializers.CharField(max_length=10, required=False)
    domain = serializers.CharField(max_length=100, required=False)
    difficulty = serializers.CharField(max_length=50, required=False)
    source = serializers.CharField(max_length=200, required=False)  # type: ignore[assignment]
    language = serializers.CharField(max_length=35, required=False)
    dataset = serializers.RegexField("^[0-9a-f]{64}$", required=False)
    picked = serializers.RegexField(
        "^[0-9a-f]{64}$", required=False, help_text="sha256 of a set of picked pairs."
    )


class JudgeRunInput(SelectionInput):
    seed = serializers.IntegerField(min_value=0, max_value=2**31, default=0)
    accept_cut = serializers.BooleanField(default=False)


def _asked(project: Project, given: dict[str, Any]) -> tuple[JudgeConfig, PairSelection]:
    judge = get_object_or_404(
        JudgeConfig.objects.select_related("project", "rater", "model_version"),
        pk=given["judge"],
        project=project,
    )
    fields = ("which", "batch", "dataset", "picked", *STRATA)
    return judge, PairSelection(**{name: given[name] for name in fields if name in given})


class JudgeRuns(ErrorsTold, ListOf):
    output = JudgeRunRow
    change_roles = RESEARCHERS

    @extend_schema(
        operation_id="judge_runs_list", parameters=PAGED, responses=JudgeRunRow(many=True)
    )
    def get(self, request: Request, project_slug: str) -> Response:
        """List the judge runs, newest first."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(
        operation_id="judge_runs_create",
        request=JudgeRunInput,
        responses={202: JudgeRunRow, 400: REFUSED, 404: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Start a judge run on a selection of pairs."""
        project = self.project(request, project_slug)
        given = dict(read_input(JudgeRunInput, request))
        judge, selection = _asked(project, given)
        run = launch_judge_run(
            project=project,
            config=judge,
            selection=selection,
            seed=given["seed"],
            accept_cut=given["accept_cut"],
            created_by=user_of(request),
        )
        return Response(JudgeRunRow(run).data, status=status.HTTP_202_ACCEPTED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return JudgeRun.objects.filter(project=project).select_related("config__rater")


class JudgeEstimate(ErrorsTold):
    change_roles = RESEARCHERS

    @extend_schema(
        operation_id="judge_runs_estimate",
        request=SelectionInput,
        responses={200: OpenApiTypes.OBJECT, 400: REFUSED, 404: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Estimate a run: questions, tokens, cost, time and fit to the model's context."""
        project = self.project(request, project_slug)
        judge, selection = _asked(project, dict(read_input(SelectionInput, request)))
        return Response(estimate_run(judge, selection).as_json())


def _run(project: Project, run_id: int) -> JudgeRun:
    runs = JudgeRun.objects.select_related("config__rater", "project")
    return get_object_or_404(runs, pk=run_id, project=project)


class OneJudgeRun(ErrorsTold):
    @extend_schema(operation_id="judge_runs_read", responses=JudgeRunWhole)
    def get(self, request: Request, project_slug: str, run_id: int) -> Response:
        """Show a judge run with its verdicts, speed and cost per usable label."""
        return Response(JudgeRunWhole(_run(self.project(request, project_slug), run_id)).data)


class CancelJudgeRun(ErrorsTold):
    change_roles = RESEARCHERS

    @extend_schema(operation_id="judge_runs_cancel", request=None, responses={202: JudgeRunRow})
    def post(self, request: Request, project_slug: str, run_id: int) -> Response:
        """Cancel a judge run. Its labels are kept."""
        run = _run(self.project(request, project_slug), run_id)
        request_cancel(run)
        run.refresh_from_db()
        return Response(JudgeRunRow(run).data, status=status.HTTP_202_ACCEPTED)


class Within(serializers.Serializer[Any]):
    within = serializers.FloatField(
        min_value=0,
        max_value=0.5,
        default=UNSURE,
        help_text="Distance from one half below which a judge is unsure.",
    )


class SendInput(Within):
    to = serializers.ChoiceField(choices=["raters", "seniors"])
    limit = serializers.IntegerField(min_value=1, max_value=10_000, default=200)


class Triage(OfJudge):
    @extend_schema(
        operation_id="judges_triage",
        parameters=[
            OpenApiParameter(
                "within", float, description="Distance from one half below which a judge is unsure."
            )
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """Count the pairs on which a judge is unsure, abstained or disagrees with humans."""
        judge = self.judge(request, project_slug, judge_id)
        asked = Within(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = triage(judge, within=asked.validated_data["within"])
        return Response(
            {
                "unsure": found.unsure,
                "abstained": found.abstained,
                "disputed": found.disputed,
                "labelled_by_humans": found.human_done,
                "unsure_pairs": [
                    {"pair": one["pair_id"], "p_first": one["p_first"]}
                    for one in found.unsure_pairs
                ],
            }
        )

    @extend_schema(
        operation_id="judges_triage_send",
        request=SendInput,
        responses={200: OpenApiTypes.OBJECT, 400: REFUSED},
    )
    def post(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """Send unsure pairs to the front of the raters' queue, or disputes to seniors."""
        judge = self.judge(request, project_slug, judge_id)
        given = read_input(SendInput, request)
        if given["to"] == "seniors":
            sent = send_to_seniors(project=judge.project)
        else:
            sent = send_to_raters(config=judge, within=given["within"], limit=given["limit"])
        return Response({"sent": sent})


class PlanInput(serializers.Serializer[Any]):
    money = serializers.FloatField(min_value=0, max_value=LARGEST, required=False)
    hours = serializers.FloatField(min_value=0, max_value=LARGEST, required=False)
    hourly_wage = serializers.FloatField(min_value=0, max_value=LARGEST, default=0.0)
    human_accuracy = serializers.FloatField(min_value=0, max_value=1, required=False)
    human_seconds = serializers.FloatField(min_value=0.1, max_value=LARGEST, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "money" not in attrs and "hours" not in attrs:
            raise serializers.ValidationError("Give a budget in money, in hours, or both.")
        return attrs


class PlanLabels(OfJudge):
    @extend_schema(
        operation_id="judges_plan",
        request=PlanInput,
        responses={200: OpenApiTypes.OBJECT, 400: REFUSED},
    )
    def post(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """Plan within a budget who labels how many pairs, with the expected accuracy."""
        judge = self.judge(request, project_slug, judge_id)
        given = dict(read_input(PlanInput, request))
        try:
            made = plan_labels(
                judge,
                money=given.get("money"),
                hours=given.get("hours"),
                hourly_wage=given["hourly_wage"],
                human_accuracy=given.get("human_accuracy"),
                human_seconds=given.get("human_seconds"),
            )
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error
        return Response(made.as_json())


class WinRates(OfJudge):
    @extend_schema(
        operation_id="judges_win_rates",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, project_slug: str, judge_id: int) -> Response:
        """Show win rates of models by humans, by this judge and by both combined."""
        judge = self.judge(request, project_slug, judge_id)
        return Response({"models": [one.as_json() for one in win_rates(judge)]})
