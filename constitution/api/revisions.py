"""Critique–revise runs and their chains, over REST."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, read_input, user_of
from accounts.permissions import READERS, RESEARCHERS
from constitution.api.base import ErrorsTold
from constitution.models import Chain, Revision, RevisionRun
from constitution.models.revisions import MOST_ROUNDS
from constitution.selectors import published_version, run_counts
from constitution.services import launch_revision_run, mark_chain
from corpus.models import Project
from corpus.prompts import PromptSelection
from inference.registry import ENGINES
from jobs.services import request_cancel
from serving.api import model_named


class RevisionRunRow(serializers.ModelSerializer[RevisionRun]):
    constitution = serializers.CharField(source="constitution_version")
    model = serializers.CharField(source="model_version.name")

    class Meta:
        model = RevisionRun
        fields: tuple[str, ...] = (
            *("id", "state", "error", "constitution", "model", "engine", "template", "selection"),
            *("rounds", "stop_early", "use_few_shots", "seed", "temperature", "max_tokens"),
            *("ask_raters", "batch", "progress_done", "progress_total", "created_at"),
        )


class RevisionRunInput(serializers.Serializer[Any]):
    constitution = serializers.CharField(help_text="A published version as SLUG or SLUG@NUMBER.")
    model = serializers.CharField(max_length=200, help_text="Name of a model version.")
    engine = serializers.ChoiceField(choices=tuple(ENGINES), default="transformers")
    source = serializers.CharField(max_length=200, required=False)  # type: ignore[assignment]
    domain = serializers.CharField(max_length=100, required=False)
    sensitive = serializers.BooleanField(
        required=False, help_text="Only red-team prompts (true) or only others (false)."
    )
    limit = serializers.IntegerField(min_value=1, max_value=10_000_000, required=False)
    rounds = serializers.IntegerField(min_value=1, max_value=MOST_ROUNDS, default=4)
    stop_early = serializers.BooleanField(default=True)
    use_few_shots = serializers.BooleanField(default=True)
    ask_raters = serializers.BooleanField(default=False)
    seed = serializers.IntegerField(min_value=0, max_value=2**31, default=0)
    temperature = serializers.FloatField(min_value=0, max_value=5, default=1.0)
    max_tokens = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False)


class RevisionRuns(ErrorsTold, ListOf):
    output = RevisionRunRow
    change_roles = RESEARCHERS

    @extend_schema(
        operation_id="critique_runs_list",
        parameters=PAGED,
        responses=RevisionRunRow(many=True),
    )
    def get(self, request: Request, project_slug: str) -> Response:
        """List the critique runs, newest first."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(
        operation_id="critique_runs_create",
        request=RevisionRunInput,
        responses={202: RevisionRunRow, 400: REFUSED, 404: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Have a model answer prompts, then critique and revise its answers."""
        project = self.project(request, project_slug)
        given = dict(read_input(RevisionRunInput, request))
        selection = PromptSelection(
            **{
                name: given.pop(name)
                for name in ("source", "domain", "sensitive", "limit")
                if name in given
            }
        )
        version = published_version(project, given.pop("constitution"))
        run = launch_revision_run(
            project=project,
            constitution_version=version,
            model_version=model_named(project, given.pop("model")),
            selection=selection,
            created_by=user_of(request),
            **given,
        )
        return Response(RevisionRunRow(run).data, status=status.HTTP_202_ACCEPTED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return RevisionRun.objects.filter(project=project).select_related(
            "constitution_version__constitution", "model_version"
        )


def run_of(project: Project, run_id: int) -> RevisionRun:
    return get_object_or_404(RevisionRun, pk=run_id, project=project)


class RevisionRunWhole(RevisionRunRow):
    counts = serializers.SerializerMethodField()

    class Meta(RevisionRunRow.Meta):
        fields: tuple[str, ...] = (*RevisionRunRow.Meta.fields, "counts")

    def get_counts(self, run: RevisionRun) -> dict[str, Any]:
        return asdict(run_counts(run))


class OneRevisionRun(ErrorsTold):
    @extend_schema(operation_id="critique_runs_read", responses=RevisionRunWhole)
    def get(self, request: Request, project_slug: str, run_id: int) -> Response:
        """Show a critique run and the outcomes of its chains."""
        return Response(RevisionRunWhole(run_of(self.project(request, project_slug), run_id)).data)


class CancelRevisionRun(ErrorsTold):
    change_roles = RESEARCHERS

    @extend_schema(request=None, responses={202: RevisionRunRow})
    def post(self, request: Request, project_slug: str, run_id: int) -> Response:
        """Cancel a critique run. Finished chains are kept."""
        run = run_of(self.project(request, project_slug), run_id)
        request_cancel(run)
        run.refresh_from_db()
        return Response(RevisionRunRow(run).data, status=status.HTTP_202_ACCEPTED)


class StepRow(serializers.ModelSerializer[Revision]):
    principle = serializers.CharField(source="principle.name")

    class Meta:
        model = Revision
        fields: tuple[str, ...] = (
            "round",
            "principle",
            "status",
            "before",
            "critique",
            "after",
            "reason",
        )


class ChainRow(serializers.ModelSerializer[Chain]):
    prompt = serializers.JSONField(source="prompt.messages")
    steps = StepRow(source="revisions", many=True)

    class Meta:
        model = Chain
        fields: tuple[str, ...] = (
            *("id", "prompt", "initial", "finding", "reason", "refuses_now", "pair", "bad"),
            *("bad_reason", "steps"),
        )


class ChainFilter(serializers.Serializer[Any]):
    finding = serializers.ChoiceField(choices=Chain.Finding.choices, required=False)
    bad = serializers.BooleanField(required=False, allow_null=True, default=None)


class Chains(ErrorsTold, ListOf):
    output = ChainRow
    filters = ChainFilter

    @extend_schema(parameters=[ChainFilter, *PAGED], responses=ChainRow(many=True))
    def get(self, request: Request, project_slug: str, run_id: int) -> Response:
        """List the chains of a run with all their steps."""
        project = self.project(request, project_slug)
        self.run = run_of(project, run_id)
        return self.answer(request, project)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        chains = Chain.objects.filter(run=self.run)
        if "finding" in wanted:
            chains = chains.filter(finding=wanted["finding"])
        if wanted.get("bad") is not None:
            chains = chains.filter(bad=wanted["bad"])
        return (
            chains.select_related("prompt").prefetch_related("revisions__principle").order_by("pk")
        )


class MarkInput(serializers.Serializer[Any]):
    bad = serializers.BooleanField()
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class MarkChain(ErrorsTold):
    change_roles = READERS

    @extend_schema(request=MarkInput, responses={200: ChainRow, 400: REFUSED})
    def post(self, request: Request, project_slug: str, run_id: int, chain_id: int) -> Response:
        """Mark a chain as bad, so that new datasets leave it out, or remove the mark."""
        run = run_of(self.project(request, project_slug), run_id)
        chain = get_object_or_404(Chain, pk=chain_id, run=run)
        given = read_input(MarkInput, request)
        marked = mark_chain(
            chain=chain, bad=given["bad"], user=user_of(request), reason=given["reason"]
        )
        return Response(ChainRow(marked).data)
