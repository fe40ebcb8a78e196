"""Constitutions over REST: versions, drafts, publishing, history, comparison."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, read_input, user_of
from accounts.permissions import READERS
from constitution.api.base import ErrorsTold
from constitution.models import Change, Comment, ConstitutionVersion, Principle
from constitution.services import (
    add_principle,
    create_draft,
    draft_from,
    edit_principle,
    publish_version,
    remove_principle,
    replace_few_shots,
    replace_principles,
    retire_version,
    text_of,
    texts_of,
    write_comment,
)
from constitution.texts.comparison import compare_versions
from constitution.texts.formats import FORMATS, lost_by, read_constitution, write_constitution
from constitution.views.versions import found_version
from corpus.models import Project


class PrincipleRow(serializers.ModelSerializer[Principle]):
    class Meta:
        model = Principle
        fields: tuple[str, ...] = (
            *("id", "name", "comparison", "critique_request", "revision_request", "weight"),
            *("tags", "examples", "verifier", "revision"),
        )
        read_only_fields: tuple[str, ...] = ("id", "revision")


class VersionRow(serializers.ModelSerializer[ConstitutionVersion]):
    slug = serializers.CharField(source="constitution.slug")
    name = serializers.CharField(source="constitution.name")

    class Meta:
        model = ConstitutionVersion
        fields: tuple[str, ...] = (
            *("slug", "name", "number", "status", "sha256", "revision", "created_at"),
            "published_at",
        )


class VersionWhole(VersionRow):
    principles = PrincipleRow(many=True)

    class Meta(VersionRow.Meta):
        fields: tuple[str, ...] = (*VersionRow.Meta.fields, "principles", "few_shots")


class VersionFilter(serializers.Serializer[Any]):
    slug = serializers.SlugField(required=False)
    status = serializers.ChoiceField(choices=ConstitutionVersion.Status.choices, required=False)


class DraftInput(serializers.Serializer[Any]):
    slug = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=200, required=False)
    text = serializers.CharField(
        trim_whitespace=False, help_text="YAML or JSON in any supported format."
    )
    reason = serializers.CharField(max_length=500, required=False, default="")


class Constitutions(ErrorsTold, ListOf):
    output = VersionRow
    filters = VersionFilter

    @extend_schema(
        operation_id="constitutions_list",
        parameters=[VersionFilter, *PAGED],
        responses=VersionRow(many=True),
    )
    def get(self, request: Request, project_slug: str) -> Response:
        """List all versions of all constitutions, newest first."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(
        operation_id="constitutions_create",
        request=DraftInput,
        responses={201: VersionWhole, 400: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Create a draft from the text of a file. The format is detected."""
        project = self.project(request, project_slug)
        given = read_input(DraftInput, request)
        found = read_constitution(given["text"])
        version = create_draft(
            project=project,
            slug=given["slug"],
            name=given.get("name") or found.name or given["slug"],
            principles=found.principles,
            few_shots=found.few_shots,
            created_by=user_of(request),
            reason=given["reason"],
        )
        return Response(VersionWhole(version).data, status=status.HTTP_201_CREATED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        versions = ConstitutionVersion.objects.filter(constitution__project=project)
        if "slug" in wanted:
            versions = versions.filter(constitution__slug=wanted["slug"])
        if "status" in wanted:
            versions = versions.filter(status=wanted["status"])
        return versions.select_related("constitution").order_by("-created_at", "-pk")


class ReplaceInput(serializers.Serializer[Any]):
    text = serializers.CharField(trim_whitespace=False)
    reason = serializers.CharField(max_length=500, required=False, default="")


class OneVersion(ErrorsTold):
    @extend_schema(operation_id="constitutions_read", responses=VersionWhole)
    def get(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Show a version with its principles and few-shot conversations."""
        return Response(
            VersionWhole(found_version(self.project(request, project_slug), slug, number)).data
        )

    @extend_schema(
        operation_id="constitutions_replace",
        request=ReplaceInput,
        responses={200: VersionWhole, 400: REFUSED, 409: REFUSED},
    )
    def put(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Replace the text of a draft with the text of a file."""
        version = found_version(self.project(request, project_slug), slug, number)
        given = read_input(ReplaceInput, request)
        found = read_constitution(given["text"])
        author, reason = user_of(request), given["reason"]
        replace_principles(
            version=version, principles=found.principles, author=author, reason=reason
        )
        version = replace_few_shots(
            version=version, few_shots=found.few_shots, author=author, reason=reason
        )
        return Response(VersionWhole(version).data)


class ExportFilter(serializers.Serializer[Any]):
    form = serializers.ChoiceField(choices=FORMATS, default="concord")
    json = serializers.BooleanField(default=False, help_text="Concord's own format as JSON.")


class ExportOutput(serializers.Serializer[Any]):
    text = serializers.CharField()
    lost = serializers.ListField(child=serializers.CharField())


class Export(ErrorsTold):
    @extend_schema(parameters=[ExportFilter], responses={200: ExportOutput, 400: REFUSED})
    def get(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Export a version as text, and list what the format cannot hold."""
        version = found_version(self.project(request, project_slug), slug, number)
        asked = ExportFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        principles = texts_of(version)
        chosen = asked.validated_data["form"]
        text = write_constitution(
            chosen,
            name=version.constitution.name,
            principles=principles,
            few_shots=version.few_shots,
            as_json=asked.validated_data["json"],
        )
        return Response({"text": text, "lost": lost_by(chosen, principles)})


class PrincipleInput(PrincipleRow):
    reason = serializers.CharField(max_length=500, required=False, default="", write_only=True)

    class Meta(PrincipleRow.Meta):
        fields: tuple[str, ...] = (
            *("name", "comparison", "critique_request", "revision_request", "weight"),
            *("tags", "examples", "verifier", "reason"),
        )
        read_only_fields: tuple[str, ...] = ()


class PrincipleEdit(PrincipleInput):
    seen = serializers.IntegerField(min_value=0, write_only=True)

    class Meta(PrincipleInput.Meta):
        fields: tuple[str, ...] = (*PrincipleInput.Meta.fields, "seen")
        extra_kwargs: ClassVar[dict[str, Any]] = {"name": {"required": False}}


class Principles(ErrorsTold):
    @extend_schema(
        request=PrincipleInput, responses={201: PrincipleRow, 400: REFUSED, 409: REFUSED}
    )
    def post(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Add a principle to a draft."""
        version = found_version(self.project(request, project_slug), slug, number)
        given = dict(read_input(PrincipleInput, request))
        reason = given.pop("reason")
        principle = add_principle(
            version=version, text=text_of(given), author=user_of(request), reason=reason
        )
        return Response(PrincipleRow(principle).data, status=status.HTTP_201_CREATED)


class SeenInput(serializers.Serializer[Any]):
    seen = serializers.IntegerField(min_value=0)
    reason = serializers.CharField(max_length=500, required=False, default="")


class OnePrinciple(ErrorsTold):
    @extend_schema(request=PrincipleEdit, responses={200: PrincipleRow, 400: REFUSED, 409: REFUSED})
    def patch(
        self, request: Request, project_slug: str, slug: str, number: int, principle_id: int
    ) -> Response:
        """Edit a principle of a draft, based on the revision in `seen`.

        Changes that others made to other fields are kept; 409 if they changed the same field.
        """
        version = found_version(self.project(request, project_slug), slug, number)
        given = dict(read_input(PrincipleEdit, request))
        seen, reason = given.pop("seen"), given.pop("reason")
        edited = edit_principle(
            version=version,
            principle_id=principle_id,
            fields=given,
            seen=seen,
            author=user_of(request),
            reason=reason,
        )
        return Response(PrincipleRow(edited.principle).data)

    @extend_schema(request=SeenInput, responses={204: None, 400: REFUSED, 409: REFUSED})
    def delete(
        self, request: Request, project_slug: str, slug: str, number: int, principle_id: int
    ) -> Response:
        """Remove a principle from a draft, unless it was edited after `seen`."""
        version = found_version(self.project(request, project_slug), slug, number)
        given = read_input(SeenInput, request)
        remove_principle(
            version=version,
            principle_id=principle_id,
            seen=given["seen"],
            author=user_of(request),
            reason=given["reason"],
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class RetirementInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class PublishInput(RetirementInput):
    revision = serializers.IntegerField(
        min_value=0, help_text="The revision of the draft that you have seen."
    )


class Publish(ErrorsTold):
    @extend_schema(request=PublishInput, responses={200: VersionRow, 400: REFUSED, 409: REFUSED})
    def post(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Freeze a draft under the sha256 of its text."""
        version = found_version(self.project(request, project_slug), slug, number)
        given = read_input(PublishInput, request)
        published = publish_version(
            version=version,
            reason=given["reason"],
            author=user_of(request),
            revision=given["revision"],
        )
        return Response(VersionRow(published).data)


class Retire(ErrorsTold):
    @extend_schema(request=RetirementInput, responses={200: VersionRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Retire a published version. Its text does not change."""
        version = found_version(self.project(request, project_slug), slug, number)
        reason = read_input(RetirementInput, request)["reason"]
        retire_version(version=version, reason=reason, author=user_of(request))
        return Response(VersionRow(version).data)


class NextDraft(ErrorsTold):
    @extend_schema(request=None, responses={201: VersionWhole})
    def post(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Create a new draft with this version's text."""
        version = found_version(self.project(request, project_slug), slug, number)
        draft = draft_from(version=version, author=user_of(request))
        return Response(VersionWhole(draft).data, status=status.HTTP_201_CREATED)


class ChangeRow(serializers.ModelSerializer[Change]):
    author = serializers.CharField(source="author.username", default="")

    class Meta:
        model = Change
        fields: tuple[str, ...] = (
            *("revision", "action", "principle_name", "before", "after", "reason", "author"),
            "created_at",
        )


class OfVersion(ErrorsTold, ListOf):
    """A page of rows that belong to a version."""

    def page(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        project = self.project(request, project_slug)
        self.version = found_version(project, slug, number)
        return self.answer(request, project)


class Changes(OfVersion):
    output = ChangeRow

    @extend_schema(parameters=PAGED, responses=ChangeRow(many=True))
    def get(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """List the changes to a version (who, when and why), newest first."""
        return self.page(request, project_slug, slug, number)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return self.version.changes.select_related("author")


class CommentRow(serializers.ModelSerializer[Comment]):
    author = serializers.CharField(source="author.username", default="", read_only=True)

    class Meta:
        model = Comment
        fields: tuple[str, ...] = ("id", "text", "principle_name", "author", "created_at")
        read_only_fields: tuple[str, ...] = ("id", "created_at")


class Comments(OfVersion):
    output = CommentRow
    change_roles = READERS

    @extend_schema(parameters=PAGED, responses=CommentRow(many=True))
    def get(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """List the comments on a version."""
        return self.page(request, project_slug, slug, number)

    @extend_schema(request=CommentRow, responses={201: CommentRow, 400: REFUSED, 404: REFUSED})
    def post(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Comment on a version or one of its principles."""
        version = found_version(self.project(request, project_slug), slug, number)
        given = read_input(CommentRow, request)
        comment = write_comment(
            version=version,
            text=given["text"],
            author=user_of(request),
            principle_name=given.get("principle_name", ""),
        )
        return Response(CommentRow(comment).data, status=status.HTTP_201_CREATED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return self.version.comments.select_related("author")


class CompareFilter(serializers.Serializer[Any]):
    other = serializers.IntegerField(min_value=1, help_text="The number of the other version.")


class Compare(ErrorsTold):
    @extend_schema(parameters=[CompareFilter], responses={200: dict})
    def get(self, request: Request, project_slug: str, slug: str, number: int) -> Response:
        """Show which principles were added, removed or changed, field by field."""
        project = self.project(request, project_slug)
        version = found_version(project, slug, number)
        asked = CompareFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        other = found_version(project, slug, asked.validated_data["other"])
        rows = compare_versions(other, version)
        return Response({"principles": [asdict(row) for row in rows]})
