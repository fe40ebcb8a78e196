"""Invitations over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, ProjectView, read_input, user_of
from accounts.models import Invitation, Role
from accounts.permissions import ADMINS
from accounts.services.invitations import invite, revoke_invitation, send_invitation
from corpus.models import Project


class InvitationRow(serializers.ModelSerializer[Invitation]):
    state = serializers.SerializerMethodField()

    class Meta:
        model = Invitation
        fields = ("id", "role", "email", "state", "created_at", "expires_at", "accepted_at")

    def get_state(self, row: Invitation) -> str:
        return row.state(timezone.now())


class InvitationInput(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)
    email = serializers.EmailField(required=False, allow_blank=True)


class Invitations(ListOf):
    roles = ADMINS
    output = InvitationRow

    @extend_schema(parameters=PAGED, responses=InvitationRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the invitations, newest first."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(request=InvitationInput, responses={201: InvitationRow, 400: REFUSED})
    def post(self, request: Request, project_slug: str) -> Response:
        """Create an invitation for one person. Only this response contains the link."""
        project = self.project(request, project_slug)
        asked = read_input(InvitationInput, request)
        new, token = invite(
            project=project,
            role=Role(asked["role"]),
            email=asked.get("email", ""),
            by=user_of(request),
            now=timezone.now(),
        )
        link = request.build_absolute_uri(reverse("invitation", args=[token]))
        answer = InvitationRow(new).data | {"link": link}
        if new.email:
            try:
                send_invitation(invitation=new, link=link)
            except OSError as error:
                # The link is in this answer alone: it must arrive although the mail did not.
                answer["mail_error"] = f"The e-mail could not be sent: {error}"
        return Response(answer, status=status.HTTP_201_CREATED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return project.invitations.order_by("-id")


class InvitationRevocation(ProjectView):
    @extend_schema(request=None, responses={204: None, 409: REFUSED})
    def post(self, request: Request, project_slug: str, invitation_id: int) -> Response:
        """Revoke an invitation."""
        project = self.project(request, project_slug)
        row = get_object_or_404(Invitation, pk=invitation_id, project=project)
        revoke_invitation(invitation=row, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
