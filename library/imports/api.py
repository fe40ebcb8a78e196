"""Imports over REST: files in parts, a dry run, the import itself, what it rejected."""

from __future__ import annotations

import re
from typing import IO, Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import ValidationError
from rest_framework import serializers, status
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PAGED, REFUSED, ListOf, Pages, ProjectView, read_input, user_of
from accounts.permissions import RESEARCHERS
from corpus.errors import DependedOnError, ImportFileError, UploadError
from corpus.importers.files.hub import HubDataset
from corpus.importers.mapping import read_mapping
from corpus.importers.records import describe
from corpus.importers.registry import format_named
from corpus.imports.dry_run import dry_run
from corpus.imports.services import Choices, launch_import, pin, saved_mapping
from corpus.imports.taking_back import take_back
from corpus.imports.uploads import add_part, begin_upload, complete, discard, received
from corpus.models import Import, ImportRejection, PairPolicy, Project, Upload
from jobs.services import request_cancel
from library.imports.looking import Head, head_of_dataset, head_of_upload


class ErrorsTold(ProjectView):
    """A view whose refusals by a service are {"code", "message"}: 409 where something stands in the
    way, 400 where the input is wrong."""

    conflicts: ClassVar[tuple[type[Exception], ...]] = (DependedOnError,)
    roles = RESEARCHERS
    change_roles = RESEARCHERS

    def handle_exception(self, exc: Exception) -> Response:
        if not isinstance(exc, ImportFileError | DependedOnError):
            return super().handle_exception(exc)
        code = re.sub(r"(?<!^)(?=[A-Z])", "_", type(exc).__name__.removesuffix("Error")).lower()
        refused = 409 if isinstance(exc, self.conflicts) else 400
        return Response({"code": code, "message": str(exc)}, status=refused)


class UploadRow(serializers.ModelSerializer[Upload]):
    received = serializers.SerializerMethodField(help_text="Bytes here; the next part's offset.")
    complete = serializers.SerializerMethodField()

    class Meta:
        model = Upload
        fields = ("id", "name", "size", "received", "complete", "created_at")

    def get_received(self, upload: Upload) -> int:
        return received(upload)

    def get_complete(self, upload: Upload) -> bool:
        return complete(upload)


class UploadInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=1000)
    size = serializers.IntegerField(min_value=1, max_value=2**62, help_text="Bytes of the file.")


class Uploads(ErrorsTold):
    @extend_schema(
        operation_id="uploads_begin",
        request=UploadInput,
        responses={201: UploadRow, 400: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Begin an upload. Send its parts then, in order; an upload is its sender's alone."""
        project = self.project(request, project_slug)
        given = read_input(UploadInput, request)
        upload = begin_upload(project=project, user=user_of(request), **given)
        return Response(UploadRow(upload).data, status=status.HTTP_201_CREATED)


def _own_upload(view: ProjectView, request: Request, project_slug: str, upload_id: int) -> Upload:
    project = view.project(request, project_slug)
    return get_object_or_404(Upload, pk=upload_id, project=project, created_by=user_of(request))


class OneUpload(ErrorsTold):
    @extend_schema(operation_id="uploads_read", responses=UploadRow)
    def get(self, request: Request, project_slug: str, upload_id: int) -> Response:
        """Show how much of an upload is here: where to go on after a lost connection."""
        return Response(UploadRow(_own_upload(self, request, project_slug, upload_id)).data)

    @extend_schema(operation_id="uploads_discard", responses={204: None, 409: REFUSED})
    def delete(self, request: Request, project_slug: str, upload_id: int) -> Response:
        """Throw an upload away. Refused while it is being imported."""
        upload = _own_upload(self, request, project_slug, upload_id)
        if not discard(upload):
            raise DependedOnError(f"{upload.name} is being imported. Cancel the import first.")
        return Response(status=status.HTTP_204_NO_CONTENT)


class PartParser(BaseParser):
    """The bytes of a part, and one more than are allowed where there are more."""

    media_type = "application/octet-stream"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        return stream.read(settings.UPLOAD_PART_BYTES + 1)


class UploadParts(ErrorsTold):
    conflicts = (DependedOnError, UploadError)
    parser_classes = (PartParser,)

    @extend_schema(
        operation_id="uploads_add_part",
        parameters=[
            OpenApiParameter(
                "offset",
                int,
                required=True,
                description="Where the part begins: the number of bytes received so far.",
            )
        ],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: UploadRow, 400: REFUSED, 409: REFUSED},
    )
    def put(self, request: Request, project_slug: str, upload_id: int) -> Response:
        """Send the next part, of at most 2 MiB. A part that is here already changes nothing."""
        upload = _own_upload(self, request, project_slug, upload_id)
        offset = request.query_params.get("offset", "")
        if not re.fullmatch(r"[0-9]{1,18}", offset):
            raise ParseError("offset: must be the number of bytes received so far.")
        data: Any = request.data
        if not isinstance(data, bytes):
            raise ParseError("Send the part's bytes, as application/octet-stream.")
        add_part(upload=upload, offset=int(offset), data=data)
        return Response(UploadRow(upload).data)


class DatasetInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    revision = serializers.CharField(max_length=100, default="", allow_blank=True)
    config = serializers.CharField(max_length=100, default="", allow_blank=True)
    split = serializers.CharField(max_length=100, default="train")


class MappingInput(serializers.Serializer[Any]):
    columns = serializers.DictField(
        child=serializers.CharField(), help_text="Our field: the column that holds it."
    )
    values = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="A value of a choice or thumb column: a, b, equal, both_bad, up or down.",
    )


class ImportInput(serializers.Serializer[Any]):
    upload = serializers.IntegerField(
        required=False, min_value=1, max_value=2**62, help_text="ID of a complete upload."
    )
    dataset = DatasetInput(required=False)
    format = serializers.CharField(
        max_length=40, required=False, help_text="Recognized by its first rows if left out."
    )
    mapping = MappingInput(required=False)
    saved_mapping = serializers.CharField(max_length=100, required=False)
    pair_policy = serializers.ChoiceField(choices=PairPolicy.choices, default=PairPolicy.ALL)
    pairs_per_prompt = serializers.IntegerField(
        required=False, min_value=1, max_value=2016, help_text="Only with the policy random."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("upload" in attrs) == ("dataset" in attrs):
            raise serializers.ValidationError("Give either an upload or a dataset.")
        if sum(name in attrs for name in ("format", "mapping", "saved_mapping")) > 1:
            raise serializers.ValidationError("Give only one of format, mapping and saved_mapping.")
        if attrs["pair_policy"] == PairPolicy.RANDOM and "pairs_per_prompt" not in attrs:
            raise serializers.ValidationError({"pairs_per_prompt": "Needed with policy random."})
        return attrs


def _choices(project: Project, given: dict[str, Any]) -> Choices:
    """How the rows are to be read. ImportFileError."""
    mapping = None
    if "mapping" in given:
        mapping = read_mapping(given["mapping"]["columns"], given["mapping"].get("values", {}))
    elif "saved_mapping" in given:
        mapping = saved_mapping(project.slug, given["saved_mapping"])
    elif "format" in given:
        format_named(given["format"])
    return Choices(
        given.get("format"),
        mapping,
        PairPolicy(given["pair_policy"]),
        given.get("pairs_per_prompt") if given["pair_policy"] == PairPolicy.RANDOM else None,
    )


def _asked(
    view: ProjectView, request: Request, project_slug: str
) -> tuple[Project, Choices, Upload | None, HubDataset | None]:
    """What is asked for. ImportFileError, Http404."""
    project = view.project(request, project_slug)
    given = read_input(ImportInput, request)
    choices = _choices(project, given)
    if "upload" in given:
        return project, choices, _own_upload(view, request, project_slug, given["upload"]), None
    try:
        dataset = HubDataset.model_validate(dict(given["dataset"]))
    except ValidationError as error:
        raise ImportFileError(f"This names no dataset: {describe(error)}.") from error
    return project, choices, None, dataset


class ImportRow(serializers.ModelSerializer[Import]):
    class Meta:
        model = Import
        fields = (
            *("id", "name", "state", "error", "format", "mapping", "hub", "pair_policy"),
            *("pairs_per_prompt", "file_sha256", "file_size", "progress_note", "report"),
            *("taken_back_at", "created_at", "started_at", "finished_at"),
        )


class Imports(ErrorsTold, ListOf):
    roles = ListOf.roles
    output = ImportRow

    @extend_schema(operation_id="imports_list", parameters=PAGED, responses=ImportRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """List the imports, newest first, each with its report."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(
        operation_id="imports_create",
        request=ImportInput,
        responses={202: ImportRow, 400: REFUSED, 404: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Import an upload or a hub's dataset, which is pinned to its commit of now."""
        project, choices, upload, dataset = _asked(self, request, project_slug)
        job = launch_import(
            project=project,
            upload=upload,
            dataset=pin(dataset) if dataset else None,
            choices=choices,
            user=user_of(request),
        )
        return Response(ImportRow(job).data, status=status.HTTP_202_ACCEPTED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return Import.objects.filter(project=project)


class ImportDryRun(ErrorsTold):
    @extend_schema(
        operation_id="imports_dry_run",
        request=ImportInput,
        responses={200: OpenApiTypes.OBJECT, 400: REFUSED, 404: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Say what an import would do, by the first rows; nothing is stored. `whole` says whether
        these are all rows."""
        _, choices, upload, dataset = _asked(self, request, project_slug)
        head: Head
        if upload is not None:
            head = head_of_upload(upload)
        elif dataset is not None:
            head = head_of_dataset(dataset)
        found = dry_run(head, choices)
        return Response(
            {
                "whole": head.whole,
                "columns": head.columns,
                "kinds": dict(found.kinds),
                **found.report.with_rejected(),
            }
        )


def _import(view: ProjectView, request: Request, project_slug: str, import_id: int) -> Import:
    project = view.project(request, project_slug)
    return get_object_or_404(Import, pk=import_id, project=project)


class OneImport(ErrorsTold):
    roles = ListOf.roles

    @extend_schema(operation_id="imports_read", responses=ImportRow)
    def get(self, request: Request, project_slug: str, import_id: int) -> Response:
        """Show an import with its report."""
        return Response(ImportRow(_import(self, request, project_slug, import_id)).data)


class CancelImport(ErrorsTold):
    @extend_schema(operation_id="imports_cancel", request=None, responses={202: ImportRow})
    def post(self, request: Request, project_slug: str, import_id: int) -> Response:
        """Cancel an import. What it has added stays; it can be taken back."""
        job = _import(self, request, project_slug, import_id)
        request_cancel(job)
        return Response(ImportRow(job).data, status=status.HTTP_202_ACCEPTED)


class TakeBack(ErrorsTold):
    @extend_schema(
        operation_id="imports_take_back", request=None, responses={200: ImportRow, 409: REFUSED}
    )
    def post(self, request: Request, project_slug: str, import_id: int) -> Response:
        """Delete all that an import added. Refused while anything stands on it: labels given here,
        gold answers by seniors, adjudications, verdicts, revisions, frozen datasets."""
        job = _import(self, request, project_slug, import_id)
        take_back(job=job, user=user_of(request))
        job.refresh_from_db()
        return Response(ImportRow(job).data)


class RejectedLine(serializers.ModelSerializer[ImportRejection]):
    class Meta:
        model = ImportRejection
        fields = ("line", "reason")


class RejectedLines(ErrorsTold):
    roles = ListOf.roles

    @extend_schema(
        operation_id="imports_rejected", parameters=PAGED, responses=RejectedLine(many=True)
    )
    def get(self, request: Request, project_slug: str, import_id: int) -> Response:
        """List the lines that an import rejected, each with its reason."""
        job = _import(self, request, project_slug, import_id)
        pages = Pages()
        page = pages.paginate_queryset(job.rejections.all(), request)
        return pages.get_paginated_response(RejectedLine(page, many=True).data)
