"""The models of a project over REST: listed, and registered."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import base
from accounts.api.base import PAGED, REFUSED, ListOf, read_input, user_of
from accounts.permissions import ADMINS, RESEARCHERS
from corpus.errors import ModelNotAllowedError
from corpus.models import ModelRegistration, ModelVersion, Project
from corpus.registry import launch_registration


class ModelRow(serializers.ModelSerializer[ModelVersion]):
    parent = serializers.CharField(  # type: ignore[assignment]  # the name that clients know
        source="parent.name", default=None, read_only=True
    )

    class Meta:
        model = ModelVersion
        fields: tuple[str, ...] = (
            *("id", "name", "kind", "revision", "weights_sha256", "parent", "sandbox"),
            *("context_tokens", "price_prompt", "price_completion", "created_at"),
        )


class RegistrationRow(serializers.ModelSerializer[ModelRegistration]):
    model = serializers.CharField(
        source="model_version.name",
        default=None,
        read_only=True,
        help_text="Name of the model, once it is registered.",
    )

    class Meta:
        model = ModelRegistration
        fields: tuple[str, ...] = (
            *("id", "state", "error", "location", "name", "revision", "model", "created_at"),
        )


class RegistrationInput(serializers.Serializer[Any]):
    location = serializers.CharField(
        max_length=500, help_text="A hub name, or a folder inside one of MODELS_FOLDERS."
    )
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    revision = serializers.CharField(max_length=100, required=False, allow_blank=True)
    consent = serializers.BooleanField(
        default=False, help_text="Allow code from the model's repository. Admins only."
    )


class Models(base.ErrorsTold, ListOf):
    output = ModelRow
    change_roles = RESEARCHERS
    told: ClassVar[base.Errors] = (ModelNotAllowedError,)
    bad_input: ClassVar[base.Errors] = (ModelNotAllowedError,)

    @extend_schema(operation_id="models_list", parameters=PAGED, responses=ModelRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the project's models, newest first."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(
        operation_id="models_register",
        request=RegistrationInput,
        responses={202: RegistrationRow, 400: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Register a base model. A worker looks it over; read the registration for the outcome."""
        member = self.member(request, project_slug)
        given = read_input(RegistrationInput, request)
        if given["consent"] and member.role not in ADMINS:
            raise PermissionDenied("Only a project admin can consent to code from a repository.")
        registration = launch_registration(
            project=member.project, created_by=user_of(request), **given
        )
        return Response(RegistrationRow(registration).data, status=status.HTTP_202_ACCEPTED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        models = ModelVersion.objects.filter(project=project)
        return models.select_related("parent").order_by("-pk")


class OneRegistration(base.ErrorsTold):
    @extend_schema(operation_id="models_registration_read", responses=RegistrationRow)
    def get(self, request: Request, project_slug: str, registration_id: int) -> Response:
        """Show a registration and, once a worker has looked it over, the model."""
        registrations = ModelRegistration.objects.select_related("model_version")
        project = self.project(request, project_slug)
        found = get_object_or_404(registrations, pk=registration_id, project=project)
        return Response(RegistrationRow(found).data)
