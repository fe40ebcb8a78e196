"""One form for every API error: {"code", "message", "fields"?}, with the HTTP status that fits."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as framework_handler

from accounts.errors import RefusedError


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Errors of services and of the framework alike. None lets an unforeseen one be a 500."""
    if isinstance(error, RefusedError):
        return Response({"code": error.code, "message": str(error)}, status=error.status)
    if isinstance(error, RequestDataTooBig):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        said = f"The body is longer than {most:,} bytes; send less at once."
        return Response({"code": "too_long", "message": said}, status=413)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    response = framework_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        return response
    body: dict[str, Any] = {"code": _code(error), "message": _message(error)}
    if isinstance(error, exceptions.ValidationError):
        body["fields"] = response.data
    response.data = body
    return response


def _code(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    return codes if isinstance(codes, str) else "invalid"


def _message(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.ValidationError) and isinstance(error.detail, dict):
        return "; ".join(
            f"{field}: {' '.join(str(line) for line in lines)}"
            for field, lines in error.detail.items()
        )
    return str(error.detail)
