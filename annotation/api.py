"""The labelling operations over REST, with a token or a session."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import services
from annotation.models import Rater, Skip, Slot
from annotation.permissions import LABELLERS, membership_for_task, membership_in
from annotation.services.labels import ON_SCREEN


class TaskOutput(serializers.Serializer[Slot]):
    """A task as the rater may see it: nothing in it tells purpose, model or order."""

    id = serializers.IntegerField()
    lease = serializers.UUIDField()
    lease_expires_at = serializers.DateTimeField()
    prompt = serializers.JSONField(source="pair.prompt.messages")
    left = serializers.SerializerMethodField()
    right = serializers.SerializerMethodField()

    def get_left(self, slot: Slot) -> str:
        return slot.pair.first.text if slot.first_is_left else slot.pair.second.text

    def get_right(self, slot: Slot) -> str:
        return slot.pair.second.text if slot.first_is_left else slot.pair.first.text


class ErrorOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class LeaseInput(serializers.Serializer[Any]):
    lease = serializers.UUIDField()


class LabelInput(LeaseInput):
    choice = serializers.ChoiceField(choices=ON_SCREEN)
    seconds = serializers.FloatField(required=False, allow_null=True)
    comment = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    strength = serializers.IntegerField(required=False, allow_null=True)


class SkipInput(LeaseInput):
    reason = serializers.ChoiceField(choices=Skip.Reason.choices)


class LabelOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    choice = serializers.CharField(help_text="As pressed: left, right, equal or both_bad.")


REFUSED = OpenApiResponse(ErrorOutput, description="Not this rater's task now; nothing changed.")


def rater_in(request: Request, project_slug: str) -> Rater:
    return services.rater_of(membership_in(request.user, project_slug, LABELLERS))


def rater_for_task(request: Request, task_id: int) -> Rater:
    """The rater as whom this user may touch the task."""
    return services.rater_of(membership_for_task(request.user, task_id, LABELLERS))


def read_input(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated body. ParseError or ValidationError when it is not as `form` says."""
    try:
        body = request.data
    except RecursionError as error:
        raise ParseError("The JSON is nested too deeply.") from error
    serializer = form(data=body)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class NextTask(APIView):
    @extend_schema(
        request=None, responses={200: TaskOutput, 204: OpenApiResponse(description="Nothing left")}
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Take the next task, or the one already held."""
        slot = services.claim_next_slot(rater=rater_in(request, project_slug))
        if slot is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(TaskOutput(slot).data)


class SubmitLabel(APIView):
    @extend_schema(request=LabelInput, responses={201: LabelOutput, 409: REFUSED})
    def post(self, request: Request, task_id: int) -> Response:
        """Label a task under its lease."""
        rater = rater_for_task(request, task_id)
        data = read_input(LabelInput, request)
        label = services.submit_label(
            slot_id=task_id,
            rater=rater,
            lease=data["lease"],
            judgement=services.Judgement(
                pressed=data["choice"],
                seconds=data.get("seconds"),
                comment=data.get("comment", ""),
                strength=data.get("strength"),
            ),
        )
        return Response({"id": label.pk, "choice": data["choice"]}, status=status.HTTP_201_CREATED)


class SkipTask(APIView):
    @extend_schema(request=SkipInput, responses={204: None, 409: REFUSED})
    def post(self, request: Request, task_id: int) -> Response:
        """Pass a task on to others, with a reason."""
        rater = rater_for_task(request, task_id)
        data = read_input(SkipInput, request)
        services.skip_slot(
            slot_id=task_id,
            rater=rater,
            lease=data["lease"],
            reason=Skip.Reason(data["reason"]),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExtendLease(APIView):
    @extend_schema(request=LeaseInput, responses={200: TaskOutput, 409: REFUSED})
    def post(self, request: Request, task_id: int) -> Response:
        """Keep a task for an open page."""
        rater = rater_for_task(request, task_id)
        data = read_input(LeaseInput, request)
        expires = services.extend_lease(slot_id=task_id, rater=rater, lease=data["lease"])
        return Response({"lease_expires_at": expires})


class UndoLabel(APIView):
    @extend_schema(request=None, responses={200: TaskOutput, 409: REFUSED})
    def post(self, request: Request, project_slug: str) -> Response:
        """Take back the newest label; its task is held again."""
        slot = services.undo_last_label(rater=rater_in(request, project_slug))
        return Response(TaskOutput(slot).data)
