"""Sampling runs over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import base
from accounts.api.base import PAGED, REFUSED, ListOf, read_input, user_of
from accounts.permissions import RESEARCHERS
from corpus.models import PairPolicy, Project, SamplingRun
from inference.registry import ENGINES
from jobs.services import request_cancel
from serving.api import model_named
from serving.errors import BadSamplingError, SamplingError, UnknownModelError
from serving.sampling.estimate import estimate_sampling
from serving.sampling.plan import POLICIES
from serving.sampling.runner import batch_of
from serving.sampling.selection import SamplingSelection
from serving.sampling.services import SamplingRequest, launch_sampling

OF_SELECTION = ("source", "domain", "limit", "with_pairs", "between_models")


class SamplingRunRow(serializers.ModelSerializer[SamplingRun]):
    models = serializers.SerializerMethodField()
    batch = serializers.SerializerMethodField()

    class Meta:
        model = SamplingRun
        fields: tuple[str, ...] = (
            *("id", "state", "error", "models", "engine", "selection", "completions_each"),
            *("temperature", "top_p", "max_tokens", "seed", "pair_policy", "pairs_per_prompt"),
            *("completions_made", "pairs_made", "report", "batch"),
            *("progress_done", "progress_total", "created_at"),
        )

    def get_models(self, run: SamplingRun) -> list[str]:
        return sorted(model.name for model in run.model_versions.all())

    def get_batch(self, run: SamplingRun) -> str:
        return batch_of(run)


class SamplingInput(serializers.Serializer[Any]):
    models = serializers.ListField(
        child=serializers.CharField(max_length=200),
        min_length=1,
        max_length=50,
        help_text="Names of model versions.",
    )
    engine = serializers.ChoiceField(choices=tuple(ENGINES), default="transformers")
    source = serializers.CharField(max_length=200, required=False)  # type: ignore[assignment]
    domain = serializers.CharField(max_length=100, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=10_000_000, required=False)
    with_pairs = serializers.BooleanField(
        default=False, help_text="Answer prompts that already have pairs, too."
    )
    completions_each = serializers.IntegerField(
        min_value=1, max_value=64, default=2, help_text="Completions per model and prompt."
    )
    temperature = serializers.FloatField(min_value=0, max_value=2, default=1.0)
    top_p = serializers.FloatField(min_value=0.01, max_value=1, default=1.0)
    max_tokens = serializers.IntegerField(min_value=1, max_value=32_768, required=False)
    seed = serializers.IntegerField(min_value=0, max_value=2**31, default=0)
    pair_policy = serializers.ChoiceField(
        choices=[policy.value for policy in POLICIES], default=PairPolicy.ALL.value
    )
    pairs_per_prompt = serializers.IntegerField(
        min_value=1, max_value=10_000, required=False, help_text="With pair_policy random."
    )
    between_models = serializers.BooleanField(
        default=False, help_text="Pair only completions of different models."
    )


class ErrorsTold(base.ErrorsTold):
    told: ClassVar[base.Errors] = (SamplingError, UnknownModelError)
    bad_input: ClassVar[base.Errors] = (BadSamplingError,)
    change_roles = RESEARCHERS


def _asked(project: Project, request: Request) -> SamplingRequest:
    given = read_input(SamplingInput, request)
    selection = {name: given.pop(name) for name in OF_SELECTION if name in given}
    return SamplingRequest(
        models=[model_named(project, name) for name in given.pop("models")],
        selection=SamplingSelection(**selection),
        pair_policy=PairPolicy(given.pop("pair_policy")),
        **given,
    )


class SamplingRuns(ErrorsTold, ListOf):
    output = SamplingRunRow

    @extend_schema(
        operation_id="sampling_runs_list", parameters=PAGED, responses=SamplingRunRow(many=True)
    )
    def get(self, request: Request, project_slug: str) -> Response:
        """List the sampling runs, newest first."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(
        operation_id="sampling_runs_create",
        request=SamplingInput,
        responses={202: SamplingRunRow, 400: REFUSED, 404: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Have models answer prompts, and make pairs of their completions."""
        project = self.project(request, project_slug)
        run = launch_sampling(
            project=project, request=_asked(project, request), created_by=user_of(request)
        )
        return Response(SamplingRunRow(run).data, status=status.HTTP_202_ACCEPTED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        runs = SamplingRun.objects.filter(project=project)
        return runs.prefetch_related("model_versions")


class SamplingEstimate(ErrorsTold):
    @extend_schema(
        operation_id="sampling_runs_estimate",
        request=SamplingInput,
        responses={200: OpenApiTypes.OBJECT, 400: REFUSED, 404: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Estimate a run: completions, tokens, cost and fit to each model's context."""
        project = self.project(request, project_slug)
        return Response(estimate_sampling(project, _asked(project, request)).as_json())


def _run(project: Project, run_id: int) -> SamplingRun:
    return get_object_or_404(SamplingRun, pk=run_id, project=project)


class OneSamplingRun(ErrorsTold):
    @extend_schema(operation_id="sampling_runs_read", responses=SamplingRunRow)
    def get(self, request: Request, project_slug: str, run_id: int) -> Response:
        """Show a sampling run with its progress and report."""
        return Response(SamplingRunRow(_run(self.project(request, project_slug), run_id)).data)


class CancelSamplingRun(ErrorsTold):
    @extend_schema(
        operation_id="sampling_runs_cancel", request=None, responses={202: SamplingRunRow}
    )
    def post(self, request: Request, project_slug: str, run_id: int) -> Response:
        """Cancel a sampling run. Its completions and pairs are kept."""
        run = _run(self.project(request, project_slug), run_id)
        request_cancel(run)
        return Response(SamplingRunRow(run).data, status=status.HTTP_202_ACCEPTED)
