"""The labelling operations over REST, with a token or a session."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import ErrorOutput, read_input
from accounts.permissions import LABELLERS, membership_in, membership_where
from annotation import services
from annotation.models import Rater, Skip
from annotation.queue.task_names import slot_id_of
from annotation.queue.tasks_shown import Feedback, ShownTask, feedback_on, shown
from annotation.services.labels import ON_SCREEN


class TaskOutput(serializers.Serializer[ShownTask]):
    """A task as the rater sees it. It does not reveal purpose, models or stored order."""

    id = serializers.UUIDField()
    lease = serializers.UUIDField()
    lease_expires_at = serializers.DateTimeField()
    prompt = serializers.JSONField()
    left = serializers.CharField()
    right = serializers.CharField()


class NextInput(serializers.Serializer[Any]):
    besides = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="The current task; prefetch the one after it.",
    )


class LeaseInput(serializers.Serializer[Any]):
    lease = serializers.UUIDField()


class LabelInput(LeaseInput):
    choice = serializers.ChoiceField(choices=ON_SCREEN)
    seconds = serializers.FloatField(required=False, allow_null=True)
    comment = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    strength = serializers.IntegerField(
        required=False, allow_null=True, help_text="1: slightly, 2: clearly, 3: much better."
    )
    criteria = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="Choices by criterion key: left, right, equal or both_bad.",
    )
    edited = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="The better response, edited by the rater.",
    )


class SkipInput(LeaseInput):
    reason = serializers.ChoiceField(choices=Skip.Reason.choices)


class FeedbackOutput(serializers.Serializer[Feedback]):
    correct = serializers.BooleanField()
    right_answer = serializers.CharField()
    note = serializers.CharField()


class LabelOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    choice = serializers.CharField(
        help_text="The choice on screen: left, right, equal or both_bad."
    )
    feedback = FeedbackOutput(required=False, help_text="Only present after a calibration answer.")


REFUSED = OpenApiResponse(
    ErrorOutput, description="The rater does not hold this task now; nothing was changed."
)


def rater_in(request: Request, project_slug: str) -> Rater:
    return services.rater_of(membership_in(request.user, project_slug, LABELLERS))


def task_for(request: Request, task_id: UUID) -> tuple[int, Rater]:
    """The slot behind a task's name, and the rater as whom this user may touch it."""
    slot_id = slot_id_of(task_id)
    if slot_id is None:
        raise Http404("There is no such task.")
    # By `id`, so that a number too large for any id finds nothing instead of failing.
    membership = membership_where(request.user, LABELLERS, project__slots__id=slot_id)
    return slot_id, services.rater_of(membership)


class NextTask(APIView):
    @extend_schema(
        request=NextInput,
        responses={200: TaskOutput, 204: OpenApiResponse(description="No task is available.")},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Claim the next task, or return the one already held."""
        rater = rater_in(request, project_slug)
        besides = read_input(NextInput, request).get("besides")
        slot = services.claim_next_slot(
            rater=rater, besides=slot_id_of(besides) if besides is not None else None
        )
        if slot is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(TaskOutput(shown(slot)).data)


class SubmitLabel(APIView):
    @extend_schema(request=LabelInput, responses={201: LabelOutput, 409: REFUSED})
    def post(self, request: Request, task_id: UUID) -> Response:
        """Submit a label for a task you hold."""
        slot_id, rater = task_for(request, task_id)
        data = read_input(LabelInput, request)
        label = services.submit_label(
            slot_id=slot_id,
            rater=rater,
            lease=data["lease"],
            judgement=services.Judgement(
                pressed=data["choice"],
                seconds=data.get("seconds"),
                comment=data.get("comment", ""),
                strength=data.get("strength"),
                criteria=data.get("criteria", {}),
                edited=data.get("edited", ""),
            ),
        )
        body: dict[str, Any] = {"id": label.pk, "choice": data["choice"]}
        if (feedback := feedback_on(label)) is not None:
            body["feedback"] = FeedbackOutput(feedback).data
        return Response(body, status=status.HTTP_201_CREATED)


class SkipTask(APIView):
    @extend_schema(request=SkipInput, responses={204: None, 409: REFUSED})
    def post(self, request: Request, task_id: UUID) -> Response:
        """Skip a task, with a reason."""
        slot_id, rater = task_for(request, task_id)
        data = read_input(SkipInput, request)
        services.skip_slot(
            slot_id=slot_id,
            rater=rater,
            lease=data["lease"],
            reason=Skip.Reason(data["reason"]),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExtendLease(APIView):
    @extend_schema(request=LeaseInput, responses={200: TaskOutput, 409: REFUSED})
    def post(self, request: Request, task_id: UUID) -> Response:
        """Extend the lease of a task."""
        slot_id, rater = task_for(request, task_id)
        data = read_input(LeaseInput, request)
        expires = services.extend_lease(slot_id=slot_id, rater=rater, lease=data["lease"])
        return Response({"lease_expires_at": expires})


class UndoLabel(APIView):
    @extend_schema(request=None, responses={200: TaskOutput, 409: REFUSED})
    def post(self, request: Request, project_slug: str) -> Response:
        """Undo the latest label and hold its task again."""
        slot = services.undo_last_label(rater=rater_in(request, project_slug))
        return Response(TaskOutput(shown(slot)).data)


class ReleaseTasks(APIView):
    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, project_slug: str) -> Response:
        """Give back all tasks that the rater holds."""
        services.release_held(rater=rater_in(request, project_slug))
        return Response(status=status.HTTP_204_NO_CONTENT)
