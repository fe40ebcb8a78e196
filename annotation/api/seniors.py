"""Gold answers and adjudication over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, ProjectView, read_input, user_of
from accounts.permissions import (
    SENIORS,
)
from annotation import services
from annotation.models import (
    Adjudication,
    Choice,
    GoldPair,
)
from annotation.services.adjudication import shown_first_left
from annotation.services.labels import ON_SCREEN
from corpus.models import Pair, Project


class GoldRow(serializers.ModelSerializer[GoldPair]):
    choice = serializers.SerializerMethodField(help_text="Empty until the pair is settled.")

    class Meta:
        model = GoldPair
        fields = ("pair", "state", "choice", "settled_at", "created_at")

    def get_choice(self, row: GoldPair) -> str:
        shown = (GoldPair.State.SETTLED, GoldPair.State.RETIRED)
        return row.choice if row.state in shown else ""


class GoldFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=GoldPair.State.choices, required=False)


class Gold(ListOf):
    roles = SENIORS
    output = GoldRow
    filters = GoldFilter

    @extend_schema(parameters=[GoldFilter, *PAGED], responses=GoldRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the gold pairs, newest first."""
        return self.answer(request, self.project(request, project_slug))

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return GoldPair.objects.filter(project=project, **wanted).order_by("-id")


class GoldInput(serializers.Serializer[Any]):
    choice = serializers.ChoiceField(
        choices=Choice.choices, help_text="Relative to the pair's stored order."
    )
    note = serializers.CharField(required=False, allow_blank=True)


class GoldAnswers(ProjectView):
    change_roles = SENIORS

    @extend_schema(request=GoldInput, responses={201: GoldRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str, pair_id: int) -> Response:
        """Give a gold answer. The pair is settled once enough seniors agree."""
        project = self.project(request, project_slug)
        pair = get_object_or_404(Pair, pk=pair_id, project=project)
        asked = read_input(GoldInput, request)
        row = services.answer_gold(pair=pair, author=user_of(request), **asked)
        return Response(GoldRow(row).data, status=status.HTTP_201_CREATED)


class GoldRetirement(ProjectView):
    @extend_schema(request=None, responses={200: GoldRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str, pair_id: int) -> Response:
        """Retire a gold pair: raters no longer get it."""
        project = self.project(request, project_slug)
        row = get_object_or_404(GoldPair, pair=pair_id, project=project)
        services.retire_gold(gold=row)
        row.refresh_from_db()
        return Response(GoldRow(row).data)


class AdjudicationRow(serializers.ModelSerializer[Adjudication]):
    class Meta:
        model = Adjudication
        exclude = ("project",)


class AdjudicationFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=Adjudication.State.choices, required=False)
    reason = serializers.ChoiceField(choices=Adjudication.Reason.choices, required=False)


class Adjudications(ListOf):
    roles = SENIORS
    output = AdjudicationRow
    filters = AdjudicationFilter

    @extend_schema(parameters=[AdjudicationFilter, *PAGED], responses=AdjudicationRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the pairs for seniors to decide, oldest first."""
        return self.answer(request, self.project(request, project_slug))

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return Adjudication.objects.filter(project=project, **wanted).order_by("id")


class DecisionInput(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=["decide", "dismiss", "set_aside"])
    choice = serializers.ChoiceField(
        choices=ON_SCREEN,
        required=False,
        help_text="Required to decide: the choice on screen, with the sides as in `left`.",
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=5000)


class OneAdjudication(ProjectView):
    roles = SENIORS
    change_roles = SENIORS

    @extend_schema(responses=AdjudicationRow)
    def get(self, request: Request, project_slug: str, row_id: int) -> Response:
        """Show one pair, with the side on which its first completion is shown."""
        member = self.member(request, project_slug)
        row = get_object_or_404(Adjudication, pk=row_id, project=member.project)
        left = shown_first_left(row, services.rater_of(member))
        return Response(AdjudicationRow(row).data | {"left": "first" if left else "second"})

    @extend_schema(request=DecisionInput, responses={200: AdjudicationRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str, row_id: int) -> Response:
        """Decide, dismiss or set aside a pair."""
        member = self.member(request, project_slug)
        row = get_object_or_404(Adjudication, pk=row_id, project=member.project)
        asked = read_input(DecisionInput, request)
        rater, note = services.rater_of(member), asked.get("note", "")
        if asked["action"] == "dismiss":
            services.dismiss(adjudication=row, rater=rater, note=note)
        elif asked["action"] == "set_aside":
            services.set_aside(adjudication=row, rater=rater, note=note)
        else:
            services.decide(
                adjudication=row,
                rater=rater,
                judgement=services.Judgement(pressed=asked.get("choice", ""), comment=note),
                first_is_left=shown_first_left(row, rater),
                note=note,
            )
        row.refresh_from_db()
        return Response(AdjudicationRow(row).data)
